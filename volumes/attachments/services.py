"""Giving volumes to servers: what compute's flows write on the volume's side.

compute asks hosts; here is what the rows say meanwhile: reserved with the request, attaching while hosts are asked, attached, and gone.
"""

from authorization.context import RequestContext
from common.clock import now
from operations.starting import run
from volumes.attachments import exports, flows, states
from volumes.attachments.models import Attachment
from volumes.volumes import services as volumes
from volumes.volumes.errors import VolumeNotFound
from volumes.volumes.models import Volume


def reserve(
    actor: RequestContext, volume_id: str, *, project_id: str, server_id: str, host: str, device: str
) -> Attachment:
    """Promise a volume of a project to a server of that project, in the caller's transaction.

    Raises: VolumeNotFound, Forbidden, WrongVolumeStatus, VolumeElsewhere, NoWayThere.
    """
    volume = volumes.for_verb(actor, volume_id, "reserve")
    if volume.project_id != project_id:
        raise VolumeNotFound(id=volume_id)
    if host and volume.host != host:
        exports.require_way(volume, host)
    volume.begin("reserve")
    return Attachment.objects.create(
        volume=volume, project_id=volume.project_id, server_id=server_id, host=host, device=device
    )


def begin(attachment_id: str) -> None:
    """Note that hosts are asked from now on."""
    attachment = _locked(attachment_id)
    if attachment is not None and states.is_reserved(attachment.status):
        Volume.locked_by_id(attachment.volume_id).begin("attach")
        _change(attachment, states.ATTACHING)


def place(attachment: Attachment, host: str) -> None:
    """Note on which host the server of a volume is, which is asked from now on."""
    if attachment.host != host:
        _change(attachment, attachment.status, host=host)
    begin(attachment.id)


def finish(attachment_id: str) -> None:
    """Note that the server has the volume."""
    attachment = _locked(attachment_id)
    if attachment is not None and states.is_attaching(attachment.status):
        Volume.locked_by_id(attachment.volume_id).end("attach")
        _change(attachment, states.ATTACHED, attached_at=now())


def begin_detaching(actor: RequestContext, volume_id: str, *, server_id: str) -> Attachment:
    """Note that a server is about to lose a volume, in the caller's transaction. Raises: VolumeNotFound, Forbidden, WrongVolumeStatus."""
    volume = volumes.for_verb(actor, volume_id, "detach")
    attachment = Attachment.objects.select_for_update().get(volume=volume, server_id=server_id)
    volume.begin("begin_detaching")
    _change(attachment, states.DETACHING)
    return attachment


def keep(attachment_id: str) -> None:
    """Note that the server has the volume still: it did not let go of it."""
    attachment = _locked(attachment_id)
    if attachment is not None and states.is_detaching(attachment.status):
        Volume.locked_by_id(attachment.volume_id).end("roll_detaching")
        _change(attachment, states.ATTACHED)


def release(actor: RequestContext, attachment_id: str) -> None:
    """Note that the server has the volume no more, or never got it. One that is given out is free once that has ended. Absent is success."""
    attachment = _locked(attachment_id)
    if attachment is None:
        return
    volume = Volume.locked_by_id(attachment.volume_id)
    attachment.delete()
    if volume.attachments.exists():
        return
    if attachment.is_far:
        run(actor, volume, "unexport", flows.UNEXPORT)
    else:
        volume.end("detach")


def _locked(attachment_id: str) -> Attachment | None:
    return Attachment.objects.select_for_update().filter(pk=attachment_id).first()


def _change(attachment: Attachment, status: str, **values: object) -> None:
    for name, value in (values | {"status": status}).items():
        setattr(attachment, name, value)
    attachment.save(update_fields=["status", *values])
