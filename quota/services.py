"""Quotas: the one place that counts. A service registers what it counts; a project has its own limit or the default."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, OverLimit
from quota.models import QuotaLock

Count = Callable[[str], int]
CountAll = Callable[[str], dict[str, int]]


class QuotaExceeded(OverLimit):
    template = _("Quota exceeded for %(resource)s: %(used)s used, limit %(limit)s, %(asked)s more asked.")


class UnknownResource(Invalid):
    template = _("%(service)s has no quota named %(name)s.")


@dataclass(frozen=True)
class Counted:
    """One thing that a service counts. `count(project_id)` is the present number, from rows."""

    service: str
    name: str
    default: int
    count: Count
    description: str = ""


class Limits(Protocol):
    """The store of limits: identity's unified limits. A name without a row has the default of its registration."""

    def defaults(self, service: str) -> Mapping[str, int]:
        """Name → the operator's default."""

    def own(self, project_id: str, service: str) -> Mapping[str, int]:
        """Name → the project's own limit."""

    def set_own(self, project_id: str, service: str, name: str, limit: int, *, default: int) -> None:
        """Keep a project's own limit; `default` is the default of a name that has no row yet."""

    def set_default(self, service: str, name: str, limit: int) -> None: ...

    def forget(self, project_id: str, service: str, names: Iterable[str]) -> None:
        """Remove the project's own limits of these names."""


_source: Limits
_counted: dict[tuple[str, str], Counted] = {}


def use(limits: Limits) -> None:
    """Keep limits there."""
    global _source
    _source = limits


def register(service: str, name: str, *, default: int, count: Count, description: str = "") -> None:
    """Declare a counted resource; `service` is the catalog's type. -1 means without limit."""
    _counted[(service, name)] = Counted(service, name, default, count, description)


def registered(service: str | None = None) -> list[Counted]:
    return [row for row in _counted.values() if service is None or row.service == service]


def _find(service: str, name: str) -> Counted:
    try:
        return _counted[(service, name)]
    except KeyError:
        raise UnknownResource(service=service, name=name) from None


def defaults(service: str) -> dict[str, int]:
    """Name → default limit: the operator's registered limit, else the code's."""
    found = {row.name: row.default for row in registered(service)}
    return found | _known(_source.defaults(service), found)


def limits(project_id: str, service: str) -> dict[str, int]:
    """Name → limit that holds for the project."""
    found = defaults(service)
    return found | _known(_source.own(project_id, service), found)


def _known(limits: Mapping[str, int], names: Mapping[str, int]) -> dict[str, int]:
    """An operator may have limits of names that no service counts."""
    return {name: limit for name, limit in limits.items() if name in names}


def usage(project_id: str, service: str) -> dict[str, tuple[int, int]]:
    """Name → (used, limit)."""
    allowed = limits(project_id, service)
    return {row.name: (row.count(project_id), allowed[row.name]) for row in registered(service)}


def lock(project_id: str) -> None:
    """Hold the project's quota row until the transaction ends."""
    if not QuotaLock.objects.filter(pk=project_id).update(taken=F("taken") + 1):
        QuotaLock.objects.get_or_create(pk=project_id)
        QuotaLock.objects.filter(pk=project_id).update(taken=F("taken") + 1)


def fitting(project_id: str, service: str, each: dict[str, int], most: int, *, count_all: CountAll) -> int:
    """How many, up to `most`, of something that takes `each` still fit. Call it as `require`."""
    lock(project_id)
    allowed, used = limits(project_id, service), count_all(project_id)
    left = [(allowed[name] - used[name]) // need for name, need in each.items() if need > 0 and allowed[name] >= 0]
    return max(0, min([most, *left]))


def require(project_id: str, service: str, asked: dict[str, int], *, count_all: CountAll | None = None) -> None:
    """Go on only if `asked` more still fits; call inside the transaction that adds the rows.

    `count_all` counts all of `asked` at once, for who can do that in one read. Raises: QuotaExceeded(resource, used, limit, asked), for the first that does not fit.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("quota.require must run inside the transaction that adds the rows")
    lock(project_id)
    allowed = limits(project_id, service)
    used_of = count_all(project_id) if count_all else {}
    for name, more in asked.items():
        counted = _find(service, name)
        limit = allowed[name]
        if limit < 0 or more <= 0:
            continue
        used = used_of[name] if name in used_of else counted.count(project_id)
        if used + more > limit:
            raise QuotaExceeded(resource=name, used=used, limit=limit, asked=more, service=service)


@transaction.atomic
def set(project_id: str, service: str, name: str, limit: int) -> None:
    """Set the project's own limit. Raises: UnknownResource."""
    _source.set_own(project_id, service, name, limit, default=_find(service, name).default)


@transaction.atomic
def set_default(service: str, name: str, limit: int) -> None:
    """Set the default of every project without a limit of its own. Raises: UnknownResource."""
    _find(service, name)
    _source.set_default(service, name, limit)


def reset(project_id: str, service: str) -> None:
    """Forget the project's own limits of a service: the defaults hold again."""
    _source.forget(project_id, service, [row.name for row in registered(service)])
