"""The verbs of image members: the owner offers, the other project accepts or not."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import Conflict, Forbidden, Invalid, NotFound
from common.live import announce
from images.images import services as images
from images.images.errors import NotPermitted, TooManyProperties
from images.images.models import Image
from images.members import states
from images.members.models import ImageMember
from openstackapi.fields import iso_z

MOST_MEMBERS = 128


class MemberNotFound(NotFound):
    template = _("%(member)s not found in the member list of the image %(id)s.")


class OnlyShared(Forbidden):
    template = _("Only shared images have members.")


class AlreadyMember(Conflict):
    template = _("Member %(member)s is duplicated for image %(id)s.")


class BadStatus(Invalid):
    template = _("Incorrect request: status must be one of pending, accepted, rejected, not %(status)s.")


def render(member: ImageMember) -> dict[str, object]:
    return {
        "member_id": member.member_id,
        "image_id": member.image_id,
        "status": member.status,
        "created_at": iso_z(member.created_at),
        "updated_at": iso_z(member.updated_at),
        "schema": "/v2/schemas/member",
    }


def _image(actor: RequestContext, image_id: str) -> Image:
    image = images.get(actor, image_id=image_id)
    if image.visibility != "shared":
        raise OnlyShared()
    return image


def _owns(actor: RequestContext, image: Image) -> bool:
    return actor.is_admin or image.project_id == actor.project_id


def index(actor: RequestContext, *, image_id: str, rule: str = "get_members") -> list[ImageMember]:
    """List all members for the owner; a member sees only itself. Raises: ImageNotFound, OnlyShared, Forbidden."""
    image = _image(actor, image_id)
    policy.require(actor, rule)
    rows = ImageMember.objects.filter(image=image).order_by("created_at", "member_id")
    return list(rows if _owns(actor, image) else rows.filter(member_id=actor.project_id))


def get(actor: RequestContext, *, image_id: str, member_id: str) -> ImageMember:
    """Raises: ImageNotFound, OnlyShared, MemberNotFound."""
    for member in index(actor, image_id=image_id, rule="get_member"):
        if member.member_id == member_id:
            return member
    raise MemberNotFound(member=member_id, id=image_id)


@transaction.atomic
def add(actor: RequestContext, *, image_id: str, member_id: str) -> ImageMember:
    """Raises: ImageNotFound, OnlyShared, NotPermitted, AlreadyMember, TooManyProperties."""
    image = _image(actor, image_id)
    images.permit(actor, "add_member", image, _("share"))
    if ImageMember.objects.filter(image=image, member_id=member_id).exists():
        raise AlreadyMember(member=member_id, id=image_id)
    count = ImageMember.objects.filter(image=image).count()
    if count >= MOST_MEMBERS:
        raise TooManyProperties(what=_("members"), asked=count + 1, limit=MOST_MEMBERS)
    member = ImageMember.objects.create(image=image, member_id=member_id)
    announce("image", image.pk, member_id)
    return member


@transaction.atomic
def set_status(actor: RequestContext, *, image_id: str, member_id: str, status: str) -> ImageMember:
    """Only the member itself answers an offer. Raises: MemberNotFound, NotPermitted, BadStatus."""
    policy.require(actor, "modify_member")
    member = get(actor, image_id=image_id, member_id=member_id)
    if not actor.is_admin and member_id != actor.project_id:
        raise NotPermitted(verb=_("answer the offer of"))
    if not states.is_known(status):
        raise BadStatus(status=status)
    member.status, member.updated_at = status, now()
    member.save(update_fields=["status", "updated_at"])
    announce("image", image_id, member_id)
    return member


@transaction.atomic
def remove(actor: RequestContext, *, image_id: str, member_id: str) -> None:
    """Raises: ImageNotFound, OnlyShared, NotPermitted, MemberNotFound."""
    image = _image(actor, image_id)
    images.permit(actor, "delete_member", image, _("unshare"))
    if not ImageMember.objects.filter(image=image, member_id=member_id).delete()[0]:
        raise MemberNotFound(member=member_id, id=image_id)
    announce("image", image_id, member_id)
