"""Volumes that a server is launched with: looked at before anything is written, then made, or promised to it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Invalid, NotFound
from compute.flavors.models import Flavor
from compute.servers import block_devices
from compute.servers.block_devices import BlockDevice
from compute.servers.create.errors import FlavorTooSmall
from compute.servers.create.mappings import Asked, root_of
from compute.servers.lifecycle.services import as_compute
from compute.servers.models import Server
from images import services as images
from volumes.attachments import services as attachments
from volumes.snapshots import services as snapshots
from volumes.snapshots.models import Snapshot
from volumes.volumes import creating
from volumes.volumes import services as volumes
from volumes.volumes.creating import Wanted

Found = TypeVar("Found")


class VolumeUnknown(Invalid):
    template = _("Block Device Mapping is Invalid: failed to get %(what)s %(id)s.")


class DeviceNotBootable(Invalid):
    template = _("Block Device %(id)s is not bootable.")


class VolumeNotFree(Invalid):
    template = _("Invalid volume: volume %(id)s is %(status)s; a server is launched with volumes that are available.")


class OneServerOnly(Invalid):
    template = _("Cannot attach one or more volumes to multiple instances")


def check(actor: RequestContext, asked: Sequence[Asked], flavor: Flavor, count: int) -> dict[str, object]:
    """Look at the volumes of a launch. Returns what the server keeps of the image that its root volume is made of (Server.image_meta); {} of others.

    Raises: VolumeUnknown, VolumeNotFree, DeviceNotBootable, OneServerOnly, and what a volume of an image says of that.
    """
    if count > 1 and any(one.source == "volume" for one in asked):
        raise OneServerOnly()
    for one in asked:
        if one.source == "volume":
            _existing(actor, one)
        elif one.source == "snapshot":
            _snapshot(actor, one)
    root = root_of(asked)
    return _image_meta(_facts(actor, root), flavor) if root is not None else {}


def _existing(actor: RequestContext, one: Asked) -> None:
    volume = _found(lambda: volumes.find(actor, one.id), "volume", one.id)
    if volume.project_id != actor.project_id:
        raise VolumeUnknown(what="volume", id=one.id)
    if volume.why_not("reserve") is not None:
        raise VolumeNotFree(id=one.id, status=volume.status)
    if one.is_root and not volume.bootable:
        raise DeviceNotBootable(id=one.id)


def _snapshot(actor: RequestContext, one: Asked) -> Snapshot:
    return _found(lambda: snapshots.find(actor, one.id), "snapshot", one.id)


def _found(find: Callable[[], Found], what: str, id: str) -> Found:
    """Raises: VolumeUnknown."""
    try:
        return find()
    except NotFound:
        raise VolumeUnknown(what=what, id=id) from None


def _facts(actor: RequestContext, root: Asked) -> dict[str, object]:
    """What is known of the image that the root volume is, or is going to be, a copy of (Volume.image_metadata)."""
    if root.source == "volume":
        return dict(_found(lambda: volumes.find(actor, root.id), "volume", root.id).image_metadata)
    if root.source == "snapshot":
        return dict(_snapshot(actor, root).volume.image_metadata)
    if root.source == "image":
        return creating.image_facts(_found(lambda: images.find(actor, root.id), "image", root.id))
    raise DeviceNotBootable(id="blank")


def _image_meta(facts: dict[str, object], flavor: Flavor) -> dict[str, object]:
    """Raises: FlavorTooSmall. A flavor's disk counts for nothing: the volume has its own size."""
    least = int(str(facts.get("min_ram") or 0))
    if least > flavor.ram:
        raise FlavorTooSmall(what=_("memory"), have=flavor.ram, unit="MiB", need=least)
    names = facts.keys() - creating.IMAGE_FACTS - {"kernel_id", "ramdisk_id"}
    return {"min_ram": least, "min_disk": 0, "properties": {name: facts[name] for name in sorted(names)}}


# ── Rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def give(actor: RequestContext, server: Server, asked: Sequence[Asked]) -> None:
    """Make the volumes of a launch, or promise them to the server, whose row was written just now, in the caller's transaction.

    Raises: what volumes.creating.create and attachments.reserve raise.
    """
    own = {block_devices.ROOT, *block_devices.own_devices(server)}
    free = iter([name for name in block_devices.NAMES if name not in own])
    for one in asked:
        device = block_devices.ROOT if one.is_root else next(free, "")
        if not device:
            raise block_devices.TooManyDisks(id=server.id, most=len(block_devices.NAMES))
        BlockDevice.objects.create(
            server=server,
            device=device,
            is_root=one.is_root,
            tag=one.tag,
            delete_on_termination=one.goes_with_server,
            **_volume(actor, server, one, device),
        )


def _volume(actor: RequestContext, server: Server, one: Asked, device: str) -> dict[str, str]:
    if one.source == "volume":
        attachment = attachments.reserve(
            as_compute(actor, server),
            one.id,
            project_id=server.project_id,
            server_id=server.id,
            host="",
            device=f"/dev/{device}",
        )
        return {"volume_id": one.id, "attachment_id": attachment.id}
    wanted = Wanted(
        size=one.size,
        name="",
        type=one.type,
        image_id=one.id if one.source == "image" else None,
        snapshot_id=one.id if one.source == "snapshot" else None,
    )
    return {"volume_id": creating.create(_as_user(actor, server), wanted).id}


def _as_user(actor: RequestContext, server: Server) -> RequestContext:
    """By compute's own right, in the user's name: who launches servers may have their disks, also where volumes by themselves are forbidden."""
    return replace(as_compute(actor, server), user_id=actor.user_id, user_name=actor.user_name)
