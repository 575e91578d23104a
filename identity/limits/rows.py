"""Unified limits as the quotas' limits: Keystone's rows say what holds, `quota` counts and enforces."""

from collections.abc import Iterable

from django.db.models import F

from common.prepared import Prepared
from identity.catalogs.models import Service
from identity.limits.models import Limit, RegisteredLimit

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


class UnifiedLimits:
    """See `quota.services.Limits`."""

    def defaults(self, service: str) -> dict[str, int]:
        """Read the defaults. Of several rows of one name the one without a region counts: it comes last."""
        return {row["resource_name"]: row["default_limit"] for row in _registered(service)}

    def own(self, project_id: str, service: str) -> dict[str, int]:
        return {row["registered_limit__resource_name"]: row["resource_limit"] for row in _own(project_id, service)}

    def set_own(self, project_id: str, service: str, name: str, limit: int, *, default: int) -> None:
        row = _registered_limit(service, name, default)
        Limit.objects.update_or_create(
            registered_limit=row, project_id=project_id, domain=None, defaults={"resource_limit": limit}
        )

    def set_default(self, service: str, name: str, limit: int) -> None:
        row = _registered_limit(service, name, limit)
        RegisteredLimit.objects.filter(pk=row.pk).update(default_limit=limit)

    def forget(self, project_id: str, service: str, names: Iterable[str]) -> None:
        Limit.objects.filter(
            project_id=project_id,
            registered_limit__service__type=service,
            registered_limit__resource_name__in=list(names),
        ).delete()


def _registered_limit(service: str, name: str, default: int) -> RegisteredLimit:
    row = Service.objects.filter(type=service).first() or Service.objects.create(type=service, name=service)
    limit, _made = RegisteredLimit.objects.get_or_create(
        service=row, region=None, resource_name=name, defaults={"default_limit": default}
    )
    return limit
