"""Bytes into and out of images: streamed, hashed, looked at, and whole or not there at all."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit import records, registry
from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError, stored
from common.ids import new_id
from common.live import announce
from common.stores import Store, StoreFull
from common.units import MIB, mib_of
from images import stores
from images.images import states
from images.images.errors import (
    FormatsMissing,
    ImageNotFound,
    NotPermitted,
    Overtaken,
    TooBig,
)
from images.images.models import Image
from images.inspection import Finding, Inspector
from openstackapi import streams
from quota import services as quota

ALGORITHM = "sha512"
GONE = "image_gone"  # kind of background work: an image's bytes go
SIGN_OF_LIFE = 10.0  # seconds between them
CHECK_EVERY = 64 * MIB  # bytes of an upload between two checks of the quota
ROOM_EVERY = (
    8 * MIB
)  # bytes of an upload between two looks at the room that is left: many at once must not fill what is kept free
SILENCE = 180.0  # seconds without one, after which an upload is given up


NOT_LOOKED_AT = Finding(None, inspected=False)


@dataclass(frozen=True)
class Stored:
    """Size, digests and verdict of bytes that came in."""

    size: int
    md5: str
    sha512: str
    finding: Finding


def begin(
    verb: str, image_id: str, *, upload_id: str = "", check: Callable[[Image], None] = lambda image: None
) -> Image:
    """Takes the image into the verb's middle status, under `upload_id`. `check(image)` runs under the lock.

    Raises: ImageNotFound, WrongStatus, FormatsMissing, QuotaExceeded, whatever `check` raises.
    """
    with transaction.atomic():
        image = Image.objects.select_for_update().filter(pk=image_id).first()
        if image is None:
            raise ImageNotFound(id=image_id)
        check(image)
        image.allow(verb)
        for name in ("container_format", "disk_format"):
            if not getattr(image, name):
                raise FormatsMissing(name=name)
        if image.project_id and not states.is_arriving(image.status):
            quota.require(image.project_id, "image", {"image_count_uploading": 1})
        image.begin(verb, alive_at=now(), upload_id=upload_id or new_id())
    return image


def receive(
    image: Image, pieces: Iterable[bytes], key: str, *, expected: int | None = None, inspect: bool = True
) -> Stored:
    """Store the pieces under `key` once all came and, if `inspect`, were found to be what the image claims.

    `expected` is the number of bytes announced.
    Raises: TooBig, StoreFull, Incomplete, Overtaken, inspection's errors.
    """
    store = stores.default()
    limit, why = size_limit(image)
    _fits(expected or 0, limit, why)
    _has_room(store, expected or 1)
    measure = streams.Measure("md5", ALGORITHM)
    inspector = Inspector(image.disk_format, image.container_format) if inspect else None
    alive, check_at, room_at = time.monotonic(), CHECK_EVERY, ROOM_EVERY
    with store.put(key) as part:
        for piece in measure.pass_on(pieces, announced=expected):
            if inspector is not None:
                inspector.feed(piece)
            part.write(piece)
            if part.size >= check_at:
                check_at = part.size + CHECK_EVERY
                limit, why = size_limit(image)
            if part.size >= room_at:
                room_at = part.size + ROOM_EVERY
                _has_room(store, 1)
            _fits(part.size, limit, why)
            if time.monotonic() - alive > SIGN_OF_LIFE:
                alive = time.monotonic()
                Image.objects.filter(pk=image.id).update(alive_at=now())
        part.flush()
        finding = NOT_LOOKED_AT
        if inspector is not None:
            with part.local() as path:
                finding = inspector.finish(path)
        if not Image.objects.filter(pk=image.id, upload_id=image.upload_id).exists():
            raise Overtaken(id=image.id)
        part.settle()
    return Stored(measure.size, measure.hex("md5"), measure.hex(ALGORITHM), finding)


def _has_room(store: Store, need: int) -> None:
    """Raises: StoreFull. A body in chunks says no size, so it is asked for the first byte too."""
    if need > store.free():
        raise StoreFull(need=need, have=store.free())


def size_limit(image: Image) -> tuple[int, str | Promise]:
    """Most bytes that this image may have, and the rule that says so. Uploads of the project that are under way count too."""
    limit, why = int(settings.IMAGE_SIZE_LIMIT), _("the cloud")
    if image.project_id:
        used, allowed = quota.usage(image.project_id, "image")["image_size_total"]
        left = (allowed - used) * MIB - (_arriving(image) if allowed >= 0 else 0)
        if allowed >= 0 and left < limit:
            limit, why = max(0, left), _("the project's quota image_size_total")
    return limit, why


def _arriving(image: Image) -> int:
    """Bytes that lie in the store already of the project's other images, which are not finalized yet."""
    others = Image.objects.filter(project_id=image.project_id, status__in=states.ARRIVING).exclude(pk=image.pk)
    return sum(stores.arrived(id) for id in others.values_list("id", flat=True))


def _fits(size: int, limit: int, why: str | Promise) -> None:
    if size > limit:
        raise TooBig(limit=limit, why=why)


#: Columns of an image whose bytes nobody brings, and of one that has none.
NOBODY = {"alive_at": None, "upload_id": ""}
NO_BYTES = {
    **dict.fromkeys(("size", "checksum", "os_hash_algo", "os_hash_value", "virtual_size")),
    "inspected": False,
}


