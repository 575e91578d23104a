"""Rows of servers and of their moves between hosts."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError, Conflict, Invalid, NotFound, render
from common.ids import new_id
from common.prepared import Prepared
from compute.servers.lifecycle import states
from hostagent.contract.capabilities import Capability
from hosts import drivers
from hosts.drivers import HostDrivers
from operations.subject import HostSubject, Refusal, Verb, Why


class ServerNotFound(NotFound):
    template = _("Instance %(id)s could not be found.")


class WrongState(Conflict):
    template = _("Cannot '%(verb)s' instance %(id)s while it is in %(attr)s %(state)s")


class Locked(Conflict):
    template = _("Instance %(id)s is locked")


class NotOnAHost(Conflict):
    template = _("Instance %(id)s is on no host, for it could not be built. Delete it and launch another.")


class BootsFromVolume(Invalid):
    template = _(
        "Instance %(id)s boots from a volume, and this works with a root disk on its host alone. Take a snapshot of the volume."
    )


class HasRun(Conflict):
    template = _("Instance %(id)s has run before. Rebuild it, or launch another.")


class HostCannot(Conflict):
    template = _(
        "Instance %(id)s cannot do this on its host %(host)s: the driver %(driver)s has no capability '%(capability)s'. Launch it on a"
        " host that has, or ask an administrator which do (Hosts, Can do)."
    )


class ServerQuerySet(models.QuerySet["Server"]):
    def living(self) -> "ServerQuerySet":
        return self.filter(deleted=False)

    def locked(self) -> "ServerQuerySet":
        return self.select_for_update()

    def find(self, server_id: str) -> "Server":
        """Find a server among these rows. Raises: ServerNotFound."""
        found = self.filter(id=server_id).first()
        if found is None:
            raise ServerNotFound(id=server_id)
        return found


class Server(HostSubject, models.Model):
    """A virtual machine. A deleted one stays as a row with `deleted`, for usage and for its history."""

    lifecycle = states.LIFECYCLE

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    name = models.CharField(max_length=255)
    hostname = models.CharField(max_length=255)
    description = models.CharField(max_length=255, null=True, default=None)
    project_id = models.CharField(max_length=64)
    user_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)
    launched_at = models.DateTimeField(null=True, default=None)
    terminated_at = models.DateTimeField(null=True, default=None)
    deleted = models.BooleanField(default=False)

    vm_state = models.CharField(max_length=32, default=states.BUILDING)
    task_state = models.CharField(max_length=32, null=True, default=None)
    power_state = models.SmallIntegerField(default=states.NOSTATE)
    progress = models.SmallIntegerField(default=0)
    generation = models.IntegerField(default=0)
    #: The last fault, as code and data (common.errors.sentence); empty when there is none.
    fault_code = models.CharField(max_length=64, default="")
    fault_data = models.JSONField(default=dict)
    fault_at = models.DateTimeField(null=True, default=None)

    image_id = models.CharField(max_length=36, null=True, default=None)
    #: Ids of the images that its hosts may be told to read, each checked against its user: create.services.readable
    readable_images = models.JSONField(default=list)
    image_meta = models.JSONField(default=dict)  # min_disk, properties: what must still be known when the image is gone
    flavor_id = models.CharField(max_length=255)
    flavor = models.JSONField(default=dict)  # Flavor.embedded()
    #: Copies of the flavor's values, written by save(): a project's usage is their sum over an index. (Not generated columns:
    #: for those SQLite reads the whole row, with up to 64 KiB of user data.)
    vcpus = models.IntegerField(default=0)
    ram = models.IntegerField(default=0)  # MiB
    host = models.CharField(max_length=255, default="")
    availability_zone = models.CharField(max_length=255, default="")
    pinned_availability_zone = models.CharField(max_length=255, null=True, default=None)
    forced_host = models.CharField(max_length=255, default="")
    scheduler_hints = models.JSONField(default=dict)
    server_group_id = models.CharField(max_length=36, null=True, default=None, db_index=True)
    own_ports = models.JSONField(default=list)  # ports that were made with the server and go with it

    key_name = models.CharField(max_length=255, null=True, default=None)
    key_data = models.TextField(default="")
    user_data = models.TextField(null=True, default=None)  # base64, as it came
    guest_password = models.CharField(max_length=1020, blank=True, default="")  # as the guest posted it: encrypted
    boots_from_volume = models.BooleanField(default=False)  # its root disk is a volume: its host keeps none
    config_drive = models.BooleanField(default=False)
    personality = models.JSONField(default=list)  # files for the config drive, see create/personality.py
    local_disks = models.JSONField(null=True, default=None)  # see create/local_disks.py; None: what the flavor has
    metadata = models.JSONField(default=dict)
    tags = models.JSONField(default=list)
    disk_config = models.CharField(max_length=8, default="MANUAL")
    access_ip_v4 = models.CharField(max_length=45, default="")
    access_ip_v6 = models.CharField(max_length=45, default="")
    reservation_id = models.CharField(max_length=16, default="")
    launch_index = models.IntegerField(default=0)
    locked = models.BooleanField(default=False)
    locked_by_admin = models.BooleanField(default=False)
    locked_reason = models.CharField(max_length=255, null=True, default=None)
    trusted_image_certificates = models.JSONField(null=True, default=None)
    rescue_image_id = models.CharField(max_length=36, null=True, default=None)
    shelved_image_id = models.CharField(max_length=36, null=True, default=None)
    #: During a resize: what it was before, {"flavor_id", "flavor", "host", "vm_state"}.
    before_resize = models.JSONField(null=True, default=None)

    # Facts that the guest itself caused, each the time of the fact.
    leased_at = models.DateTimeField(null=True, default=None)
    metadata_at = models.DateTimeField(null=True, default=None)
    login_at = models.DateTimeField(null=True, default=None)

    objects = ServerQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=("project_id", "-created_at", "-id"), condition=Q(deleted=False), name="servers_of"),
            models.Index(fields=("host",), condition=Q(deleted=False), name="servers_on_host"),
            models.Index(fields=("id",), condition=Q(deleted=False, task_state__isnull=False), name="servers_busy"),
            models.Index(fields=("terminated_at",), condition=Q(deleted=True), name="servers_gone"),
            models.Index(fields=("-created_at", "-id"), name="servers_by_age"),
            # Whole: the palette looks through names of all and of a project, and rows with their user data are long.
            models.Index(fields=("name", "id", "project_id"), condition=Q(deleted=False), name="servers_by_name"),
            models.Index(fields=("project_id", "name", "id"), condition=Q(deleted=False), name="servers_of_by_name"),
            models.Index(  # the chips over a project's list
                fields=("project_id", "vm_state", "task_state"), condition=Q(deleted=False), name="servers_of_by_state"
            ),
            models.Index(
                fields=("vm_state",), condition=Q(deleted=False), name="servers_by_state"
            ),  # counted by /metrics
            models.Index(
                fields=("project_id", "vcpus", "ram", "deleted"), condition=Q(deleted=False), name="servers_quota"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **more: Any) -> None:
        if update_fields is None or "flavor" in update_fields:
            self.vcpus, self.ram = int(self.flavor.get("vcpus", 0)), int(self.flavor.get("ram", 0))
            update_fields = None if update_fields is None else {*update_fields, "vcpus", "ram"}
        super().save(*args, update_fields=update_fields, **more)

    @classmethod
    def locked_by_id(cls, id: str) -> "Server":
        """Read and lock the row of a server, deleted or not. Raises: ServerNotFound."""
        return locked(id)

    @property
    def instance_name(self) -> str:
        """The name of the domain on its host."""
        return instance_name(self.id)

    @property
    def status(self) -> str:
        return states.status(self.vm_state, self.task_state)

    @cached_property
    def host_drivers(self) -> HostDrivers:
        """Drivers of its host and their capabilities, read once per instance: one query."""
        return drivers.of(self.host)

    @property
    def runs(self) -> bool:
        """Whether its machine is there, running or paused."""
        return bool(self.host) and states.runs(self.power_state)

    def refused(self, verb: Verb, why: Why) -> CloudError:
        if why is Why.LOCKED:
            return Locked(id=self.id)
        attr = "vm_state" if why is Why.STATE else "task_state"
        return WrongState(verb=verb.action, id=self.id, attr=attr, state=getattr(self, attr))

    def refusal_besides(self, name: str) -> Refusal | None:
        """Why its host keeps it from a verb: there is none, or the drivers there lack what it takes."""
        if name in states.NEVER_RAN and (self.host or self.launched_at):
            return Refusal(HasRun(id=self.id), str(_("It has run before")))
        if not self.host:
            words = str(_("It is on no host: delete it and launch another"))
            return None if name in states.HOSTLESS else Refusal(NotOnAHost(id=self.id), words)
        if name in states.OF_ROOT_DISK and self.boots_from_volume:
            return Refusal(BootsFromVolume(id=self.id), str(_("It boots from a volume: take a snapshot of that")))
        capability = states.NEEDS.get(name)
        return self.refusal_for(capability) if capability is not None else None

    def refusal_for(self, capability: Capability) -> Refusal | None:
        """Why the drivers of its host keep it from what takes a capability; None: they have it."""
        driver = self.host_drivers.lacking(capability)
        if not driver:
            return None
        error = HostCannot(id=self.id, host=self.host, driver=driver, capability=capability.name)
        return Refusal(error, render(_("Its host cannot: %(driver)s"), {"driver": driver}))

    def may_override(self, actor: RequestContext) -> bool:
        return policy.allows(actor, "os_compute_api:os-lock-server:unlock:unlock_override", self)


#: Columns with secrets of the user → their value once the server is deleted, when nobody needs them any more.
SECRETS: dict[str, object] = {"user_data": None, "key_data": "", "guest_password": ""}


def instance_name(server_id: str) -> str:
    return f"instance-{server_id[:8]}"


class Migration(models.Model):
    """One move of a server from host to host (a resize on the same host too)."""

    id = models.AutoField(primary_key=True)
    uuid = models.CharField(max_length=36, unique=True, default=new_id)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="migrations")
    user_id = models.CharField(max_length=64)
    project_id = models.CharField(max_length=64)
    type = models.CharField(max_length=16)  # "resize" | "migration"
    status = models.CharField(max_length=32, default=states.QUEUED)
    source = models.CharField(max_length=255, default="")
    destination = models.CharField(max_length=255, default="")
    old_flavor_id = models.CharField(max_length=255, default="")
    new_flavor_id = models.CharField(max_length=255, default="")
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(null=True, default=None)


_living = Prepared(lambda id: Server.objects.living().filter(id=id))
_living_locked = Prepared(lambda id: Server.objects.living().locked().filter(id=id))
_locked = Prepared(lambda id: Server.objects.locked().filter(id=id))


def living(server_id: str, *, lock: bool = False) -> Server:
    """Return one living server. Raises: ServerNotFound."""
    found: Server | None = (_living_locked if lock else _living).first(server_id)
    if found is None:
        raise ServerNotFound(id=server_id)
    return found


def locked(server_id: str) -> Server:
    """Return one server, deleted or not, locked. Raises: ServerNotFound."""
    found: Server | None = _locked.first(server_id)
    if found is None:
        raise ServerNotFound(id=server_id)
    return found
