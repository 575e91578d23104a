"""Images that a host fills in a step of another app's flow: the steps around it, and whether the host was asked.

The flow's data names the image by IMAGE; the step in which the host sends it has the host's answer.
"""

from typing import Final

from hostagent.contract.verb import AnyVerb
from images import services as images
from operations.flows import Do
from operations.models import LIVE, OperationStep, Phase
from operations.op import Op

IMAGE: Final = "snapshot_id"


def drop(op: Op) -> None:
    """Remove the image, which will not come. An undo."""
    images.fail(op.data[IMAGE])


def settling(step: str) -> Do:
    """Build the step that compares the uploaded image's size and checksum with those that the host replied in `step`, and activates it."""

    def settle(op: Op) -> None:
        answer = op.row.steps.filter(name=step, phase=Phase.DO).values_list("answer", flat=True).first() or {}
        images.snapshot_uploaded(op.data[IMAGE], answer["size"], answer["checksum"], answer["virtual_size"])

    return settle


def is_asked(host: str, image_id: str, verb: AnyVerb) -> bool:
    """Whether a host was asked by this verb to send this image, and has not answered yet."""
    uploads = OperationStep.objects.filter(
        host=host, verb=verb.name, phase=Phase.DO, finished_at=None, operation__state__in=LIVE
    )
    return any(data.get(IMAGE) == image_id for data in uploads.values_list("operation__data", flat=True))
