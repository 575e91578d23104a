"""Which properties the metadata definitions know of a kind of resource, and whether a value fits its definition."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from authorization.context import RequestContext
from images.metadefs.models import OBJECT, PROPERTY, RESOURCE_TYPE, Definition, Namespace
from images.metadefs.services import visible

MOST = 1000  # properties that are offered


@dataclass(frozen=True)
class Known:
    """A property: its `name` as it is set, with its namespace's prefix; `group` is what it stands under; `about` its JSON Schema."""

    name: str
    title: str
    group: str
    about: Mapping[str, object]

    def refusal(self, value: str) -> str:
        """Say why a value does not fit; "" where it does. Values of properties are texts, so a list is its parts with commas."""
        allowed = [str(one) for one in _listed(self.about.get("enum"))]
        if allowed and value not in allowed:
            return _("%(name)s is one of: %(allowed)s.") % {"name": self.name, "allowed": ", ".join(allowed)}
        if self.about.get("type") in ("integer", "number"):
            return self._number(value)
        if self.about.get("type") == "boolean" and value.lower() not in ("true", "false"):
            return _("%(name)s is true or false.") % {"name": self.name}
        if not value:
            return _("%(name)s needs a value.") % {"name": self.name}
        return ""

    def _number(self, value: str) -> str:
        try:
            number = int(value) if self.about.get("type") == "integer" else float(value)
        except ValueError:
            return _("%(name)s is a number.") % {"name": self.name}
        low, high = self.about.get("minimum"), self.about.get("maximum")
        if (isinstance(low, int | float) and number < low) or (isinstance(high, int | float) and number > high):
            said = {"name": self.name, "low": "–" if low is None else low, "high": "–" if high is None else high}
            return _("%(name)s lies between %(low)s and %(high)s.") % said
        return ""


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def known(actor: RequestContext, resource_type: str) -> list[Known]:
    """List the properties that visible namespaces associated with a resource type define, by group and name. Raises: Forbidden."""
    of_type = Definition.objects.filter(kind=RESOURCE_TYPE, name=resource_type).values("namespace")
    rows = visible(actor).filter(pk__in=of_type).order_by("namespace")
    found = [
        one for row in rows.prefetch_related(Prefetch("definitions", Definition.objects.order_by("name")))
        for one in _of(row, resource_type)
    ]  # fmt: skip
    return found[:MOST]


def _of(row: Namespace, resource_type: str) -> list[Known]:
    """List one namespace's properties, and those of its objects."""
    definitions = list(row.definitions.all())
    mine = next(one for one in definitions if one.kind == RESOURCE_TYPE and one.name == resource_type)
    prefix, group = str(mine.data.get("prefix", "")), row.display_name or row.pk
    found = [_known(prefix + one.name, group, one.data) for one in definitions if one.kind == PROPERTY]
    for holder in (one for one in definitions if one.kind == OBJECT):
        inner = holder.data.get("properties", {})
        found += [_known(prefix + name, f"{group}: {holder.name}", about) for name, about in inner.items()]
    return found


def _known(name: str, group: str, about: Mapping[str, object]) -> Known:
    return Known(name, str(about.get("title") or name), group, about)
