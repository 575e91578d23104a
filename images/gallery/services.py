"""Adding an image of the gallery, and how far each one is."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict
from images.gallery import offers
from images.gallery.offers import Offer
from images.images import data
from images.images import services as images
from images.images.models import Image
from images.images.states import HAS_DATA
from images.tasks import imports
from images.tasks.models import Task
from images.tasks.states import is_running
from quota import services as quota

#: Property of an image, and word in its task's input: the offer that it is. Of Glance's own names, which no user may write.
GALLERY = "os_glance_gallery_image"


class AlreadyAdding(Conflict):
    template = _("%(name)s is being added already.")


def add(actor: RequestContext, *, key: str) -> Task:
    """Begin to add an image: public where the actor may make it so, else private. It is active once its checksum was right.

    A failed one leaves no image, and its task says why. Raises: NoSuchOffer, AlreadyAdding, and what creating and importing raise.
    """
    offer = offers.find(key)
    with transaction.atomic():
        quota.lock(actor.project_id or "")  # who adds it at the same moment waits, and finds the task
        last = tasks(actor).get(key)
        if last is not None and is_running(last.status):
            raise AlreadyAdding(name=offer.name)
        image = images.create(actor, values=_values(actor, offer))
        image.properties = {**image.properties, GALLERY: key}
        data.save(image, "properties")
        more: dict[str, object] = {imports.MADE_IMAGE: True, GALLERY: key}
        return imports.fetch_from(actor, image_id=image.pk, uri=offer.url, proof=offer.proof, **more)


def _values(actor: RequestContext, offer: Offer) -> dict[str, object]:
    """Build the attributes of the image that an offer becomes."""
    texts = {"os_distro": offer.distro, "os_version": offer.version, "os_admin_user": offer.login}
    is_public = policy.allows(actor, "publicize_image", {"project_id": actor.project_id})
    return {
        "name": offer.name,
        "visibility": "public" if is_public else "private",
        "disk_format": offer.format,
        "container_format": "bare",
        "min_disk": offer.min_disk,
        "min_ram": offer.min_ram,
        "architecture": offer.architecture,
        **{name: text for name, text in texts.items() if text},
    }


def tasks(actor: RequestContext) -> dict[str, Task]:
    """Offer → the last task that added it for the actor's project."""
    rows = Task.objects.filter(project_id=actor.project_id or "", **{f"input__{GALLERY}__isnull": False})
    return {str(task.input[GALLERY]): task for task in rows.order_by("created_at")}


def added(actor: RequestContext) -> dict[str, Image]:
    """Offer → the newest image of it that the actor's project has."""
    rows = Image.objects.of_pages(actor).filter(status__in=HAS_DATA, **{f"properties__{GALLERY}__isnull": False})
    return {str(image.properties[GALLERY]): image for image in rows.order_by("created_at")}
