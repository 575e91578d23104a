"""The verbs of images."""

import difflib
from typing import Any, NoReturn, cast

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from authorization import policy, targets
from authorization.context import RequestContext
from common.ids import is_id, new_id
from common.live import announce
from images import stores
from images.images import data, errors, states
from images.images.changes import Change, is_base
from images.images.errors import ImageNotFound, NotPermitted
from images.images.fields import (
    COLUMNS,
    READ_ONLY,
    RESERVED,
    RESERVED_NAMESPACE,
    WRITABLE,
    ImageRow,
    check_values,
    render,
)
from images.images.models import Image, ImageTag
from operations import background
from quota import services as quota
from sharing import services as sharing

MOST_TAGS = 128
MOST_PROPERTIES = 128


def allowed(actor: RequestContext, rule: str, image: Image) -> bool:
    return policy.allows(actor, rule, image)


def permit(actor: RequestContext, rule: str, image: Image, verb: str | Promise, **data: str) -> None:
    """Raises: NotPermitted. The image is known to be visible."""
    if not allowed(actor, rule, image):
        raise NotPermitted(verb=verb, why=policy.forbids(actor, rule, targets.aim(actor, image)), **data)


# ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def get(actor: RequestContext, *, image_id: str) -> Image:
    """Find an image that the actor may see. Raises: ImageNotFound, Forbidden."""
    policy.require(actor, "get_image")
    image: Image | None = Image.objects.visible_to(actor).filter(pk=image_id.lower()).first()
    if image is None:
        raise ImageNotFound(id=image_id)
    return image


def show(actor: RequestContext, *, image_id: str) -> dict[str, object]:
    """Build one image as the wire shows it."""
    image = get(actor, image_id=image_id)
    return shown([cast(ImageRow, {name: getattr(image, name) for name in COLUMNS})])[0]


def shown(rows: list[ImageRow]) -> list[dict[str, object]]:
    """Rows of COLUMNS as the wire shows them; one more query for all their tags."""
    tags: dict[str, list[str]] = {row["id"]: [] for row in rows}
    for image_id, value in (
        ImageTag.objects.filter(image_id__in=tags).order_by("value").values_list("image_id", "value")
    ):
        tags[image_id].append(value)
    return [render(row, tags[row["id"]], stores.default().name) for row in rows]


def remove_from_store(actor: RequestContext, *, store_id: str, image_id: str) -> NoReturn:
    """There is one store, and the only copy of an image is not removed: the image is.

    Raises: ImageNotFound, WrongStatus, NotInStore, OnlyCopy.
    """
    image = get(actor, image_id=image_id)
    permit(actor, "modify_image", image, _("change"))
    if not states.usable(image.status):
        raise errors.WrongStatus(id=image.id, status=image.status, verb=_("removed from a store"))
    raise errors.OnlyCopy() if store_id in stores.STORES else errors.NotInStore(id=image.id, store=store_id)


def find(actor: RequestContext, id_or_name: str) -> Image:
    """Find one image by id, or by a name that only one visible image has.

    Raises: NoSuchImage naming the nearest names, AmbiguousName.
    """
    visible = Image.objects.visible_to(actor)
    if is_id(id_or_name):
        by_id: Image | None = visible.filter(pk=id_or_name.lower()).first()
        if by_id is not None:
            return by_id
    named = list(visible.filter(name=id_or_name).order_by("-created_at")[:3])
    if len(named) == 1:
        return named[0]
    if named:
        raise errors.AmbiguousName(name=id_or_name, ids=", ".join(image.pk for image in named))
    names = visible.filter(os_hidden=False, name__isnull=False).values_list("name", flat=True).distinct()[:500]
    near = difflib.get_close_matches(id_or_name, [name for name in names if name], n=3, cutoff=0.5)
    raise errors.NoSuchImage(id=id_or_name, hint=_(" Did you mean %(names)s?") if near else "", names=", ".join(near))


# ── Making and changing ─────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def create(actor: RequestContext, *, values: dict[str, Any]) -> Image:
    """Create a queued image without bytes. `values` are wire attributes; unknown ones become properties.

    Raises: SchemaRefused, ReadOnly, Reserved, OwnerIsFixed, NotPermitted, DuplicateId, QuotaExceeded.
    """
    check_values(values)
    for name in values:
        if name in READ_ONLY - {"id"} or name == "locations":
            raise errors.ReadOnly(name=name)
        if name in RESERVED or name.startswith(RESERVED_NAMESPACE):
            raise errors.Reserved(name=name)
    owner = values.get("owner", actor.project_id)
    if owner != actor.project_id and not actor.is_admin:
        raise errors.OwnerIsFixed()
    policy.require(actor, "add_image", owner)
    image = Image(pk=(values.get("id") or new_id()).lower(), project_id=owner)
    for name, column in WRITABLE.items():
        if name in values:
            setattr(image, column, values[name])
    image.properties = {k: v for k, v in values.items() if not is_base(k)}
    check_visibility(actor, image)
    _check_counts(image, values.get("tags", []))
    if owner:
        quota.require(owner, "image", {"image_count_total": 1})
    try:
        with transaction.atomic():
            image.save(force_insert=True)
    except IntegrityError as error:
        raise errors.DuplicateId(id=image.pk) from error
    set_tags(image, values.get("tags", []))
    announce("image", image.pk, image.project_id)
    return image


