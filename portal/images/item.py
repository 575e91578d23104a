"""The page of one image: its verbs, what it is, its properties, the projects that have it, the instances made from it."""

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.units import GIB, MIB
from identity.assignments.granting import named_for
from images.images import services, states
from images.images.models import Image
from images.members import services as members
from images.members.models import ImageMember
from images.tasks import imports
from images.tasks import states as task_states
from images.tasks.models import Task
from portal.images import status
from portal.images.listing import kind_of, owners, visibility
from portal.servers import listing as servers
from portal.sharing.parts import share_action, who_card
from portal.ui import Text
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.menus import Action, gate, in_words
from portal.ui.tables import Cell, Column, Row

MOST = 200  # instances of one image's page
#: Property → what people call it, of those that have a place of their own.
NAMED: dict[str, Text] = {
    "description": gettext_lazy("Description"),
    "architecture": gettext_lazy("Architecture"),
    "kernel_id": gettext_lazy("Kernel"),
    "ramdisk_id": gettext_lazy("Ramdisk"),
}


def find(actor: RequestContext, id: str) -> Image:
    """Find an image that the actor may see. Raises: as services.get()."""
    return services.get(actor, image_id=id)


def arriving(task: Task) -> Cell:
    """Show how much of an import has come."""
    share = 100 * task.arrived / task.announced if task.announced else 0
    return Cell("progress", (min(100.0, share), task.arrived, task.announced))


