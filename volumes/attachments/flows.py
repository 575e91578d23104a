"""Volumes for servers of other hosts: given out by the host where they lie, and taken back. Steps of compute's flow that attaches, and a flow
of the volume's own."""

from django.utils.translation import gettext_lazy as _

from hostagent.contract.volume import EXPORT_ENSURE, EXPORT_REMOVE
from hosts import debts
from hosts import services as hosts
from operations import Flow, Step, Wait
from operations import steps as base
from operations.op import Op
from operations.steps import finalizing
from volumes.attachments import exports
from volumes.attachments.models import Attachment
from volumes.volumes.models import Volume


def give_out(op: Op) -> Wait | None:
    """Have the volume of the flow's attachment given out to the server's host, where it lies on another one."""
    rows = Attachment.objects.select_related("volume").select_for_update()
    return give_out_one(op, rows.get(pk=op.data["attachment_id"]))


def give_out_one(op: Op, attachment: Attachment) -> Wait | None:
    """Have the volume of an attachment given out to the server's host. A step may do so for several, one after the other."""
    volume = attachment.volume
    if attachment.host in ("", volume.host) or attachment.export:
        return None
    if op.answer is not None:
        answer = op.answer
        op.forget_answer()
        if str(answer.get("target", "")).endswith(volume.id):  # else it is a copy of the answer about the volume before
            exports.note_export(attachment, answer)
            return None
    if not attachment.is_far:
        exports.make_password(attachment)
    return base.cast(op, EXPORT_ENSURE, exports.export_of(attachment), about=volume)


def take_back(op: Op) -> Wait | None:
    """Have a volume given out no more. A host that is away owes it: whatever it is asked of the volume later comes after that."""
    volume = Volume.locked_by_id(op.subject_id)
    if op.answer is not None or not volume.host:
        return None
    body = {"backend": volume.backend}
    if op.failure is None and not hosts.is_down(volume.host):
        return base.cast(op, EXPORT_REMOVE, body, about=volume)
    told, subject = {"volume_id": volume.id, **body}, f"volume:{volume.id}"
    debts.owe(volume.host, EXPORT_REMOVE.name, volume.id, told, subject=subject, generation=volume.generation)
    return None


UNEXPORT = Flow(
    "volume.unexport",
    version=1,
    steps=(
        Step("take_back", do=take_back, deadline=60, catches=True, final=True, label=_("Close it to the other host")),
        Step("mark", do=finalizing(), final=True, label=_("Mark available")),
    ),
    label=_("Free a volume"),
)
