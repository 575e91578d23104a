"""The snapshots of an instance: listed, rolled back to, launched from, deleted."""

from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from compute.servers.lifecycle import rebuild, services
from compute.servers.models import Server
from compute.servers.rules import RULES
from images.images.errors import ImageNotFound
from images.images.models import Image
from portal.images import status as image_status
from portal.servers import status
from portal.servers.dialogs import of_id
from portal.ui.calls import Call, to
from portal.ui.details import Card
from portal.ui.dialogs import Confirm
from portal.ui.menus import Action, Menu, gate, in_words
from portal.ui.tables import Cell, Column, Row, age

KINDS = ("snapshot", "backup")


def of_server(actor: RequestContext, server_id: str) -> QuerySet[Image]:
    """Query the images that were taken of an instance, as far as the actor sees them, the newest first."""
    seen = Image.objects.listed_for(actor, visibility=None, member_status="accepted")
    return seen.filter(properties__instance_uuid=server_id, properties__image_type__in=KINDS).order_by(
        "-created_at", "id"
    )


def find(call: Call) -> Image:
    """Find the snapshot in the address. Raises: ImageNotFound."""
    found = of_server(call.actor, call.keys["id"]).filter(pk=call.keys["image"]).first()
    if found is None:
        raise ImageNotFound(id=call.keys["image"])
    return found


def take(actor: RequestContext, server: Server, verb: str, label: str) -> Action:
    """Make the card's button."""
    why = gate(
        actor, RULES[verb], server, in_words(services.why_not(actor, server, verb), status.server(server.status, None))
    )
    return Action(verb, label, "camera", reverse(f"instance-{verb}", args=[server.id]), why=why)


def card(actor: RequestContext, server: Server) -> Card:
    """Build the tab."""
    rows = [
        Row(
            image.pk, image.name or image.pk, reverse("image", args=[image.pk]), image_status.image(image.status),
            (Cell("status", image_status.image(image.status)), Cell("size", image.size), age(image.created_at)),
            menu=reverse("instance-snapshot-menu", args=[server.id, image.pk]),
        )
        for image in of_server(actor, server.id)[:200]
    ]  # fmt: skip
    columns = (Column(_("Name")), Column(_("Status")), Column(_("Size"), "n", "m"), Column(_("Age"), "n", "m"))
    return Card(
        _("Snapshots"), columns=columns, rows=rows, action=take(actor, server, "snapshot", _("Take a snapshot")),
        empty=_("None yet. A snapshot is an image of the root disk, to roll back to or to launch from."), name="snapshots",
    )  # fmt: skip


def verbs(call: Call) -> list[Action]:
    """List what can be done with one snapshot."""
    server, image = of_id(call.actor, call.keys["id"]), find(call)
    refusal = in_words(services.why_not(call.actor, server, "rebuild"), status.server(server.status, None))
    unready = in_words(image.why_not("boot"), image_status.image(image.status))
    back = reverse("instance-tab", args=[server.id, "snapshots"])
    protected = _("It is protected; edit it first") if image.protected else ""
    return [
        Action(
            "roll-back", _("Roll back to it"), "rotate-clockwise", reverse("instance-roll-back", args=[server.id, image.pk]),
            why=gate(call.actor, RULES["rebuild"], server, refusal or unready), risk=True,
        ),
        Action("launch", _("Launch from it"), "rocket", f"{reverse('launch')}?image={image.pk}", "link", unready),
        Action(
            "delete-snapshot", _("Delete"), "trash", f"{reverse('image-delete', args=[image.pk])}?next={back}",
            why=gate(call.actor, "delete_image", image, protected), risk=True,
        ),
    ]  # fmt: skip


MENU = Menu(panel="instances", actions=verbs)
ROLL_BACK = Confirm(
    panel="instances",
    find=of_id,
    title=gettext_lazy("Roll %(name)s back?"),
    text=lambda call: _("Its root disk becomes the snapshot %(snapshot)s; what was written since is lost. Addresses and id stay.")
    % {"snapshot": find(call).name},
    submit=gettext_lazy("Roll it back"),
    do=lambda call: rebuild.rebuild(call.actor, server_id=call.id, image_id=find(call).pk),
    next=to("instance", "id"),
)  # fmt: skip

URLS = [
    path("instances/<str:id>/snapshots/<str:image>/menu", MENU.as_view(), name="instance-snapshot-menu"),
    path("instances/<str:id>/snapshots/<str:image>/roll-back", ROLL_BACK.as_view(), name="instance-roll-back"),
]
