"""Images: list, detail, create, upload, edit, delete."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from identity.models import Project
from images.images import services, states
from images.images.changes import Change
from images.images.models import Image
from portal.images import status
from portal.sharing.parts import share_action, who_card
from portal.ui import Text
from portal.ui.calls import Call, to
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import Delete, FormDialog, from_row
from portal.ui.forms import Name, Pairs, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, Verb, gate, in_words
from portal.ui.pages import Page
from portal.ui.status import Status
from portal.ui.tables import Cell, Column, Row, attr

#: The API's own route, for all bytes come in through the process that reads them as they come (cloud/uploads.py).
UPLOAD = "/api/image/v2/images/{}/file"


def find(actor: RequestContext, id: str) -> Image:
    """Find an image that the actor may see. Raises: as services.get()."""
    return services.get(actor, image_id=id)


def visibility(image: Image) -> Text:
    words = {"public": _("public"), "private": _("private"), "shared": _("shared"), "community": _("community")}
    return words.get(image.visibility, image.visibility)


def owners(actor: RequestContext, projects: set[str | None]) -> dict[str, str]:
    """Project id → name, of those whose names the actor may know."""
    seen = projects if actor.is_admin else projects & {actor.project_id}
    return dict(Project.objects.filter(pk__in=[id for id in seen if id]).values_list("pk", "name"))


class Images(ListPanel):
    panel, kind, route = "images", "image", "image"
    order = ("-created_at", "id")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Status"), cell=lambda row: Cell("status", status.image(row.status))),
        Column(gettext_lazy("Visibility"), hide="m", cell=lambda row: Cell("muted", visibility(row))),
        Column(gettext_lazy("Project"), hide="l", cell=attr("muted", "owner")),
        Column(gettext_lazy("Format"), hide="m", cell=attr("text", "disk_format")),
        Column(gettext_lazy("Size"), "n", "m", "size", attr("size", "size")),
        Column(gettext_lazy("Age"), "n", "m", "created_at", attr("age", "created_at")),
    )
    new = New(gettext_lazy("Create image"), "image-create", "add_image", "link")
    empty = Empty(
        gettext_lazy("No images yet"),
        gettext_lazy(
            "An image is a disk that instances start from. Bring one as qcow2 or raw, or take a snapshot of an instance."
        ),
        "openstack image create --disk-format qcow2 --file disk.qcow2 my-image",
    )

    def query(self, actor: RequestContext) -> Any:
        return Image.objects.listed_for(actor, visibility=None, member_status="accepted")

    def rows(self, actor: RequestContext, found: Sequence[Any]) -> list[Row]:
        """With the name of each one's project: the reader's own, and for operators every one's."""
        names = owners(actor, {image.project_id for image in found})
        for image in found:
            image.owner = names.get(image.project_id, "")
        return super().rows(actor, found)

    def status(self, one: Image) -> Status:
        return status.image(one.status)


class ImageItem(ItemPage):
    panel, kind = "images", "image"
    find = staticmethod(find)

    def actions(self, actor: RequestContext, row: Image) -> list[Action]:
        target = row

        def why_not(verb: str) -> Text:
            return in_words(row.why_not(verb), status.image(row.status))

        protected = _("It is protected; edit it first") if row.protected else ""
        switch = "deactivate" if states.downloadable_by_all(row.status) else "reactivate"
        label = _("Reactivate") if switch == "reactivate" else _("Deactivate")
        return [
            Action("launch", _("Launch from it"), "rocket", reverse("launch") + f"?image={row.pk}", "link", why_not("boot")),
            Action("edit", _("Edit"), "pencil", reverse("image-edit", args=[row.pk]), why=gate(actor, "modify_image", target)),
            Action(
                switch, label, "archive", reverse("image-switch", args=[row.pk, switch]), "post",
                gate(actor, switch, target, why_not(switch)),
            ),
            share_action(actor, "image", row),
            Action(
                "delete", _("Delete"), "trash", reverse("image-delete", args=[row.pk]),
                why=gate(actor, "delete_image", target, protected), risk=True,
            ),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Image) -> Detail:
        facts = (
            (_("Format"), Cell("text", f"{row.disk_format or '–'} / {row.container_format or '–'}")),
            (_("Size"), Cell("size", row.size)),
            (_("Disk inside"), Cell("size", row.virtual_size)),
            (_("Least disk"), Cell("text", f"{row.min_disk} GiB")),
            (_("Least memory"), Cell("text", f"{row.min_ram} MiB")),
            (_("Visibility"), Cell("text", visibility(row))),
            (_("Project"), Cell("text", owners(actor, {row.project_id}).get(row.project_id or "") or "–")),
            (_("Protected"), Cell("yes", row.protected)),
            (_("Created"), Cell("when", row.created_at)),
            (_("Changed"), Cell("when", row.updated_at)),
        )
        sums = [(row.os_hash_algo or "hash", Cell("copy", row.os_hash_value)), ("md5", Cell("copy", row.checksum))]
        properties = [(name, Cell("mono", str(value))) for name, value in sorted((row.properties or {}).items())]
        cards = [Card(_("Details"), pairs=facts)]
        if row.checksum:
            cards.append(Card(_("Checksums"), pairs=sums))
        if properties:
            cards.append(Card(_("Properties"), pairs=properties, side=True))
        command = f"openstack server create --image {row.name or row.pk} --flavor tiny hello"
        cards.append(who_card(actor, "image", row))
        cards.append(Card(_("Use it from a shell"), pairs=((_("Launch"), Cell("cmd", command)),), side=True))
        return Detail(row.name or row.pk, status.image(row.status), cards=cards)