def _of(stored: Stored) -> dict[str, object]:
    """Columns of an image whose bytes are in the store."""
    return {
        "size": stored.size,
        "checksum": stored.md5,
        "os_hash_algo": ALGORITHM,
        "os_hash_value": stored.sha512,
        "virtual_size": stored.finding.virtual_size,
        "inspected": stored.finding.inspected,
    }


def finalize(mine: Image, verb: str, stored: Stored) -> Image:
    """Write down what the bytes are that lie in the store. Removes them again if the image went meanwhile.

    `mine` is the image as `begin` gave it. Raises: ImageNotFound, QuotaExceeded, Overtaken.
    """
    with transaction.atomic():
        image = Image.objects.select_for_update().filter(pk=mine.pk).first()
        if image is not None and image.upload_id == mine.upload_id:
            if image.project_id and image.size is None:
                quota.require(image.project_id, "image", {"image_size_total": mib_of(stored.size)})
            image.end(verb, **_of(stored), **NOBODY)
            return image
    if image is None:
        stores.remove(mine.pk)
        raise ImageNotFound(id=mine.pk)
    raise Overtaken(id=mine.pk)


def give_up(image_id: str, upload_id: str | None = None) -> None:
    """Back to queued with nothing half-made left; for an image whose bytes did not come or were refused.

    With `upload_id` only if nobody else has begun anew meanwhile.
    """
    with transaction.atomic():
        image = Image.objects.select_for_update().filter(pk=image_id).first()
        if image is None or image.why_not("fail"):
            return
        if upload_id is not None and image.upload_id != upload_id:
            return
        stores.remove(image_id)  # before another upload may begin: its bytes would go
        image.end("fail", **NO_BYTES, **NOBODY)


def upload(actor: RequestContext, *, image_id: str, pieces: Iterable[bytes], expected: int | None) -> Image:
    """PUT …/file: the image becomes active, or is queued again when anything about the bytes is wrong."""
    image = begin("upload", image_id, check=lambda row: may_write(actor, row, "upload data for"))
    return bring("upload", image, pieces, expected)


def receive_snapshot(image_id: str, *, pieces: Iterable[bytes], expected: int | None) -> Image:
    """Take a host's PUT: the bytes lie in the store, the image stays `saving` until the flow has finalized it."""

    def is_snapshot(image: Image) -> None:
        if "instance_uuid" not in image.properties:
            raise NotPermitted(verb=_("send data for"))

    return bring("snapshot", begin("snapshot", image_id, check=is_snapshot), pieces, expected)


def stage(actor: RequestContext, *, image_id: str, pieces: Iterable[bytes], expected: int | None) -> None:
    """PUT …/stage: the bytes wait for an import, which looks at them: there Glance's clients look for a refusal."""
    image = begin("stage", image_id, check=lambda row: may_write(actor, row, "stage data for"))
    try:
        receive(image, pieces, stores.staging_key(image_id), expected=expected, inspect=False)
    except BaseException:
        give_up(image_id, image.upload_id)
        raise
    # Whole and waiting: nobody has to give signs of life any more.
    if not Image.objects.filter(pk=image_id, upload_id=image.upload_id).update(alive_at=None):
        stores.remove(image_id)
        raise ImageNotFound(id=image_id)


def bring(
    verb: str, image: Image, pieces: Iterable[bytes], expected: int | None, actor: RequestContext | None = None
) -> Image:
    """Receive and finalize an upload that `begin` began; on any failure the image is as it was before.

    `actor` asked for it, where no request says who.
    """
    try:
        return finalize(image, verb, receive(image, pieces, image.pk, expected=expected))
    except BaseException as error:
        give_up(image.pk, image.upload_id)
        if isinstance(error, CloudError) and verb != "snapshot":  # whose operation tells of it
            refused(image, error, actor)
        raise


def refused(image: Image, error: CloudError, actor: RequestContext | None) -> None:
    """Record that an image's bytes were not taken, and why: no field of it is other now."""
    records.refused(
        "update/upload",
        target=(registry.plan_of("images.Image").spec.type, image.pk, image.name or ""),
        reason={"reasonType": "error", "reasonCode": error.code, "data": stored(error.data)},
        project_id=image.project_id or "",
        actor=actor,
    )


def may_write(actor: RequestContext, image: Image, verb: str) -> None:
    """Raises: ImageNotFound for what the actor cannot see, NotPermitted for what is not the actor's."""
    if not Image.objects.visible_to(actor).filter(pk=image.pk).exists():
        raise ImageNotFound(id=image.pk)
    if not policy.allows(actor, "upload_image", image):
        raise NotPermitted(verb=verb)


def save(image: Image, *columns: str) -> None:
    """Writes some columns (or all), the time and the revision, and tells the pages."""
    image.revision += 1
    image.updated_at = now()
    image.save(update_fields=[*columns, "revision", "updated_at"] if columns else None)
    announce("image", image.pk, image.project_id)


def forget(image_id: str) -> None:
    """Remove the bytes of an image that is gone. One that was made under the same id since keeps its own."""
    if not Image.objects.filter(pk=image_id).exists():
        stores.remove(image_id)


def recover() -> None:
    """Bring uploads that nobody carries on with back to queued, and remove parts without an owner: every half minute."""
    for store in stores.STORES:
        store.collect_garbage(older_than=3600)
    silent = now().timestamp() - SILENCE
    for image_id, alive_at in Image.objects.filter(status__in=states.ARRIVING, alive_at__isnull=False).values_list(
        "id", "alive_at"
    ):
        if alive_at is not None and alive_at.timestamp() < silent:
            give_up(image_id)
