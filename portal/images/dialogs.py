"""Verbs of an image: edit, metadata, import, members, activate, delete."""

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from identity.signin import sessions
from images.images import services, states
from images.images.changes import Change
from images.images.errors import NotPermitted
from images.images.models import Image
from images.members import services as members
from images.metadefs import offered as metadefs
from images.tasks import imports
from portal.images.fields import Described, Metadata, address
from portal.images.item import find
from portal.images.listing import VISIBILITIES, kind_of
from portal.ui.calls import Call, leave, to
from portal.ui.dialogs import Confirm, FormDialog
from portal.ui.forms import Styled
from portal.ui.menus import Action, Menu, Verb, gate
from portal.ui.removal import Removal

RESOURCE = "OS::Glance::Image"

# ── What it is ──────────────────────────────────────────────────────────────────────────────────────────────────────


class EditForm(Described):
    visibility = forms.ChoiceField(label=gettext_lazy("Visibility"), choices=tuple(VISIBILITIES.items()))
    parts = (
        ("about", gettext_lazy("Image"), ("name", "description", "disk_format", "visibility", "protected")),
        ("needs", gettext_lazy("Needs"), ("min_disk", "min_ram", "architecture", "kernel_id", "ramdisk_id")),
    )


def began(call: Call) -> dict[str, object]:
    row: Image = call.row
    columns = {name: getattr(row, name) for name in EditForm.columns}
    return {**columns, **{name: row.properties.get(name, "") for name in EditForm.properties}}


def prepare(call: Call, form: Described) -> None:
    """Offer the images that are kernels and ramdisks; a format that the bytes have already stays as it is."""
    form.offer(call.actor, call.row)
    if not states.has_open_formats(call.row.status):
        form.fields["disk_format"].disabled = True
        form.initial["disk_format"] = call.row.disk_format


def edit(call: Call, values: dict[str, object]) -> None:
    row: Image = call.row
    changes = [Change("replace", name, values[name]) for name in EditForm.columns if getattr(row, name) != values[name]]
    texts = {name: str(values[name]) for name in EditForm.properties}
    services.update(call.actor, image_id=call.id, changes=[*changes, *differences(row, texts)])


def differences(row: Image, wanted: dict[str, str]) -> list[Change]:
    """List what makes the image's properties these; an empty text takes one away."""
    changes = []
    for name, text in wanted.items():
        if text and row.properties.get(name) != text:
            changes.append(Change("add", name, text))
        elif not text and name in row.properties:
            changes.append(Change("remove", name))
    return changes