class ImageForm(Styled):
    name = Name()
    disk_format = forms.ChoiceField(
        label=gettext_lazy("Format"), choices=[(name, name) for name in ("qcow2", "raw", "vmdk", "vdi", "iso")]
    )
    min_disk = forms.IntegerField(label=gettext_lazy("Least disk, GiB"), min_value=0, initial=0, required=False)
    min_ram = forms.IntegerField(label=gettext_lazy("Least memory, MiB"), min_value=0, initial=0, required=False)
    visibility = forms.ChoiceField(
        label=gettext_lazy("Visibility"),
        choices=[("private", gettext_lazy("private")), ("public", gettext_lazy("public"))],
    )
    protected = forms.BooleanField(label=gettext_lazy("Protected from deletion"), required=False)
    properties = Pairs(
        label=gettext_lazy("Properties"), required=False, help_text=gettext_lazy("One name=value a line.")
    )


class Create(Page):
    """GET: the form. POST: a queued image; its bytes are then sent by the page, with a bar, where every image's bytes go in."""

    panel = "images"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page("images/create.html", form=ImageForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ImageForm(request.POST)
        if not form.is_valid():
            return JsonResponse({"errors": form.errors}, status=422)
        values = {name: value for name, value in form.cleaned_data.items() if name != "properties"}
        values["min_disk"], values["min_ram"] = values["min_disk"] or 0, values["min_ram"] or 0
        image = services.create(
            self.actor, values={**form.cleaned_data["properties"], **values, "container_format": "bare"}
        )
        return JsonResponse({"upload": UPLOAD.format(image.pk), "page": reverse("image", args=[image.pk])})


class EditForm(Styled):
    name = Name()
    min_disk = forms.IntegerField(label=gettext_lazy("Least disk, GiB"), min_value=0)
    min_ram = forms.IntegerField(label=gettext_lazy("Least memory, MiB"), min_value=0)
    visibility = forms.ChoiceField(
        label=gettext_lazy("Visibility"),
        choices=[(name, name) for name in ("private", "shared", "community", "public")],
    )
    protected = forms.BooleanField(label=gettext_lazy("Protected from deletion"), required=False)


def edit(call: Call, values: dict[str, object]) -> None:
    changes = [Change("replace", name, value) for name, value in values.items() if getattr(call.row, name) != value]
    services.update(call.actor, image_id=call.id, changes=changes)


def switch(call: Call) -> None:
    verb = "reactivate" if call.keys["verb"] == "reactivate" else "deactivate"
    services.switch(call.actor, verb, image_id=call.id)


EDIT = FormDialog(
    panel="images",
    find=find,
    title=gettext_lazy("Edit image"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=from_row,
    do=edit,
)
DELETE = Delete(
    panel="images",
    find=find,
    text=gettext_lazy("Instances made from it go on running. It cannot be undone."),
    submit=gettext_lazy("Delete the image"),
    do=lambda call: services.delete(call.actor, image_id=call.id),
    next=to("images"),
)
SWITCH = Verb(panel="images", do=switch)
