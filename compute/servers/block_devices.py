"""Volumes that servers have: Nova's block device mappings, as far as they are no disks of the server's own."""

from collections.abc import Iterable
from string import ascii_lowercase
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Conflict, Invalid, OverLimit
from common.ids import new_id
from common.prepared import Prepared
from compute.servers.create import local_disks
from compute.servers.models import Server
from volumes.attachments import exports
from volumes.attachments.models import Attachment

#: How disks of a domain are called, the root first.
NAMES: Final = tuple(f"vd{letter}" for letter in ascii_lowercase)
ROOT: Final = NAMES[0]


class DevicePathInUse(Conflict):
    template = _("The supplied device path (%(device)s) is in use.")


class BadDevicePath(Invalid):
    template = _("The supplied device path (%(device)s) is invalid.")


class TooManyDisks(OverLimit):
    template = _("Instance %(id)s has %(most)s disks, and a machine has no more. Detach one first.")


class BlockDevice(models.Model):
    """A volume of a server. `device`: what the domain calls it, such as vdb; a guest finds it by its serial, the volume's id.

    `attachment_id` is "" while the server does not have it yet, or not now: the volume is being made for it, or its launch failed.
    """

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="block_devices")
    volume_id = models.CharField(max_length=36)
    attachment_id = models.CharField(max_length=36, blank=True, default="", db_index=True)
    device = models.CharField(max_length=16)
    is_root = models.BooleanField(default=False)
    tag = models.CharField(max_length=60, null=True, default=None)
    delete_on_termination = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "volume_id"], name="block_device_once"),
            models.UniqueConstraint(fields=["server", "device"], name="block_device_path_once"),
        ]

    def __str__(self) -> str:
        return f"{self.device}: {self.volume_id}"

    @property
    def path(self) -> str:
        return f"/dev/{self.device}"


_of = Prepared(
    lambda server: (
        BlockDevice.objects.filter(server_id=server)
        .order_by("created_at", "id")
        .values("volume_id", "device", "attachment_id")
    )
)


def of(server: Server) -> list[dict[str, str]]:
    """Read a server's volumes: volume_id, device, attachment_id, in the order in which it got them. One query."""
    return [{name: str(value) for name, value in row.items()} for row in _of(server.id)]


_attached = Prepared(lambda server: Attachment.objects.filter(server_id=server).select_related("volume"))


def hosts_of(server: Server) -> tuple[frozenset[str] | None, frozenset[str]]:
    """Name the hosts on which a server can have all its volumes, None for any, and those where one of them lies. One query of a server without.

    A volume that it has is where it lies, or is given out to; one that it is to get may be given out.
    """
    able: frozenset[str] | None = None
    homes = set()
    for attachment in _attached(server.id):
        volume = attachment.volume
        homes.add(volume.host)
        if attachment.host:
            hosts = frozenset({attachment.host if attachment.is_far else volume.host})
        else:
            hosts = exports.hosts_reaching(volume)
        able = hosts if able is None else able & hosts
    return able, frozenset(homes)


def attached(server_ids: Iterable[str]) -> dict[str, list[dict[str, object]]]:
    """Server id → [{"id", "delete_on_termination"}] of its volumes, as Nova's servers show them; nothing for one without. One query, none for no servers."""
    found: dict[str, list[dict[str, object]]] = {}
    ids = list(server_ids)
    if not ids:
        return found
    rows = BlockDevice.objects.filter(server_id__in=ids).order_by("created_at", "id")
    for server_id, volume_id, goes in rows.values_list("server_id", "volume_id", "delete_on_termination"):
        found.setdefault(server_id, []).append({"id": volume_id, "delete_on_termination": goes})
    return found


def device_for(server: Server, asked: str | None) -> str:
    """Choose what the domain calls a new disk: what is asked for, else the first free. Raises: BadDevicePath, DevicePathInUse, TooManyDisks."""
    taken = {row["device"] for row in of(server)} | set(own_devices(server))
    if asked:
        device = asked.removeprefix("/dev/")
        if not (device.startswith("vd") and len(device) == 3 and device[2] in ascii_lowercase):
            raise BadDevicePath(device=asked)
        if device in taken:
            raise DevicePathInUse(device=asked)
        return device
    free = next((name for name in NAMES if name not in taken), None)
    if free is None:
        raise TooManyDisks(id=server.id, most=len(NAMES))
    return free


def own_devices(server: Server) -> list[str]:
    """Name the disks of a server that are no volumes: the root disk, ephemeral disks, swap."""
    return [f"vd{letter}" for letter, _disk in zip(ascii_lowercase, [None, *local_disks.of(server)], strict=False)]
