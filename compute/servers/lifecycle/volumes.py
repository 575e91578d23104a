"""A server's volumes, given to it and taken while it runs or is off: one flow over both sides, the server and the volume."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import CloudError, Conflict, NotFound
from compute.servers import block_devices
from compute.servers.block_devices import BlockDevice
from compute.servers.lifecycle import domain, steps
from compute.servers.lifecycle.services import as_compute, for_verb
from compute.servers.models import Server
from hostagent.contract.server import SERVER_ATTACH_DISK, SERVER_DETACH_DISK, ServerDisk
from operations import Flow, Step, Wait
from operations.op import Op
from operations.starting import run
from operations.steps import to_stable
from volumes.attachments import exports, flows
from volumes.attachments import services as attachments
from volumes.attachments.models import Attachment
from volumes.volumes import services as volumes


class VolumeNotHere(NotFound):
    template = _("Instance %(server)s is not attached to volume %(id)s.")


class IsRoot(Conflict):
    template = _(
        "Volume %(volume)s is the root disk of instance %(id)s: a machine that is there keeps it. Delete the instance."
    )


# ── Attach ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def open_volume(op: Op) -> None:
    """Note on the volume that its server's host is asked from now on."""
    steps.alive(op)
    attachments.begin(op.data["attachment_id"])


def give_up(op: Op) -> None:
    """Undo: the server has no such device, and the volume is free."""
    BlockDevice.objects.filter(attachment_id=op.data["attachment_id"]).delete()
    attachments.release(op.actor, op.data["attachment_id"])


def plug(op: Op) -> Wait | None:
    """Attach the disk to the domain; one that is off has it at its next start."""
    server = steps.of(op)
    if op.answer is not None or not server.host:
        return None
    return op.cast(server.host, SERVER_ATTACH_DISK, _disk(op, server), generation=server.generation)


def _disk(op: Op, server: Server) -> ServerDisk:
    attachment = Attachment.objects.select_related("volume").get(pk=op.data["attachment_id"])
    disk = ServerDisk(server_id=server.id, disk=domain.volume_disk(attachment, op.data["device"]))
    return {**disk, "secrets": secrets} if (secrets := exports.secrets_of([attachment])) else disk


def unplug(op: Op) -> Wait | None:
    """Detach the disk from the domain: done once the guest has let go of it."""
    server = steps.of(op)
    if op.answer is not None or not server.host:
        return None
    return op.cast(server.host, SERVER_DETACH_DISK, _disk(op, server), generation=server.generation)


def mark_attached(op: Op) -> None:
    attachments.finish(op.data["attachment_id"])


_OPEN = Step("open", do=open_volume, undo=give_up, label=_("Reserve the volume"))
_GIVE_OUT = Step("give_out", do=flows.give_out, deadline=60, label=_("Open it to the instance's host"))
_PLUG = Step("plug", do=plug, undo=unplug, deadline=120, label=_("Attach the disk"))
_MARK = Step("mark", do=mark_attached, label=_("Mark attached"))


def _attaching(version: int, *steps_of_it: Step) -> Flow:
    return Flow("server.attach_volume", version, steps_of_it, on_failed=to_stable, label=_("Attach a volume"))


_attaching(1, _OPEN, _PLUG, _MARK)  # of when each volume was given to its own host alone
ATTACH_VOLUME = _attaching(2, _OPEN, _GIVE_OUT, _PLUG, _MARK)


def promise(actor: RequestContext, server: Server, volume_id: str, path: str, *, host: str = "") -> Attachment:
    """Promise a volume to a server, which is to see it at a path, by compute's own right. `host`: the server's, where it is on one already.

    Raises: what attachments.reserve raises.
    """
    who = as_compute(actor, server)
    return attachments.reserve(
        who, volume_id, project_id=server.project_id, server_id=server.id, host=host, device=path
    )


@transaction.atomic
def attach_volume(
    actor: RequestContext,
    *,
    server_id: str,
    volume_id: str,
    device: str | None = None,
    tag: str | None = None,
    delete_on_termination: bool = False,
) -> BlockDevice:
    """Begin to give a server a volume. Returns at once what it will be.

    Raises: WrongState, HostCannot, VolumeNotFound, WrongVolumeStatus, VolumeElsewhere, BadDevicePath, DevicePathInUse, Forbidden.
    """
    server = for_verb(actor, server_id, "attach_volume")
    name = block_devices.device_for(server, device)
    attachment = promise(actor, server, volume_id, f"/dev/{name}", host=server.host)
    row = BlockDevice.objects.create(
        server=server,
        volume_id=volume_id,
        attachment_id=attachment.id,
        device=name,
        tag=tag,
        delete_on_termination=delete_on_termination,
    )
    data = {"volume_id": volume_id, "attachment_id": attachment.id, "device": name}
    run(actor, server, "attach_volume", ATTACH_VOLUME, data, (f"volume:{volume_id}",))
    return row


# ── Detach ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def free_volume(op: Op) -> None:
    """Forget the device, and note that the volume is free."""
    BlockDevice.objects.filter(attachment_id=op.data["attachment_id"]).delete()
    attachments.release(op.actor, op.data["attachment_id"])


def not_let_go(op: Op, error: CloudError) -> None:
    """Leave the volume in use: the guest did not let go of it."""
    attachments.keep(op.data["attachment_id"])
    to_stable(op, error)


DETACH_VOLUME = Flow(
    "server.detach_volume",
    version=1,
    steps=(
        Step("unplug", do=unplug, deadline=120, label=_("Detach the disk")),
        Step("free", do=free_volume, label=_("Free the volume")),
    ),
    on_failed=not_let_go,
    label=_("Detach a volume"),
)


@transaction.atomic
def detach_volume(actor: RequestContext, *, server_id: str, volume_id: str) -> None:
    """Begin to take a volume from a server. Raises: VolumeNotHere, WrongState, WrongVolumeStatus, Forbidden."""
    server = for_verb(actor, server_id, "detach_volume")
    row = find(server, volume_id)
    if row.is_root:
        raise IsRoot(id=server.id, volume=volume_id)
    attachments.begin_detaching(as_compute(actor, server), volume_id, server_id=server.id)
    data = {"volume_id": volume_id, "attachment_id": row.attachment_id, "device": row.device}
    run(actor, server, "detach_volume", DETACH_VOLUME, data, (f"volume:{volume_id}",))


def find(server: Server, volume_id: str) -> BlockDevice:
    """Find a volume among a server's. Raises: VolumeNotHere."""
    row = BlockDevice.objects.filter(server=server, volume_id=volume_id).first()
    if row is None:
        raise VolumeNotHere(server=server.id, id=volume_id)
    return row


def free_all(server: Server, actor: RequestContext) -> None:
    """Free the volumes of a server that is gone, and delete those that were to go with it."""
    for row in BlockDevice.objects.filter(server=server):
        row.delete()
        attachments.release(as_compute(actor, server), row.attachment_id)
        if row.delete_on_termination:
            volumes.delete_with_server(as_compute(actor, server), row.volume_id)
