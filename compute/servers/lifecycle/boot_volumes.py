"""The launch of a server with volumes, from one of which it may boot: the steps of boot.py, and those that wait for the volumes and open them."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from common.errors import CloudError
from compute.servers.block_devices import BlockDevice
from compute.servers.lifecycle import boot, interfaces, states, steps
from compute.servers.lifecycle.services import as_compute
from compute.servers.lifecycle.volumes import promise
from compute.servers.models import Server
from operations import Flow, Step, Wait
from operations.op import Op
from operations.steps import busy_with, finalizing, to_error
from volumes.attachments import services as attachments
from volumes.attachments.flows import give_out_one
from volumes.attachments.models import Attachment
from volumes.volumes.models import Volume


class VolumeNotMade(CloudError):
    template = _("Volume %(id)s, which the instance was to have, is %(status)s. %(why)s")


def await_volumes(op: Op) -> Wait | None:
    """Wait until each volume of the launch is there, and promise it to the server. Raises: VolumeNotMade."""
    server = steps.alive(op)
    for device in _devices(server):
        if device.attachment_id:
            continue
        volume = Volume.objects.select_for_update().filter(pk=device.volume_id).first()
        if volume is not None and (others := busy_with(op, ("volume", volume.id))):
            return Wait(1.0, on=others)
        if volume is None or volume.why_not("reserve") is not None:
            status, why = (volume.status, volume.fault_message) if volume is not None else ("deleted", "")
            raise VolumeNotMade(id=device.volume_id, status=status, why=why)
        device.attachment_id = promise(op.actor, server, volume.id, device.path).id
        device.save(update_fields=["attachment_id"])
    return None


def _devices(server: Server) -> list[BlockDevice]:
    return list(BlockDevice.objects.filter(server=server).order_by("created_at", "id"))


def _attachments(server: Server) -> Iterator[Attachment]:
    ids = [device.attachment_id for device in _devices(server) if device.attachment_id]
    yield from Attachment.objects.select_for_update().select_related("volume").filter(pk__in=ids).order_by("id")


def open_volumes(op: Op) -> Wait | None:
    """Note that the server's host is asked about its volumes from now on, and have those of other hosts given out to it, one after the other."""
    server = steps.alive(op)
    for attachment in _attachments(server):
        attachments.place(attachment, server.host)
        if waiting := give_out_one(op, attachment):
            return waiting
    return None


def close_volumes(op: Op) -> None:
    """Undo: its volumes are free, and promised to it anew by another try."""
    server = steps.of(op)
    for device in _devices(server):
        attachments.release(as_compute(op.actor, server), device.attachment_id)
        device.attachment_id = ""
        device.save(update_fields=["attachment_id"])


def mark_attached(op: Op) -> None:
    for device in _devices(steps.of(op)):
        attachments.finish(device.attachment_id)


def create_disk(op: Op) -> Wait | None:
    """Create the root disk, unless that is a volume."""
    return None if steps.alive(op).boots_from_volume else boot.create_disk(op)


BOOT_WITH_VOLUMES = Flow(
    "server.boot_with_volumes",
    version=1,
    steps=(
        Step("await_volumes", do=await_volumes, undo=close_volumes, deadline=1800, label=_("Wait for the volumes")),
        Step("claim_host", do=boot.claim_host, undo=boot.release_host, label=_("Choose a host")),
        Step(
            "bind_ports", do=interfaces.bind_ports, undo=interfaces.unbind_ports, label=_("Bind the ports to the host")
        ),
        Step("open_volumes", do=open_volumes, deadline=120, label=_("Open the volumes")),
        Step("create_disk", do=create_disk, undo=boot.remove_disk, deadline=900, label=_("Create the disk")),
        Step("wire_network", do=interfaces.plug_vifs, deadline=120, label=_("Plug the interfaces")),
        Step("start_domain", do=boot.start_domain, undo=boot.remove_domain, deadline=180, label=_("Start the machine")),
        Step("mark_attached", do=mark_attached, label=_("Mark attached")),
        # final: as in BOOT
        Step("mark_active", do=finalizing(states.ACTIVE), final=True, label=_("Mark active")),
    ),
    on_failed=steps.elsewhere(to_error),
    label=_("Launch"),
)


def boot_flow(*, has_volumes: bool) -> Flow:
    """Return the flow that launches a server."""
    return BOOT_WITH_VOLUMES if has_volumes else boot.BOOT
