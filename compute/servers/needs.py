"""What a host may open with its key: images that its servers stand on, and snapshots that it was asked for."""

from django.db.models import Q

from compute.servers.models import Server
from operations.models import LIVE, Operation, OperationStep, Phase


def reads_image(host: str, image_id: str) -> bool:
    """Whether a server of this host, as it is or as an operation makes it, needs this image or boots its kernel."""
    here = Server.objects.living().filter(host=host)
    if here.filter(Q(image_id=image_id) | Q(shelved_image_id=image_id) | Q(rescue_image_id=image_id)).exists():
        return True
    for meta in here.values_list("image_meta", flat=True):
        properties = meta.get("properties") or {}
        if image_id in (properties.get("kernel_id"), properties.get("ramdisk_id")):
            return True
    busy = Operation.objects.filter(subject_kind="server", subject_id__in=here.values("id"), state__in=LIVE)
    return any(data.get("image_id") == image_id for data in busy.values_list("data", flat=True))


def writes_image(host: str, image_id: str) -> bool:
    """Whether this host was asked to send this snapshot, and has not answered yet."""
    asked = OperationStep.objects.filter(
        host=host, verb="server.snapshot", phase=Phase.DO, finished_at=None, operation__state__in=LIVE
    )
    return any(data.get("snapshot_id") == image_id for data in asked.values_list("operation__data", flat=True))
