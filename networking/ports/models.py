"""Ports and their addresses."""

from __future__ import annotations

from typing import Protocol

from django.db import models

from authorization.context import RequestContext
from networking.networks.models import Network
from networking.ports import states
from networking.securitygroups.models import SecurityGroup
from networking.standard import StandardAttributes
from networking.subnets.models import Subnet

DHCP = "network:dhcp"
ROUTER_INTERFACE = "network:router_interface"
ROUTER_GATEWAY = "network:router_gateway"
FLOATING_IP = "network:floatingip"
ROUTER_OWNERS = (ROUTER_INTERFACE, ROUTER_GATEWAY)
ROLES = (DHCP, *ROUTER_OWNERS, FLOATING_IP)
REFUSAL = 600  # characters of what the DHCP server said
GUEST_PREFIX = "compute:"
VNIC_TYPES = ("normal", "direct", "macvtap", "baremetal", "direct-physical", "virtio-forwarder", "smart-nic")


class ServerRow(Protocol):
    """A server as ports know it: compute's row fits."""

    @property
    def id(self) -> str: ...

    @property
    def project_id(self) -> str: ...


class PortQuerySet(models.QuerySet["Port"]):
    def visible_to(self, actor: RequestContext) -> PortQuerySet:
        """Query own ports, and all ports of own networks (Neutron's `admin_or_network_owner`)."""
        if actor.is_admin:
            return self
        project = actor.project_id or ""
        return self.filter(models.Q(project_id=project) | models.Q(network__project_id=project))

    def of_server(self, server: ServerRow) -> PortQuerySet:
        """Query the interfaces of a server, oldest first: plugged by compute, and of the server's own project."""
        return self.filter(server_id=server.id, project_id=server.project_id).order_by("created_at", "id")

    def of_guests(self) -> PortQuerySet:
        """Ports that are no DHCP server's, router's or floating IP's: a guest has them, or nobody yet."""
        return self.filter(role="")


class Port(StandardAttributes):
    """A MAC on a network. `host` is where it is bound ('' = nowhere).

    `device_id` and `device_owner` are what the API was told, free text that nothing here reads. The real owner is told by
    `server_id` (written by ports/devices.py alone, for compute), `router` and `role` (one of ROLES, written by the
    networking services that make such ports).
    """

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="ports")
    mac_address = models.CharField(max_length=17)
    admin_state_up = models.BooleanField(default=True)
    status = models.CharField(max_length=8, default=states.DOWN)
    device_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    device_owner = models.CharField(max_length=255, blank=True, default="")
    server_id = models.CharField(max_length=36, blank=True, default="", db_index=True)
    router = models.ForeignKey("networking.Router", null=True, on_delete=models.PROTECT, related_name="ports")
    role = models.CharField(max_length=32, blank=True, default="")
    host = models.CharField(max_length=255, blank=True, default="", db_index=True)
    vnic_type = models.CharField(max_length=32, default="normal")
    binding_profile = models.JSONField(default=dict, blank=True)
    port_security_enabled = models.BooleanField(default=True)
    allowed_address_pairs = models.JSONField(default=list, blank=True)
    extra_dhcp_opts = models.JSONField(default=list, blank=True)
    dns_name = models.CharField(max_length=255, blank=True, default="")
    #: Why the DHCP server serves this port without its extra options; "" when it hands them out.
    dhcp_refusal = models.CharField(max_length=REFUSAL, blank=True, default="")
    groups = models.ManyToManyField(SecurityGroup, through="PortGroup", related_name="ports")

    objects = PortQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("network", "mac_address"), name="network_port_mac_once")]
        indexes = [
            models.Index(fields=["network"], condition=~models.Q(dhcp_refusal=""), name="network_port_refused"),
            # whole: the palette looks through names and addresses of all
            models.Index(fields=["name", "mac_address", "id", "project_id", "network"], name="network_port_by_name"),
        ]


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


class Probe(models.Model):
    """What one TCP port of a guest answered when it was tried last: `found` is of hostagent.contract.network.Found, "" for never."""

    port = models.ForeignKey(Port, on_delete=models.CASCADE, related_name="probes")
    number = models.PositiveIntegerField()
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    found = models.CharField(max_length=8, blank=True, default="")
    said = models.CharField(max_length=128, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=("port", "number"), name="network_probe_once")]

    def __str__(self) -> str:
        return f"{self.port_id} {self.number}"


class PortGroup(models.Model):
    """A port is in a security group."""

    port = models.ForeignKey(Port, on_delete=models.CASCADE)
    group = models.ForeignKey(SecurityGroup, on_delete=models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("port", "group"), name="network_port_group_once")]

    def __str__(self) -> str:
        return f"{self.port_id} in {self.group_id}"
