"""Form fields that hold several lines, and boxes to tick with a filter."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from portal.ui import Text


class LinesWidget(forms.Widget):
    """Lines that people add and take away; each has the inputs that `template` draws. Posted as `<name>-<n>-<part>`."""

    parts: Mapping[str, bool] = {}  # part → whether it has several values
    template = ""
    blank: Mapping[str, object] = {}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, Any]]:
        starts = (key.removeprefix(f"{name}-").split("-", 1)[0] for key in data if key.startswith(f"{name}-"))
        numbers = sorted({int(start) for start in starts if start.isdecimal() and len(start) < 9})[:500]
        lines = []
        for number in numbers:
            line = {
                part: data.getlist(f"{name}-{number}-{part}") if many else data.get(f"{name}-{number}-{part}", "")
                for part, many in self.parts.items()
            }
            lines.append(line)
        return lines

    def use_required_attribute(self, initial: object) -> bool:
        return False

    def id_for_label(self, id_: str) -> str:
        return f"{id_}-add"

    def extra(self) -> dict[str, object]:
        """Further context of the template."""
        return {}

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        context = {
            "name": name,
            "id": (attrs or {}).get("id", name),
            "lines": list(enumerate(value or [])),
            "next": len(value or []),
            "blank": self.blank,
            "invalid": self.attrs.get("aria-invalid"),
            **self.extra(),
        }
        return mark_safe(render_to_string(self.template, context))


class RolesWidget(LinesWidget):
    parts: Mapping[str, bool] = {"who": False, "roles": True}
    template = "ui/roles_lines.html"

    def __init__(self) -> None:
        super().__init__()
        self.people: Sequence[tuple[str, Text]] = ()
        self.roles: Sequence[tuple[str, Text]] = ()
        self.add: Text = ""
        self.who: Text = ""
        self.first: Sequence[str] = ()  # roles ticked in a new line

    def extra(self) -> dict[str, object]:
        blank = {"who": "", "roles": list(self.first)}
        return {"people": self.people, "roles": self.roles, "add": self.add, "who": self.who, "blank": blank}


class Roles(forms.Field):
    """A field of who has which roles: {id: {role ids}}. `add` is the button's text, `who` what a line names first."""

    widget: RolesWidget

    def __init__(self, *, add: Text, who: Text, **kwargs: Any) -> None:
        super().__init__(widget=RolesWidget, required=False, **kwargs)
        self.widget.add, self.widget.who = add, who

    def offer(
        self, people: Iterable[tuple[str, Text]], roles: Iterable[tuple[str, Text]], first: str = "member"
    ) -> None:
        """Set what may be chosen; who has a role already stays choosable, listed or not."""
        self.widget.people, self.widget.roles = list(people), list(roles)
        self.widget.first = [id for id, name in self.widget.roles if name == first]

    def clean(self, value: Any) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        people, roles = dict(self.widget.people), dict(self.widget.roles)
        for line in value or []:
            if not line["who"]:
                continue
            if line["who"] not in people or set(line["roles"]) - set(roles):
                raise ValidationError(_("Choose one of the list."))
            if not line["roles"]:
                raise ValidationError(
                    _("%(name)s needs a role, or the line away."), params={"name": people[line["who"]]}
                )
            found.setdefault(line["who"], set()).update(line["roles"])
        return found


class RulesWidget(LinesWidget):
    parts: Mapping[str, bool] = {"service": False, "method": False, "path": False}
    template = "ui/rules_lines.html"
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
    services: Sequence[str] = ()
    blank: Mapping[str, object] = {"service": "compute", "method": "GET", "path": ""}

    def extra(self) -> dict[str, object]:
        return {"methods": self.methods, "services": self.services}


class Rules(forms.Field):
    """Access rules: [{"service", "method", "path"}]."""

    widget = RulesWidget

    def clean(self, value: Any) -> list[dict[str, str]]:
        found = []
        for line in value or []:
            path = line["path"].strip()
            if not path:
                continue
            if not path.startswith("/") or len(path) > 128:
                raise ValidationError(
                    _("A path begins with / and has at most 128 characters: %(path)s"), params={"path": path}
                )
            if line["method"] not in RulesWidget.methods or line["service"] not in self.widget.services:
                raise ValidationError(_("Choose one of the list."))
            found.append({**line, "path": path})
        return found


class Checklist(forms.CheckboxSelectMultiple):
    """Boxes to tick, in a window that scrolls, with a field that narrows them."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        context = {
            "name": name,
            "id": (attrs or {}).get("id", name),
            "choices": self.choices,
            "value": value or [],
            "invalid": self.attrs.get("aria-invalid"),
        }
        return mark_safe(render_to_string("ui/checklist.html", context))

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        return f"{id_}-narrow"
