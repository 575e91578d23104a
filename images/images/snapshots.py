"""Services for compute: where a host reads an image, and images made of servers."""

from typing import Any

from django.db import transaction

from authorization import policy
from authorization.context import RequestContext
from common.live import announce
from common.stores import DataMissing, is_whole
from hostagent.contract.image import ImageSource
from images import stores
from images.images import data, errors, states
from images.images.fields import check_values
from images.images.models import Image
from images.images.services import check_visibility
from operations import background
from quota import services as quota


def source(image_id: str) -> ImageSource:
    """Where a host agent reads an image, and what the bytes are.

    Raises: ImageNotFound, NotBootable (not active), NotInspected (a container that nothing here looks into), DataMissing.
    """
    image: Image | None = Image.objects.filter(pk=image_id).first()
    if image is None:
        raise errors.ImageNotFound(id=image_id)
    image.allow("boot")
    if not image.inspected:
        raise errors.NotInspected(id=image_id, container=image.container_format)
    if not is_whole(stores.default(), image_id, None):
        raise DataMissing(id=image_id)
    raw = states.AMAZON_FORMATS | {"iso"}
    disk_format = image.disk_format or "raw"
    return ImageSource(
        id=image.pk,
        checksum=image.os_hash_value or "",
        size=image.size or 0,
        disk_format="raw" if disk_format in raw else {"vhd": "vpc"}.get(disk_format, disk_format),
        path=f"/internal/images/{image.pk}",
    )


@transaction.atomic
def create_snapshot(
    actor: RequestContext,
    *,
    name: str,
    server_id: str,
    properties: dict[str, Any],
    visibility: str = "private",
    protected: bool = False,
) -> Image:
    """Create a queued qcow2 image that a host will fill. `properties` values are made text; min_disk and min_ram are attributes.

    Raises: Forbidden, QuotaExceeded, SchemaRefused.
    """
    policy.require(actor, "add_image")
    properties = dict(properties)
    needs = {key: int(properties.pop(key, 0) or 0) for key in ("min_disk", "min_ram")}
    texts = {key: "" if value is None else str(value) for key, value in properties.items()}
    texts = {"image_type": "snapshot", "instance_uuid": server_id, **texts}
    check_values({"name": name, **needs, **texts})
    project_id = actor.project_id or ""
    quota.require(project_id, "image", {"image_count_total": 1})
    image = Image(
        project_id=project_id,
        name=name,
        visibility=visibility,
        protected=protected,
        disk_format="qcow2",
        container_format="bare",
        properties=texts,
        **needs,
    )
    check_visibility(actor, image)
    data.save(image)
    return image


@transaction.atomic
def snapshot_uploaded(image_id: str, size: int, checksum: str, virtual_size: int) -> Image:
    """Take what the host says it sent; it must be what arrived. The image is active afterwards. May be repeated.

    `checksum` is a sha512 in hex. Raises: ImageNotFound, WrongStatus, Corrupt.
    """
    image: Image | None = Image.objects.select_for_update().filter(pk=image_id).first()
    if image is None:
        raise errors.ImageNotFound(id=image_id)
    image.allow("settle_snapshot")
    have = f"{image.size} bytes {(image.os_hash_value or '')[:16]}"
    if (image.size, image.os_hash_value) != (size, checksum):
        raise errors.Corrupt(id=image_id, have=have, want=f"{size} bytes {checksum[:16]}")
    if not states.usable(image.status):
        image.end("settle_snapshot", virtual_size=virtual_size or image.virtual_size)
    return image


def fail(image_id: str) -> None:
    """Remove the image of a snapshot that will not come, as Nova does. Absent is success."""
    with transaction.atomic():
        image = Image.objects.select_for_update().filter(pk=image_id, status__in=states.VERBS["fail"].start).first()
        if image is None:
            return
        image.delete()
        background.enqueue(data.GONE, image_id)
        announce("image", image_id, image.project_id)
