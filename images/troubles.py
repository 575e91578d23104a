"""Troubles of images that no host reports."""

from django.conf import settings
from django.utils.translation import gettext as _

from common import troubles
from common.stores import is_whole
from common.troubles import Trouble
from images import stores
from images.gallery import offers
from images.images.models import Image
from images.images.states import HAS_DATA


def register() -> None:
    troubles.register(_without_bytes)
    troubles.register(_gallery)


def _gallery() -> list[Trouble]:
    """Report an operator's list of the gallery that cannot be read, and so counts for nothing."""
    why = offers.trouble()
    text = _("The gallery's list has a fault, and nothing of it is offered: %(why)s")
    return [Trouble("gallery", str(settings.IMAGE_GALLERY), text % {"why": why})] if why else []


def _without_bytes() -> list[Trouble]:
    """Images that are offered and whose bytes are not in the store: what a restore by reference leaves."""
    store, rows = stores.default(), Image.objects.filter(status__in=HAS_DATA).order_by("name", "id")
    text = _(
        "The bytes of image %(name)s are not in the store; nothing can be launched from it. Put them back (%(path)s, %(size)s"
        " bytes) or delete it. Of demo and demo-alt `make run` makes new ones once they are deleted."
    )
    return [
        Trouble("image", row.id, text % {"name": row.name or row.id, "path": stores.place_of(row.id), "size": row.size})
        for row in rows
        if not is_whole(store, row.id, row.size)
    ]
