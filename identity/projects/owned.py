"""Things that a project owns: every app registers its kinds, each with how it is counted, named and removed.

A project that owns anything its users made is not deleted by itself; it is with `?cascade=true`, kind by kind, in the order
of the registry. What the cloud makes by itself, and what is no thing in the project but a word about it (limits, roles,
history), is registered too, as `aside`: it goes, or stays, without counting. A test holds that every model with a project
is named by one or the other.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from common.errors import Conflict

NAMED = 3  # so many of a kind are named in a refusal

Text = str | Promise


class ProjectOwnsThings(Conflict):
    template = _(
        "%(kind)s %(name)s still owns %(things)s. Delete them first, or delete it with ?cascade=true or in the portal, which lists them first, "
        "and they go with it."
    )


@dataclass(frozen=True, kw_only=True)
class Owned:
    """One kind of things. `rows(project_id)` is a queryset of those that users made and that are still there."""

    order: int  # smaller goes first
    label: object  # lazy, plural in %(count)s
    rows: Callable[[str], Any]
    remove: Callable[[str], None]
    models: tuple[type, ...]
    name: str = "name"  # the column that people know one by
    protected: Callable[[str], Iterable[str]] = field(default=lambda project_id: ())


@dataclass(frozen=True)
class Holding:
    """Things of one kind in a project."""

    label: Any
    count: int
    names: list[str]  # the first few
    protected: list[str]  # all of them

    def counted(self) -> str:
        """ "3 images", in the active language."""
        return str(self.label % {"count": self.count})

    def sentence(self) -> str:
        """ "3 images (a, b, c …; protected: a)", in the active language."""
        more = " …" if self.count > len(self.names) else ""
        kept = f"; {_('protected')}: {', '.join(self.protected)}" if self.protected else ""
        return f"{self.counted()} ({', '.join(self.names)}{more}{kept})"


_owned: list[Owned] = []
_aside: dict[type, tuple[str, Callable[[str], None] | None]] = {}


def register(*kinds: Owned) -> None:
    for kind in kinds:
        if kind not in _owned:
            _owned.append(kind)
    _owned.sort(key=lambda kind: kind.order)


def aside(model: type, why: str, *, remove: Callable[[str], None] | None = None) -> None:
    """Rows of `model` do not count, for `why`. `remove` runs after all that counts is gone."""
    _aside[model] = (why, remove)


def holdings(project_ids: Iterable[str]) -> list[Holding]:
    """Things that these projects own, in the order in which it would go."""
    found = []
    ids = list(project_ids)
    for kind in _owned:
        count, names, protected = 0, list[str](), list[str]()
        for project_id in ids:
            rows = kind.rows(project_id)
            count += rows.count()
            names += [name or pk for name, pk in rows.values_list(kind.name, "pk")[: max(0, NAMED - len(names))]]
            protected += kind.protected(project_id)
        if count:
            found.append(Holding(kind.label, count, names, sorted(protected)))
    return found


def require_nothing(what: str, name: str, project_ids: Iterable[str]) -> None:
    """Raises: ProjectOwnsThings with the list."""
    found = holdings(project_ids)
    if found:
        with override("en"):
            things = ", ".join(holding.sentence() for holding in found)
        raise ProjectOwnsThings(kind=what.capitalize(), name=name, things=things)


def remove_all(project_id: str) -> None:
    """Remove everything of a project, in order; then what does not count. In the caller's transaction."""
    for kind in _owned:
        kind.remove(project_id)
    for _why, remove in _aside.values():
        if remove is not None:
            remove(project_id)