EDIT = FormDialog(
    panel="images",
    find=find,
    title=gettext_lazy("Edit image"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=began,
    prepare=prepare,
    places=((NotPermitted, "visibility"),),
    do=edit,
)


class MetadataForm(Styled):
    properties = Metadata(
        label=gettext_lazy("Properties"), required=False,
        help_text=gettext_lazy("One name=value a line. What is taken away is removed."),
    )  # fmt: skip
    known = forms.ChoiceField(label=gettext_lazy("Known property"), required=False)
    value = forms.CharField(
        label=gettext_lazy("Value"), required=False, max_length=255,
        help_text=gettext_lazy("Of the property chosen above; it is held against its definition."),
    )  # fmt: skip

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.definitions: dict[str, metadefs.Known] = {}

    def offer(self, actor: RequestContext) -> None:
        """Offer the properties that metadata definitions know of images; without any there is nothing to choose."""
        self.definitions = {one.name: one for one in metadefs.known(actor, RESOURCE)}
        if not self.definitions:
            del self.fields["known"], self.fields["value"]
            return
        groups: dict[str, list[tuple[str, str]]] = {}
        for one in self.definitions.values():
            groups.setdefault(one.group, []).append((one.name, f"{one.title} ({one.name})"))
        self.fields["known"].choices = [("", "–"), *groups.items()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, object]:
        found = super().clean() or {}
        name, value = found.pop("known", ""), found.pop("value", "")
        if name and "properties" in found:
            why = self.definitions[name].refusal(value)
            if why:
                self.add_error("value", ValidationError(why))
            found["properties"] = {**found["properties"], name: value}
        return found


def set_metadata(call: Call, values: dict[str, dict[str, str]]) -> None:
    """Make the image's properties those of the form."""
    row: Image = call.row
    gone = {name: "" for name in row.properties if name not in values["properties"]}
    services.update(call.actor, image_id=call.id, changes=differences(row, {**values["properties"], **gone}))


METADATA = FormDialog(
    panel="images",
    find=find,
    title=gettext_lazy("Metadata of %(name)s"),
    submit=gettext_lazy("Save"),
    form=MetadataForm,
    initial=lambda call: {"properties": dict(sorted(call.row.properties.items()))},
    prepare=lambda call, form: form.offer(call.actor),
    do=set_metadata,
)

# ── Its bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────


class ImportForm(Styled):
    uri = address()


IMPORT = FormDialog(
    panel="images",
    find=find,
    title=gettext_lazy("Import %(name)s from an address"),
    submit=gettext_lazy("Import"),
    form=ImportForm,
    places=((imports.UriRefused, "uri"), (imports.UnknownMethod, "uri")),
    do=lambda call, values: imports.fetch_from(call.actor, image_id=call.id, uri=values["uri"]),
    next=to("image", "id"),
)


def switch(call: Call) -> None:
    verb = "reactivate" if call.keys["verb"] == "reactivate" else "deactivate"
    services.switch(call.actor, verb, image_id=call.id)


SWITCH = Verb(panel="images", do=switch)
DELETE = Removal(
    panel="images",
    find=find,
    route="images",
    everywhere="all-images",
    one=gettext_lazy("Delete the image"),
    bulk=gettext_lazy("Delete the images"),
    text=gettext_lazy("Instances made from it go on running. It cannot be undone."),
    about=lambda row: _("protected") if row.protected else kind_of(row),
    remove=lambda call, id: services.delete(call.actor, image_id=id),
)

# ── Members ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class MemberForm(Styled):
    project = forms.CharField(
        label=gettext_lazy("Project"), max_length=64,
        help_text=gettext_lazy("Its id, or the name of a project of yours."),
    )  # fmt: skip


def add_member(call: Call, values: dict[str, str]) -> None:
    """Offer the image to a project, by its id or the name of one that the person is in."""
    asked = values["project"].strip()
    own = {row.name: row.pk for row in sessions.projects(call.actor.user_id)}
    members.add(call.actor, image_id=call.id, member_id=own.get(asked, asked))


def member_verbs(call: Call) -> list[Action]:
    url = reverse("image-member-remove", args=[call.id, call.keys["member"]])
    return [
        Action("remove", _("Take back"), "user-minus", url, why=gate(call.actor, "delete_member", call.row), risk=True)
    ]


ADD_MEMBER = FormDialog(
    panel="images",
    find=find,
    title=gettext_lazy("Share %(name)s with a project"),
    submit=gettext_lazy("Share"),
    hint=gettext_lazy("The project is asked: once it accepts, the image stands among its own."),
    form=MemberForm,
    places=((members.AlreadyMember, "project"),),
    do=add_member,
    next=to("image-tab", "id", tab="members"),
)
MEMBER_MENU = Menu(panel="images", find=find, actions=member_verbs)
REMOVE_MEMBER = Confirm(
    panel="images",
    find=find,
    title=gettext_lazy("Take %(name)s back?"),
    text=gettext_lazy("The project no longer has the image. Its instances go on running."),
    submit=gettext_lazy("Take back"),
    do=lambda call: members.remove(call.actor, image_id=call.id, member_id=call.keys["member"]),
    next=to("image-tab", "id", tab="members"),
)
ANSWER = Verb(
    panel="images",
    do=lambda call: members.set_status(
        call.actor, image_id=call.id, member_id=call.actor.project_id or "", status=call.keys["answer"]
    ),
    next=leave("images-shared", "image"),
)
