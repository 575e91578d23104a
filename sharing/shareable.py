"""Kinds of things that can be shared: each app registers its own, with the rules that say who may share and who sees with whom."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from authorization.share_levels import LEVELS
from authorization.targets import Owned
from common.errors import Invalid


class UnknownKind(Invalid):
    template = _("%(kind)s cannot be shared one by one; only %(known)s can.")


@dataclass(frozen=True)
class Shareable:
    """`find(actor, id)` gives a row that the actor may see, or raises the service's own NotFound.

    `share` is the rule of whoever may share, `see` of whoever may read who can see the object. `levels` are those with
    a meaning for this kind. `everyone(actor, row)` says in sentences who else sees the object, whatever their role there.
    """

    name: str
    model: type[Model]
    find: Callable[[RequestContext, str], Any]
    share: str
    see: str
    levels: tuple[str, ...] = LEVELS
    everyone: Callable[[RequestContext, Any], list[str]] = lambda actor, row: []
    #: Kinds of which the sockets speak under the same id, such as a server's log.
    also: tuple[str, ...] = ()

    def row(self, object_pk: str) -> Owned | None:
        """Return the object, whoever asks; None when it is gone."""
        return cast("Owned | None", self.model._default_manager.filter(pk=object_pk).first())

    def project_of(self, object_pk: str) -> str | None:
        """Return the project that the object belongs to; None when it is gone, or is nobody's."""
        row = self.row(object_pk)
        return row.project_id if row is not None else None


_kinds: dict[str, Shareable] = {}
_of_model: dict[type, str] = {}


def register(kind: Shareable) -> None:
    _kinds[kind.name] = kind
    _of_model[kind.model] = kind.name


def find(name: str) -> Shareable:
    """Raises: UnknownKind."""
    if name not in _kinds:
        raise UnknownKind(kind=name, known=", ".join(sorted(_kinds)))
    return _kinds[name]


def every() -> list[Shareable]:
    return list(_kinds.values())


def name_of(target: object) -> str | None:
    """Return the kind of a row, None when such rows are not shared one by one."""
    return _of_model.get(type(target))


def name_of_model(model: type) -> str | None:
    return _of_model.get(model)


def spoken_as(live_kind: str) -> str | None:
    """Return the kind that the sockets call `live_kind`."""
    for kind in _kinds.values():
        if live_kind == kind.name or live_kind in kind.also:
            return kind.name
    return None


def content_type(kind: Shareable) -> ContentType:
    return ContentType.objects.get_for_model(kind.model)


def permission(kind: Shareable, level: str) -> Permission:
    """Return the Django permission that a guardian row names: the level, on the kind's model."""
    on = content_type(kind)
    name = f"{level} one {kind.name}"
    return Permission.objects.get_or_create(content_type=on, codename=level, defaults={"name": name})[0]
