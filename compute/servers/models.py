"""Rows of servers and of their moves between hosts."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Conflict, NotFound, sentence
from common.ids import new_id
from common.live import announce
from common.prepared import Prepared
from compute.servers import states


class ServerNotFound(NotFound):
    template = _("Instance %(id)s could not be found.")


class WrongState(Conflict):
    template = _("Cannot '%(verb)s' instance %(id)s while it is in %(attr)s %(state)s")


class Locked(Conflict):
    template = _("Instance %(id)s is locked")


class ServerQuerySet(models.QuerySet["Server"]):
    def living(self) -> "ServerQuerySet":
        return self.filter(deleted=False)

    def locked(self) -> "ServerQuerySet":
        return self.select_for_update()

    def find(self, server_id: str) -> "Server":
        """Raises: ServerNotFound."""
        found = self.filter(id=server_id).first()
        if found is None:
            raise ServerNotFound(id=server_id)
        return found


class Server(models.Model):
    """A virtual machine. A deleted one stays as a row with `deleted`, for usage and for its history."""

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
    #: Rises with each verb: a host refuses an order older than the newest it acted on.
    generation = models.IntegerField(default=0)
    #: What went wrong last, as code and data (common.errors.sentence); empty when all is well.
    fault_code = models.CharField(max_length=64, default="")
    fault_data = models.JSONField(default=dict)
    fault_at = models.DateTimeField(null=True, default=None)

    image_id = models.CharField(max_length=36, null=True, default=None)
    #: Ids of the images that its hosts may be told to read, each checked for who asked: creating.readable
    readable_images = models.JSONField(default=list)
    image_meta = models.JSONField(default=dict)  # min_disk, properties: what must still be known when the image is gone
    flavor_id = models.CharField(max_length=255)
    flavor = models.JSONField(default=dict)  # Flavor.embedded()
    #: Of the flavor, written by save(): a project's quota is their sum in an index. (Of columns that the database
    #: generates SQLite reads the row besides, 64 KiB of user data among it.)
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
    config_drive = models.BooleanField(default=False)
    personality = models.JSONField(default=list)  # files for the config drive, see personality.py
    local_disks = models.JSONField(null=True, default=None)  # see local_disks.py; None: what the flavor has
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

    @property
    def instance_name(self) -> str:
        """The name of the domain on its host."""
        return instance_name(self.id)

    @property
    def status(self) -> str:
        return states.status(self.vm_state, self.task_state)

    def allow(self, verb: str, *, admin: bool = False) -> states.Verb:
        """Whether a verb may run now. Raises: WrongState, Locked."""
        known = states.VERBS[verb]
        if self.locked and not admin and not known.locked:
            raise Locked(id=self.id)
        if self.vm_state not in known.start:
            raise WrongState(verb=known.action, id=self.id, attr="vm_state", state=self.vm_state)
        if self.task_state and (verb != "delete" or self.task_state == states.VERBS["delete"].task):
            raise WrongState(verb=known.action, id=self.id, attr="task_state", state=self.task_state)
        return known

    def begin(self, verb: str, *, admin: bool = False, **also: Any) -> None:
        """Write the intent: task_state and a new generation, in the caller's transaction. Raises: as check()."""
        known = self.allow(verb, admin=admin)
        self.change(task_state=known.task or None, generation=self.generation + 1, **also)

    def settle(self, vm_state: str, **also: Any) -> None:
        """The server rests again, in `vm_state`; a fault it had is over."""
        also.setdefault("power_state", states.POWER_OF_VM_STATE[vm_state])
        self.change(vm_state=vm_state, task_state=None, progress=0, fault_code="", fault_data={}, **also)

    def fail(self, vm_state: str, code: str, data: dict[str, Any], **also: Any) -> None:
        """The server rests in `vm_state` with a fault. A deletion that waits stays announced."""
        deleting = states.VERBS["delete"].task
        task = deleting if self.task_state == deleting else None
        self.change(vm_state=vm_state, task_state=task, fault_code=code, fault_data=data, fault_at=now(), **also)

    @property
    def is_deleting(self) -> bool:
        return self.task_state == states.VERBS["delete"].task

    @property
    def fault_message(self) -> str:
        """The fault as a sentence in the active language, "" without one."""
        return sentence(self.fault_code, self.fault_data) if self.fault_code else ""

    def change(self, **values: Any) -> None:
        """Write these columns and say that the server changed."""
        values["updated_at"] = now()
        for name, value in values.items():
            setattr(self, name, value)
        self.save(update_fields=list(values))
        announce("server", self.id, self.project_id)


#: What a user keeps secret in a server, as it is once the server is deleted: nobody needs it any more.
SECRETS: dict[str, Any] = {"user_data": None, "key_data": "", "guest_password": ""}


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
    status = models.CharField(max_length=32, default="queued")
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
    """One living server. Raises: ServerNotFound."""
    found: Server | None = (_living_locked if lock else _living).first(server_id)
    if found is None:
        raise ServerNotFound(id=server_id)
    return found


def locked(server_id: str) -> Server:
    """One server, deleted or not, locked. Raises: ServerNotFound."""
    found: Server | None = _locked.first(server_id)
    if found is None:
        raise ServerNotFound(id=server_id)
    return found