class ImageItem(ItemPage):
    panel, kind = "images", "image"
    recorded = "service/storage/image/images"
    find = staticmethod(find)
    tabs = (
        ("", gettext_lazy("Overview")),
        ("properties", gettext_lazy("Properties")),
        ("members", gettext_lazy("Members")),
        ("instances", gettext_lazy("Instances")),
    )

    def actions(self, actor: RequestContext, row: Image) -> list[Action]:
        def why_not(verb: str) -> Text:
            return in_words(row.why_not(verb), status.image(row.status))

        def url(name: str, *more: str) -> str:
            return reverse(f"image-{name}", args=[row.pk, *more])

        protected = _("It is protected; edit it first") if row.protected else ""
        switch = "deactivate" if states.downloadable_by_all(row.status) else "reactivate"
        label = _("Reactivate") if switch == "reactivate" else _("Deactivate")
        change = gate(actor, "modify_image", row)
        bring = gate(actor, "upload_image", row, why_not("web-download"))
        return [
            Action("launch", _("Launch from it"), "rocket", reverse("launch") + f"?image={row.pk}", "link", why_not("boot")),
            *answers(actor, row),
            Action("edit", _("Edit"), "pencil", url("edit"), "wide", change),
            Action("metadata", _("Update metadata"), "adjustments", url("metadata"), "wide", change),
            Action("import", _("Import from an address"), "download", url("import"), why=bring),
            Action(switch, label, "archive", url("switch", switch), "post", gate(actor, switch, row, why_not(switch))),
            share_action(actor, "image", row),
            Action("delete", _("Delete"), "trash", url("delete"),
                   why=gate(actor, "delete_image", row, protected), risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Image) -> Detail:
        cards = [*import_card(actor, row), Card(_("Details"), pairs=self.details(actor, row), name="details")]
        if row.checksum:
            sums = [(row.os_hash_algo or "hash", Cell("copy", row.os_hash_value)), ("md5", Cell("copy", row.checksum))]
            cards.append(Card(_("Checksums"), pairs=sums))
        cards.append(who_card(actor, "image", row))
        command = f"openstack server create --image {row.name or row.pk} --flavor tiny hello"
        cards.append(Card(_("Use it from a shell"), pairs=((_("Launch"), Cell("cmd", command)),), side=True))
        return Detail(row.name or row.pk, status.image(row.status), cards=cards)

    def details(self, actor: RequestContext, row: Image) -> list[tuple[Text, Cell]]:
        named = [(label, Cell("text", row.properties[name])) for name, label in NAMED.items() if name in row.properties]
        return [
            (_("Type"), Cell("text", kind_of(row))),
            (_("Format"), Cell("text", f"{row.disk_format or '–'} / {row.container_format or '–'}")),
            (_("Size"), Cell("size", row.size)),
            (_("Disk inside"), Cell("size", row.virtual_size)),
            (_("Least disk"), Cell("size", row.min_disk * GIB)),
            (_("Least memory"), Cell("size", row.min_ram * MIB)),
            *named,
            (_("Visibility"), Cell("text", visibility(row))),
            (_("Project"), Cell("text", owners(actor, {row.project_id}).get(row.project_id or "") or "–")),
            (_("Protected"), Cell("yes", row.protected)),
            (_("Created"), Cell("when", row.created_at)),
            (_("Changed"), Cell("when", row.updated_at)),
        ]

    def tab(self, actor: RequestContext, row: Image, name: str) -> Sequence[Card]:
        return [{"properties": properties_card, "members": members_card, "instances": instances_card}[name](actor, row)]


def answers(actor: RequestContext, row: Image) -> list[Action]:
    """List the answers that the actor's project can give to an offer; none where it has none."""
    if row.project_id == actor.project_id:
        return []
    offer = ImageMember.objects.filter(image=row, member_id=actor.project_id or "").first()
    if offer is None:
        return []

    def verb(to: str, label: Text, icon: str) -> Action:
        same = _("That is the answer already") if offer.status == to else ""
        return Action(
            to, label, icon, reverse("image-answer", args=[row.pk, to]), "post", gate(actor, "modify_member", row, same)
        )

    return [verb("accepted", _("Accept"), "check"), verb("rejected", _("Reject"), "x")]


def import_card(actor: RequestContext, row: Image) -> list[Card]:
    """Build the card of the last import, while it runs and where it failed."""
    task = next(iter(imports.of_image(actor, image_id=row.pk)), None)
    if task is None or task_states.has_succeeded(task.status):
        return []
    source = imports.source_of(task)
    pairs: list[tuple[Text, Cell]] = [(_("From"), Cell("text", source))] if source else []
    if task_states.is_running(task.status):
        pairs.append((_("Arrived"), arriving(task)))
    else:
        pairs.append((_("Failed"), Cell("text", task.why)))
    return [Card(_("Import"), pairs=pairs, name="import")]


def properties_card(actor: RequestContext, row: Image) -> Card:
    rows = [Row(name, name, "", None, (Cell("mono", str(value)),)) for name, value in sorted(row.properties.items())]
    change = Action("change-metadata", _("Update metadata"), "adjustments", reverse("image-metadata", args=[row.pk]), "wide",
                    gate(actor, "modify_image", row))  # fmt: skip
    columns = (Column(_("Name")), Column(_("Value")))
    return Card(
        _("Properties"), columns=columns, rows=rows, action=change, empty=_("No properties."), name="properties"
    )


def members_card(actor: RequestContext, row: Image) -> Card:
    """Build the card of the projects that the image is offered to; a member sees itself alone."""
    only = "" if row.visibility == "shared" else _("Only a shared image has members: edit its visibility first")
    add = Action("add-member", _("Share with a project"), "plus", reverse("image-member-add", args=[row.pk]),
                 why=gate(actor, "add_member", row, only))  # fmt: skip
    found = [] if only else members.index(actor, image_id=row.pk)
    names = named_for(actor, [one.member_id for one in found])
    rows = [
        Row(
            one.member_id, names[one.member_id], "", None,
            (Cell("text", status.ANSWERS.get(one.status, one.status)), Cell("id", one.member_id), Cell("age", one.created_at)),
            menu=reverse("image-member-menu", args=[row.pk, one.member_id]),
        )
        for one in found
    ]  # fmt: skip
    columns = (Column(_("Project")), Column(_("Answer")), Column("ID", hide="m"), Column(_("Age"), "n", "m"))
    empty = only or _("It is offered to no project yet.")
    return Card(_("Members"), columns=columns, rows=rows, action=add, empty=empty, name="members")


def instances_card(actor: RequestContext, row: Image) -> Card:
    """Build the card of the instances that were launched from it: the project's, for operators every project's."""
    query = servers.visible(actor, everywhere=actor.is_admin).filter(image_id=row.pk).order_by("-created_at")
    rows = [
        Row(one["id"], one["name"], reverse("instance", args=[one["id"]]), one["st"],
            (Cell("status", one["st"]), Cell("text", one["flavor_name"]), Cell("mono", one["sub"]), Cell("age", one["created_at"])))
        for one in servers.rows(query[:MOST])
    ]  # fmt: skip
    columns = (
        Column(_("Name")), Column(_("Status")), Column(_("Flavor"), hide="m"), Column(_("Address"), hide="m"),
        Column(_("Age"), "n", "m"),
    )  # fmt: skip
    return Card(
        _("Instances"), columns=columns, rows=rows, empty=_("No instance was launched from it."), name="instances"
    )
