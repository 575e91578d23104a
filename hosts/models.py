"""One row a host, and one for each thing that a host still owes."""

from django.db import models

from common.clock import now
from common.ids import new_id
from hosts.states import HostState


class Host(models.Model):
    """A machine (or a simulated one) that an agent speaks for. `inventory` is as hostagent.contract.host.Inventory."""

    name = models.CharField(primary_key=True, max_length=64)
    id = models.CharField(max_length=36, unique=True, default=new_id)  # the hypervisor's and service's UUID on the wire
    number = models.PositiveIntegerField(unique=True)  # the legacy integer id
    state = models.CharField(max_length=12, choices=HostState.choices, default=HostState.NEW)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=255, default="", blank=True)
    forced_down = models.BooleanField(default=False)
    roles = models.JSONField(default=list)  # of control, network, compute, storage
    fake = models.BooleanField(default=False)
    drivers = models.JSONField(default=dict)  # kind → name of its default driver, by its inventory
    #: contract.capabilities.DriverInstance of each driver, by its hello; []: an agent that tells of none (hosts/drivers.py)
    driver_instances = models.JSONField(default=list)
    capabilities = models.JSONField(default=list)
    inventory = models.JSONField(default=dict)
    underlay_ip = models.CharField(max_length=64, default="", blank=True)
    boot_id = models.CharField(max_length=64, default="", blank=True)
    booted_at = models.DateTimeField(null=True)
    version = models.CharField(max_length=32, default="", blank=True)
    speaks = models.PositiveSmallIntegerField(default=1)  # the newest version of the contract that its agent speaks
    heard = models.CharField(
        max_length=120, default="", blank=True
    )  # operations.arrivals: the newest number of each stream
    trouble = models.JSONField(
        default=dict
    )  # of its agent: kind (contract.reports.TROUBLE) → the last, with "count" and "at"
    last_seen_at = models.DateTimeField(null=True)
    #: hosts.epoch: the life in which what the host last saw was found to lie behind this database, or an operator said so.
    recognised = models.CharField(max_length=16, default="", blank=True)
    estranged = models.BooleanField(default=False)  # it saw a newer database, or another one
    told = models.JSONField(null=True, default=None)  # contract.Cloud that made it so
    accepted = models.JSONField(null=True, default=None)  # the one that an operator said to go on from
    #: The open question to an operator about orphans on this host, see compute.servers.lifecycle.orphans; None: none.
    question = models.JSONField(null=True, default=None)
    state_changed_at = models.DateTimeField(default=now)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} {self.state}"


class Life(models.Model):
    """One start of the cloud with this database, see hosts.epoch. Never deleted: a host may have seen any of them."""

    life = models.CharField(primary_key=True, max_length=16)
    cloud = models.CharField(max_length=16)  # the same in all rows of one database
    count = models.BigIntegerField(default=0)
    begun_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.life}:{self.count}"


class HostDebt(models.Model):
    """A cast that could not be sent to a host, or that it did not carry out, when it had to be: sent again when it is heard.

    `kind` says how it is asked (hosts.debts.register), `key` what it is about; `body`, `subject` and `generation` are the
    cast's own. Rows go when the host has done it, or has acted on newer casts about the same subject.
    """

    host = models.CharField(max_length=64)
    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=128)
    body = models.JSONField(default=dict)
    subject = models.CharField(max_length=128)
    generation = models.BigIntegerField(default=0)
    since = models.DateTimeField(default=now)
    due_at = models.DateTimeField(default=now)
    tries = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, default="", blank=True)
    error_data = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["host", "kind", "key"], name="one_debt_a_thing")]

    def __str__(self) -> str:
        return f"{self.host} {self.kind} {self.key}"
