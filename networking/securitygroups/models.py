"""Security groups and rules."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from authorization.owned import OwnedQuerySet
from hostagent.contract import inet
from networking.standard import StandardAttributes


class SecurityGroup(StandardAttributes):
    """Rules about traffic to and from ports. Each project has one default group."""

    is_default = models.BooleanField(default=False)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("project_id",), condition=Q(is_default=True), name="network_default_group_once"
            )
        ]


def normalized(prefix: str) -> str:
    """Return a prefix without the bits of a host: 10.2.3.124/24 → 10.2.3.0/24. '' stays."""
    return str(inet.ip_network(prefix, strict=False)) if prefix else ""


class SecurityGroupRule(StandardAttributes):
    """Lets matching packets pass. Empty text and null mean 'any'."""

    group = models.ForeignKey(SecurityGroup, on_delete=models.CASCADE, related_name="rules")
    direction = models.CharField(max_length=8)
    ethertype = models.CharField(max_length=4, default="IPv4")
    protocol = models.CharField(max_length=16, blank=True, default="")
    port_range_min = models.IntegerField(null=True)
    port_range_max = models.IntegerField(null=True)
    remote_ip_prefix = models.CharField(max_length=49, blank=True, default="")
    remote_group = models.ForeignKey(
        SecurityGroup, null=True, on_delete=models.CASCADE, related_name="rules_that_name_it"
    )

    objects = OwnedQuerySet.as_manager()

    @property
    def normalized_cidr(self) -> str:
        """The prefix as packets are matched with it."""
        return normalized(self.remote_ip_prefix)
