"""Networks, and who may use them besides their project."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from authorization.context import RequestContext
from authorization.share_levels import OPERATE
from common.ids import new_id
from common.prepared import Prepared
from networking.networks import states
from networking.standard import StandardAttributes
from sharing import received

KINDS = ("local", "flat", "vlan", "vxlan")
SHARE = "access_as_shared"
EXTERNAL = "access_as_external"


class NetworkQuerySet(models.QuerySet["Network"]):
    def visible_to(self, actor: RequestContext) -> NetworkQuerySet:
        """Query own networks, shared ones, external ones, those shared with the person; an admin sees all."""
        if actor.is_admin:
            return self
        return self.filter(received.or_shared(actor, "network", self._of(actor.project_id or "")))

    def usable_by(self, actor: RequestContext) -> NetworkQuerySet:
        """Narrow `visible_to` to networks that the actor may choose for a port: a share has to be for operating."""
        if actor.is_admin:
            return self
        return self.filter(received.or_shared(actor, "network", self._of(actor.project_id or ""), OPERATE))

    def open_to(self, project_id: str) -> NetworkQuerySet:
        """Networks that a project sees, whichever user asks: a network that is chosen for a server is never a user's own share."""
        return self.filter(self._of(project_id))

    @staticmethod
    def _of(project: str) -> Q:
        granted = NetworkGrant.objects.filter(target_project__in=("*", project)).values("network_id")
        return Q(project_id=project) | Q(shared=True) | Q(external=True) | Q(pk__in=granted)


class Network(StandardAttributes):
    """A broadcast domain. `conntrack_zone` is one per network in the whole cloud."""

    admin_state_up = models.BooleanField(default=True)
    status = models.CharField(max_length=16, default=states.ACTIVE)
    kind = models.CharField(max_length=8, choices=[(kind, kind) for kind in KINDS])
    physical = models.CharField(max_length=64, blank=True, default="")
    segment = models.IntegerField(null=True, blank=True)
    conntrack_zone = models.IntegerField(unique=True, db_column="zone")
    mtu = models.IntegerField()
    shared = models.BooleanField(default=False)
    external = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    port_security_enabled = models.BooleanField(default=True)
    dns_domain = models.CharField(max_length=255, blank=True, default="")
    availability_zone_hints = models.JSONField(default=list, blank=True)
    dhcp_host = models.CharField(max_length=255, blank=True, default="", db_index=True)
    dhcp_placed = models.BooleanField(default=False)  # an operator chose the host

    objects = NetworkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("segment",), condition=Q(kind="vxlan"), name="network_vxlan_segment_once"),
            models.UniqueConstraint(
                fields=("physical", "segment"), condition=Q(kind="vlan"), name="network_vlan_segment_once"
            ),
            models.UniqueConstraint(fields=("physical",), condition=Q(kind="flat"), name="network_flat_once"),
        ]


class NetworkGrant(models.Model):
    """An RBAC policy: lets another project (or ``*``, all) use a network, or use it as external."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    project_id = models.CharField(max_length=64, db_index=True)
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="grants")
    action = models.CharField(max_length=32)
    target_project = models.CharField(max_length=64, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("network", "action", "target_project"), name="network_grant_once")
        ]

    def __str__(self) -> str:
        return f"{self.network_id} {self.action} {self.target_project}"


_open_one = Prepared(lambda id, project: Network.objects.open_to(project).filter(pk=id))


def visible_network(actor: RequestContext, network_id: str) -> Network | None:
    """Find one network if the actor may see it."""
    found: Network | None
    if actor.is_admin:
        found = Network.objects.filter(pk=network_id).first()
    else:
        found = _open_one.first(network_id, actor.project_id or "")
        if found is None and received.has_any(actor, "network"):
            found = Network.objects.visible_to(actor).filter(pk=network_id).first()
    return found
