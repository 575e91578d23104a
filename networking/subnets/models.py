"""Subnets: a CIDR of a network, and how guests learn their address in it."""

from __future__ import annotations

from django.db import models

from authorization.context import RequestContext
from networking.networks.models import Network
from networking.standard import StandardAttributes
from networking.subnetpools.models import SubnetPool

SLAAC = "slaac"
STATELESS = "dhcpv6-stateless"
STATEFUL = "dhcpv6-stateful"


class SubnetQuerySet(models.QuerySet["Subnet"]):
    def visible_to(self, actor: RequestContext) -> SubnetQuerySet:
        """Subnets of visible networks; those of external networks only for their owner and admins."""
        if actor.is_admin:
            return self
        project = actor.project_id or ""
        usable = Network.objects.visible_to(actor).filter(
            models.Q(shared=True) | models.Q(project_id=project) | models.Q(external=False)
        )
        return self.filter(models.Q(project_id=project) | models.Q(network__in=usable.values("pk")))


class Subnet(StandardAttributes):
    """`allocation_pools`: [{"start", "end"}]. `cursor`: the number last allocated (32 hex digits), '' at first."""

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="subnets")
    ip_version = models.IntegerField()
    cidr = models.CharField(max_length=49)
    gateway_ip = models.CharField(max_length=45, blank=True, default="")
    enable_dhcp = models.BooleanField(default=True)
    ipv6_ra_mode = models.CharField(max_length=16, blank=True, default="")
    ipv6_address_mode = models.CharField(max_length=16, blank=True, default="")
    allocation_pools = models.JSONField(default=list)
    dns_nameservers = models.JSONField(default=list)
    host_routes = models.JSONField(default=list)
    service_types = models.JSONField(default=list)
    dns_publish_fixed_ip = models.BooleanField(default=False)
    subnetpool = models.ForeignKey(SubnetPool, null=True, on_delete=models.PROTECT, related_name="subnets")
    cursor = models.CharField(max_length=32, blank=True, default="")

    objects = SubnetQuerySet.as_manager()

    @property
    def is_autoconfigured(self) -> bool:
        """Guests make their own address from the announced prefix (RFC 4862), so it follows from the MAC."""
        return self.ip_version == 6 and self.ipv6_address_mode in (SLAAC, STATELESS)


def external_ranges() -> list[str]:
    """Ranges of the networks that lead out of the cloud, where its own floating addresses are."""
    return list(Subnet.objects.filter(network__external=True).values_list("cidr", flat=True))
