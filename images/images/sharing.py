"""Images can be shared one by one (sharing). Seeing an image is reading it: it can be launched and downloaded."""

from django.utils.translation import gettext as _

from authorization.context import RequestContext
from authorization.share_levels import FULL, OPERATE, VIEW
from identity.assignments.granting import named_for
from images.images import services
from images.images.models import Image
from images.members.models import ImageMember
from sharing import shareable


def register() -> None:
    shareable.register(
        shareable.Shareable(
            name="image",
            model=Image,
            find=_find,
            share="image:share",
            see="image:who",
            levels=(VIEW, OPERATE, FULL),
            everyone=everyone,
        )
    )


def _find(actor: RequestContext, image_id: str) -> Image | None:
    return services.get(actor, image_id=image_id)


def everyone(actor: RequestContext, image: Image) -> list[str]:
    """Name those who see an image besides its project."""
    if image.visibility == "public":
        return [_("Everybody: the image is public.")]
    if image.visibility == "community":
        return [_("Everybody who knows its id: it is a community image.")]
    if image.visibility != "shared":
        return []
    members = ImageMember.objects.filter(image=image).values_list("member_id", flat=True)
    return [
        _("Everybody in the project %(name)s, with which the image is shared.") % {"name": name}
        for name in sorted(named_for(actor, members).values())
    ]
