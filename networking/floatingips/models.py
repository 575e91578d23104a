"""Floating IPs."""

from __future__ import annotations

from django.db import models

from authorization.owned import OwnedQuerySet
from common.live import announce
from networking.floatingips import states
from networking.networks.models import Network
from networking.ports.models import Port
from networking.routers.models import Router
from networking.standard import StandardAttributes


class FloatingIP(StandardAttributes):
    """`floating_port` holds the address on the external network; `port` is where it leads, null = nowhere."""

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="floating_ips")
    floating_port = models.OneToOneField(Port, on_delete=models.PROTECT, related_name="floating_ip_held")
    floating_ip_address = models.CharField(max_length=45)
    port = models.ForeignKey(Port, null=True, on_delete=models.SET_NULL, related_name="floating_ips")
    fixed_ip_address = models.CharField(max_length=45, blank=True, default="")
    router = models.ForeignKey(Router, null=True, on_delete=models.PROTECT, related_name="floating_ips")
    status = models.CharField(max_length=8, default=states.DOWN)
    dns_name = models.CharField(max_length=255, blank=True, default="")
    dns_domain = models.CharField(max_length=255, blank=True, default="")

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("port", "fixed_ip_address"), name="network_one_floating_ip_per_fixed_ip")
        ]

    def release(self) -> None:
        """Let the address lead nowhere. Within a transaction; the caller notes the change of the router that it led through."""
        self.save_changes({"port": None, "fixed_ip_address": "", "router": None, "status": states.DOWN})
        announce("floatingip", self.id, self.project_id)
