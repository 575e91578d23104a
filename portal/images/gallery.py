"""The gallery: cards of the images that distributors publish, with the one step that adds each."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from authorization.context import RequestContext
from images.gallery import offers, services
from images.gallery.offers import Offer
from images.images.models import Image
from images.tasks.models import Task
from images.tasks.states import has_succeeded, is_running
from portal.images.item import arriving
from portal.ui import Text
from portal.ui.menus import Action, Verb, gate
from portal.ui.pages import Page
from portal.ui.tables import Cell


@dataclass(frozen=True)
class Shown:
    """One card: what is offered, how far it is, and what can be done."""

    offer: Offer
    action: Action
    image: Image | None = None
    progress: Cell | None = None
    wrong: Text = ""


def cards(actor: RequestContext) -> list[Shown]:
    """Build the card of each offer."""
    have, last = services.added(actor), services.tasks(actor)
    may = gate(actor, "add_image", actor.project_id)
    return [_card(offer, may, have.get(key), last.get(key)) for key, offer in offers.offers().items()]


def _card(offer: Offer, may: Text, image: Image | None, task: Task | None) -> Shown:
    runs = task is not None and is_running(task.status)
    wrong = "" if task is None or image or runs or has_succeeded(task.status) else task.why
    label = _("Try again") if wrong else _("Add again") if image else _("Add")
    why = may or (_("It is being added") if runs else "")
    add = Action("add", label, "download", reverse("image-gallery-add", args=[offer.key]), "post", why)
    return Shown(offer, add, None if runs else image, arriving(task) if runs and task else None, wrong)


class Gallery(Page):
    """GET: the cards; with ?live the part that changes."""

    panel = "images"

    def get(self, request: HttpRequest) -> HttpResponse:
        context: dict[str, object] = {"cards": cards(self.actor)}
        if self.asks("live"):
            return self.fragment("images/gallery_live.html", **context)
        return self.page("images/gallery.html", **context)


ADD = Verb(
    panel="images",
    do=lambda call: services.add(call.actor, key=call.id),
    said=lambda task: _("The image is being fetched and held against its checksum."),
)
