"""One row a host."""

from django.db import models

from common.clock import now
from common.ids import new_id
from hosts.states import HostState


class Host(models.Model):
    """A machine (or a simulated one) that an agent speaks for. `inventory` is as hostagent.contract.Inventory."""

    name = models.CharField(primary_key=True, max_length=64)
    id = models.CharField(max_length=36, unique=True, default=new_id)  # the hypervisor's and service's UUID on the wire
    number = models.PositiveIntegerField(unique=True)  # the legacy integer id
    state = models.CharField(max_length=12, choices=HostState.choices, default=HostState.NEW)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=255, default="", blank=True)
    forced_down = models.BooleanField(default=False)
    zone = models.CharField(max_length=64, default="nova")
    roles = models.JSONField(default=list)  # of control, network, compute, storage
    fake = models.BooleanField(default=False)
    drivers = models.JSONField(default=dict)
    capabilities = models.JSONField(default=list)
    inventory = models.JSONField(default=dict)
    underlay_ip = models.CharField(max_length=64, default="", blank=True)
    boot_id = models.CharField(max_length=64, default="", blank=True)
    booted_at = models.DateTimeField(null=True)
    version = models.CharField(max_length=32, default="", blank=True)
    last_seen_at = models.DateTimeField(null=True)
    state_changed_at = models.DateTimeField(default=now)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} {self.state}"