@transaction.atomic
def update(actor: RequestContext, *, image_id: str, changes: list[Change]) -> Image:
    """Applies a patch as a whole or not at all.

    Raises: ImageNotFound, NotPermitted, and what `create` raises; NoSuchProperty, PropertyExists, CannotRemove.
    """
    image = locked(actor, image_id)
    permit(actor, "modify_image", image, _("modify"))
    tags: list[str] | None = None
    for change in changes:
        if change.name == "locations":
            raise errors.LocationsHidden()
        if change.name == "tags" and change.op != "remove":
            tags = change.value
        elif is_base(change.name):
            _change_base(actor, image, change)
        else:
            _change_property(image, change)
    _check_counts(image, tags or [])
    data.save(image)
    if tags is not None:
        set_tags(image, tags)
    return image


def _change_base(actor: RequestContext, image: Image, change: Change) -> None:
    if change.op == "remove":
        raise errors.CannotRemove(name=change.name)
    if change.op == "add" and change.strict:
        raise errors.PropertyExists(name=change.name)
    column = WRITABLE[change.name]
    if change.name == "owner" and not actor.is_admin:
        raise errors.OwnerIsFixed()
    fixed = change.name.endswith("_format") and not states.has_open_formats(image.status)
    if fixed and getattr(image, column) != change.value:
        raise errors.FormatIsFixed(name=change.name)
    was = image.visibility
    setattr(image, column, change.value)
    if image.visibility != was:
        check_visibility(actor, image)


def _change_property(image: Image, change: Change) -> None:
    there = change.name in image.properties
    if not there and change.op in ("remove", "replace"):
        raise errors.NoSuchProperty(name=change.name)
    if there and change.op == "add" and change.strict:
        raise errors.PropertyExists(name=change.name)
    if change.op == "remove":
        del image.properties[change.name]
    else:
        image.properties[change.name] = change.value


def check_visibility(actor: RequestContext, image: Image) -> None:
    """Check that an actor may show an image as widely as it says. Raises: Forbidden."""
    rule = {"public": "publicize_image", "community": "communitize_image"}.get(image.visibility)
    if rule:
        permit(actor, rule, image, _("make %(visibility)s"), visibility=image.visibility)


def _check_counts(image: Image, tags: list[str]) -> None:
    if len(image.properties) > MOST_PROPERTIES:
        raise errors.TooManyProperties(what=_("properties"), asked=len(image.properties), limit=MOST_PROPERTIES)
    if len(set(tags)) > MOST_TAGS:
        raise errors.TooManyProperties(what=_("tags"), asked=len(set(tags)), limit=MOST_TAGS)


def set_tags(image: Image, tags: list[str]) -> None:
    ImageTag.objects.filter(image=image).exclude(value__in=tags).delete()
    ImageTag.objects.bulk_create(
        [ImageTag(image=image, value=tag) for tag in dict.fromkeys(tags)], ignore_conflicts=True
    )


def locked(actor: RequestContext, image_id: str) -> Image:
    """Return the image under a lock. Raises: ImageNotFound, Forbidden."""
    policy.require(actor, "get_image")
    image: Image | None = Image.objects.select_for_update().filter(pk=image_id.lower()).first()
    if image is None or not Image.objects.visible_to(actor).filter(pk=image.pk).exists():
        raise ImageNotFound(id=image_id)
    return image


@transaction.atomic
def delete(actor: RequestContext, *, image_id: str) -> None:
    """Removes the image at once, its bytes after commit. Hosts keep what they have cached of it.

    Raises: ImageNotFound, NotPermitted, Protected.
    """
    image = locked(actor, image_id)
    permit(actor, "delete_image", image, _("delete"))
    if image.protected:
        raise errors.Protected(id=image_id)
    remove(image)


def remove(image: Image) -> None:
    """Remove an image at once, its bytes after commit, by control: web cannot write to the store. In the caller's transaction."""
    image_id, project_id = image.pk, image.project_id
    image.delete()
    sharing.object_gone("image", image_id)
    background.enqueue(data.GONE, image_id)
    announce("image", image_id, project_id)


@transaction.atomic
def switch(actor: RequestContext, verb: str, *, image_id: str) -> Image:
    """`deactivate`: nobody but an admin reads the bytes any more, no server boots from it. `reactivate` undoes it.

    Raises: ImageNotFound, NotPermitted, CannotSwitch.
    """
    image = locked(actor, image_id)
    permit(actor, verb, image, verb)
    image.allow(verb)
    image.end(verb)
    return image


@transaction.atomic
def add_tag(actor: RequestContext, *, image_id: str, tag: str) -> None:
    """Raises: ImageNotFound, NotPermitted, SchemaRefused, TooManyProperties."""
    check_values({"tags": [tag]})
    image = locked(actor, image_id)
    permit(actor, "modify_image", image, _("modify"))
    have = set(ImageTag.objects.filter(image=image).values_list("value", flat=True))
    _check_counts(image, [*have, tag])
    if tag not in have:
        ImageTag.objects.create(image=image, value=tag)
        data.save(image, "updated_at")


class ImageTagNotFound(ImageNotFound):
    formerly = ("TagNotFound",)
    template = _("Image %(id)s has no tag %(tag)s.")


@transaction.atomic
def remove_tag(actor: RequestContext, *, image_id: str, tag: str) -> None:
    """Raises: ImageNotFound, NotPermitted, ImageTagNotFound."""
    image = locked(actor, image_id)
    permit(actor, "modify_image", image, _("modify"))
    if not ImageTag.objects.filter(image=image, value=tag).delete()[0]:
        raise ImageTagNotFound(id=image_id, tag=tag)
    data.save(image, "updated_at")


def remove_all_of(project_id: str) -> None:
    """Remove the images of a project that goes, protected ones too."""
    for image in Image.objects.filter(project_id=project_id):
        with transaction.atomic():
            remove(image)
