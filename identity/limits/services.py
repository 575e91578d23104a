"""Quotas: the one place that counts. A service registers what it counts; a project has its own limit or the default."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, OverLimit
from common.prepared import Prepared
from identity.catalogs.models import Service
from identity.limits.models import Limit, QuotaLock, RegisteredLimit

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


_counted: dict[tuple[str, str], Counted] = {}


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


_registered = Prepared(
    lambda service: (
        RegisteredLimit.objects.filter(service__type=service)
        .order_by(F("region_id").desc(nulls_last=True))
        .values("resource_name", "default_limit")
    )
)
_own = Prepared(
    lambda project, service: (
        Limit.objects.filter(project_id=project, registered_limit__service__type=service)
        .order_by("pk")
        .values("registered_limit__resource_name", "resource_limit")
    )
)


def defaults(service: str) -> dict[str, int]:
    """Name → default limit: the operator's registered limit, else the code's."""
    found = {row.name: row.default for row in registered(service)}
    return found | {name: limit for name, limit in map(dict.values, _registered(service)) if name in found}


def limits(project_id: str, service: str) -> dict[str, int]:
    """Name → limit that holds for the project."""
    found = defaults(service)
    return found | {name: limit for name, limit in map(dict.values, _own(project_id, service)) if name in found}


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


def _registered_limit(service: str, name: str) -> RegisteredLimit:
    counted = _find(service, name)
    row = Service.objects.filter(type=service).first() or Service.objects.create(type=service, name=service)
    limit, _made = RegisteredLimit.objects.get_or_create(
        service=row, region=None, resource_name=name, defaults={"default_limit": counted.default}
    )
    return limit


@transaction.atomic
def set(project_id: str, service: str, name: str, limit: int) -> None:
    """The project's own limit. Raises: UnknownResource."""
    registered_limit = _registered_limit(service, name)
    Limit.objects.update_or_create(
        registered_limit=registered_limit, project_id=project_id, domain=None, defaults={"resource_limit": limit}
    )


@transaction.atomic
def set_default(service: str, name: str, limit: int) -> None:
    """The default of every project without a limit of its own. Raises: UnknownResource."""
    row = _registered_limit(service, name)
    RegisteredLimit.objects.filter(pk=row.pk).update(default_limit=limit)


def reset(project_id: str, service: str) -> None:
    """Forget the project's own limits of a service: the defaults hold again."""
    names = [row.name for row in registered(service)]
    Limit.objects.filter(
        project_id=project_id, registered_limit__service__type=service, registered_limit__resource_name__in=names
    ).delete()
