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
from compute.servers.create.mappings import Asked
from compute.servers.lifecycle.services import as_compute
from compute.servers.lifecycle.volumes import promise
from compute.servers.models import Server
from images import services as images
from volumes.snapshots import services as snapshots
from volumes.volumes import creating
from volumes.volumes import services as volumes
from volumes.volumes.creating import Wanted
from volumes.volumes.models import Volume

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
    facts = [(one.is_root, _look_at(actor, one)) for one in asked]
    return next((_image_meta(known, flavor) for is_root, known in facts if is_root), {})


def _look_at(actor: RequestContext, one: Asked) -> dict[str, object]:
    """Look at what a volume is, or is made of. Returns what is known of the image that it is a copy of (Volume.image_metadata)."""
    if one.source == "volume":
        return dict(_existing(actor, one).image_metadata)
    if one.source == "snapshot":
        return dict(_found(lambda: snapshots.find(actor, one.id), "snapshot", one.id).volume.image_metadata)
    if one.is_root and one.source == "image":
        return creating.image_facts(_found(lambda: images.find(actor, one.id), "image", one.id))
    if one.is_root:
        raise DeviceNotBootable(id="blank")
    return {}  # of an image: creating.create looks at it


def _existing(actor: RequestContext, one: Asked) -> Volume:
    volume = _found(lambda: volumes.find(actor, one.id), "volume", one.id)
    if volume.project_id != actor.project_id:
        raise VolumeUnknown(what="volume", id=one.id)
    if volume.why_not("reserve") is not None:
        raise VolumeNotFree(id=one.id, status=volume.status)
    if one.is_root and not volume.bootable:
        raise DeviceNotBootable(id=one.id)
    return volume


def _found(find: Callable[[], Found], what: str, id: str) -> Found:
    """Raises: VolumeUnknown."""
    try:
        return find()
    except NotFound:
        raise VolumeUnknown(what=what, id=id) from None


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
        return {"volume_id": one.id, "attachment_id": promise(actor, server, one.id, f"/dev/{device}").id}
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
