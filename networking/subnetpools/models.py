"""Address scopes and subnet pools."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models
from django.db.models import Q

from authorization.context import RequestContext
from networking.standard import StandardAttributes

M = TypeVar("M", bound=StandardAttributes)


class SharedQuerySet(models.QuerySet[M]):
    def visible_to(self, actor: RequestContext) -> Self:
        if actor.is_admin:
            return self
        return self.filter(Q(project_id=actor.project_id or "") | Q(shared=True))


class AddressScope(StandardAttributes):
    """Addresses of pools in one scope never overlap."""

    ip_version = models.IntegerField()
    shared = models.BooleanField(default=False)

    objects = SharedQuerySet.as_manager()


class SubnetPool(StandardAttributes):
    """Prefixes from which subnets without a CIDR of their own are cut. `prefixes` is a list of CIDRs."""

    ip_version = models.IntegerField()
    prefixes = models.JSONField(default=list)
    min_prefixlen = models.IntegerField()
    max_prefixlen = models.IntegerField()
    default_prefixlen = models.IntegerField()
    default_quota = models.BigIntegerField(null=True, blank=True)
    shared = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    address_scope = models.ForeignKey(AddressScope, null=True, on_delete=models.PROTECT, related_name="pools")

    objects = SharedQuerySet.as_manager()
