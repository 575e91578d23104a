"""Ports and their addresses."""

from __future__ import annotations

from django.db import models

from common.actor import Actor
from networking.networks.models import Network
from networking.securitygroups.models import SecurityGroup
from networking.standard import StandardAttributes
from networking.subnets.models import Subnet

DHCP = "network:dhcp"
ROUTER_INTERFACE = "network:router_interface"
ROUTER_GATEWAY = "network:router_gateway"
FLOATING_IP = "network:floatingip"
ROUTER_OWNERS = (ROUTER_INTERFACE, ROUTER_GATEWAY)
GUEST_PREFIX = "compute:"


class PortQuerySet(models.QuerySet["Port"]):
    def visible_to(self, actor: Actor) -> PortQuerySet:
        """Own ports, and all ports of own networks (Neutron's `admin_or_network_owner`)."""
        if actor.is_admin:
            return self
        project = actor.project_id or ""
        return self.filter(models.Q(project_id=project) | models.Q(network__project_id=project))


class Port(StandardAttributes):
    """A MAC on a network. `host` is where it is bound ('' = nowhere)."""

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="ports")
    mac_address = models.CharField(max_length=17)
    admin_state_up = models.BooleanField(default=True)
    status = models.CharField(max_length=8, default="DOWN")
    device_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    device_owner = models.CharField(max_length=255, blank=True, default="")
    host = models.CharField(max_length=255, blank=True, default="", db_index=True)
    vnic_type = models.CharField(max_length=32, default="normal")
    binding_profile = models.JSONField(default=dict, blank=True)
    port_security_enabled = models.BooleanField(default=True)
    allowed_address_pairs = models.JSONField(default=list, blank=True)
    extra_dhcp_opts = models.JSONField(default=list, blank=True)
    dns_name = models.CharField(max_length=255, blank=True, default="")
    groups = models.ManyToManyField(SecurityGroup, through="PortGroup", related_name="ports")

    objects = PortQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("network", "mac_address"), name="network_port_mac_once")]


class FixedIP(models.Model):
    """One address of one port. `number` is the address as 32 hex digits, so that the database can order it."""

    port = models.ForeignKey(Port, on_delete=models.CASCADE, related_name="fixed_ips")
    subnet = models.ForeignKey(Subnet, on_delete=models.PROTECT, related_name="fixed_ips")
    ip_address = models.CharField(max_length=45, db_index=True)
    number = models.CharField(max_length=32)

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=("subnet", "number"), name="network_address_once")]

    def __str__(self) -> str:
        return self.ip_address


class PortGroup(models.Model):
    """A port is in a security group."""

    port = models.ForeignKey(Port, on_delete=models.CASCADE)
    group = models.ForeignKey(SecurityGroup, on_delete=models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("port", "group"), name="network_port_group_once")]

    def __str__(self) -> str:
        return f"{self.port_id} in {self.group_id}"
