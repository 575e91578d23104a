"""Importing a namespace of metadata definitions, changing who sees it and what it is for, and deleting it."""

import json
from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from images.images.errors import ReadOnly
from images.metadefs import schemas, services
from images.metadefs.models import RESOURCE_TYPE, Namespace
from openstackapi import bodies
from portal.metadefs.views import title_of
from portal.ui.calls import Call, to, to_made
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Json, Pairs, Styled, Ticked
from portal.ui.removal import Removal

MOST = 1024 * 1024  # bytes of a file; the largest of Glance's own has 60 KB


#: What a document looks like: shown where one is pasted.
EXAMPLE = {
    "namespace": "Example::Disk",
    "display_name": "Disk",
    "resource_type_associations": [{"name": "OS::Glance::Image"}],
    "properties": {"hw_disk_bus": {"title": "Disk bus", "type": "string", "enum": ["virtio", "scsi"]}},
}


class ShownForm(Styled):
    public = forms.BooleanField(label=gettext_lazy("Public"), required=False)
    protected = forms.BooleanField(
        label=gettext_lazy("Protected"), required=False, help_text=gettext_lazy("It cannot be deleted while it is.")
    )


class ImportForm(ShownForm):
    file = forms.FileField(label=gettext_lazy("File"), required=False)
    text = Json(
        label=gettext_lazy("Or its JSON"),
        required=False,
        help_text=gettext_lazy(
            "As Glance writes it: a namespace, what it is for, and its properties with their types."
        ),
    )
    field_order = ("file", "text", "public", "protected")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].widget.attrs["placeholder"] = json.dumps(EXAMPLE, indent=2)

    def clean(self) -> dict[str, object]:
        """Keep the namespace's document as `text`, from wherever it came."""
        found = super().clean() or {}
        file = found.get("file")
        if file and found.get("text"):
            self.add_error("text", _("Choose a file or paste its JSON, not both."))
        elif isinstance(file, UploadedFile):
            found["text"] = self.of_file(file)
        elif not found.get("text") and "text" not in self.errors:
            self.add_error("text", _("Choose a file, or paste its JSON."))
        return found

    def of_file(self, file: "UploadedFile[bytes]") -> object:
        """Read the document in a file; None where it is none, which is said at the field."""
        try:
            if (file.size or 0) > MOST:
                raise ValidationError(_("The file is larger than 1 MiB."))
            return Json().clean(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.add_error("file", _("The file is no text."))
        except ValidationError as error:
            self.add_error("file", error)
        return None


#: Lists of a namespace whose parts have what only Glance writes.
_PARTS = ("objects", "tags", "resource_type_associations")


def plain(document: Mapping[str, object]) -> dict[str, object]:
    """Leave out what only Glance writes (times, links), so that what one cloud shows can be imported into another."""

    def own(one: object) -> object:
        return (
            {key: value for key, value in one.items() if key not in schemas.READ_ONLY} if isinstance(one, dict) else one
        )

    kept = {key: value for key, value in document.items() if key not in schemas.READ_ONLY}
    for name in _PARTS:
        part = kept.get(name)
        if isinstance(part, list):
            kept[name] = [own(one) for one in part]
    return kept


def import_namespace(call: Call, values: dict[str, object]) -> Namespace:
    """Create the namespace that a document describes. Raises: SchemaRefused, DuplicateDefinition, Forbidden."""
    text = values["text"]
    assert isinstance(text, dict)
    body = plain(text) | {"visibility": seen(values), "protected": bool(values["protected"])}
    bodies.validate(body, schemas.NAMESPACE)
    return services.create_namespace(call.actor, cast(services.NamespaceBody, body))


def seen(values: Mapping[str, object]) -> str:
    return "public" if values["public"] else "private"


IMPORT = FormDialog(
    panel="metadata-definitions",
    title=gettext_lazy("Import namespace"),
    submit=gettext_lazy("Import"),
    form=ImportForm,
    initial=lambda call: {"public": True},
    places=tuple((kind, "text") for kind in (bodies.SchemaRefused, services.DuplicateDefinition, ReadOnly)),
    do=import_namespace,
    next=to_made("metadata-definition"),
)


class EditForm(ShownForm):
    display_name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=80)
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=500)
    field_order = ("display_name", "description", "public", "protected")


def edit(call: Call, values: dict[str, object]) -> Namespace:
    """Change what a namespace is called, who sees it, and whether it may be deleted."""
    body: services.NamespaceBody = {
        "namespace": call.id,
        "visibility": seen(values),
        "protected": bool(values["protected"]),
        "display_name": str(values["display_name"]) or None,
        "description": str(values["description"]) or None,
    }
    return services.update_namespace(call.actor, call.id, body)


EDIT = FormDialog(
    panel="metadata-definitions",
    find=services.find,
    title=gettext_lazy("Edit %(name)s"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=lambda call: {
        "display_name": call.row.display_name or "", "description": call.row.description or "",
        "public": call.row.visibility == "public", "protected": call.row.protected,
    },
    do=edit,
    next=to("metadata-definition", "id"),
)  # fmt: skip


class TypesForm(Styled):
    types = Ticked(gettext_lazy("Resource types"))
    prefixes = Pairs(
        label=gettext_lazy("Prefixes"), required=False,
        help_text=gettext_lazy("One type=prefix a line: what stands before the keys on things of that type."),
    )  # fmt: skip

    def clean(self) -> dict[str, object]:
        found = super().clean() or {}
        other = sorted(set(found.get("prefixes") or ()) - set(found.get("types") or ()))
        if other:
            self.add_error("prefixes", _("%(name)s is not ticked above.") % {"name": other[0]})
        return found


def associations(call: Call) -> dict[str, dict[str, object]]:
    """Resource type → what is said of it, beside its name."""
    return {one.name: dict(one.data) for one in services.index(call.actor, call.id, RESOURCE_TYPE)}


def differences(call: Call, values: Mapping[str, Any]) -> tuple[list[str], list[dict[str, object]]]:
    """Find what makes the namespace be for exactly the types that are ticked: the names that go, the associations that come."""
    prefixes, have = values["prefixes"], associations(call)
    want = {}
    for name in values["types"]:
        want[name] = {key: value for key, value in have.get(name, {}).items() if key != "prefix"}
        if prefixes.get(name):
            want[name]["prefix"] = prefixes[name]
    new = [{"name": name, **said} for name, said in want.items() if have.get(name) != said]
    return [name for name in have if want.get(name) != have[name]], new


@transaction.atomic
def associate(call: Call, values: dict[str, Any]) -> None:
    """Make the namespace be for exactly the types that are ticked, with these prefixes."""
    gone, new = differences(call, values)
    for name in gone:
        services.delete(call.actor, call.id, RESOURCE_TYPE, name)
    for body in new:
        bodies.validate(body, schemas.ASSOCIATION)
        services.create(call.actor, call.id, RESOURCE_TYPE, body)


TYPES = FormDialog(
    panel="metadata-definitions",
    find=services.find,
    title=gettext_lazy("What %(name)s is for"),
    submit=gettext_lazy("Save"),
    form=TypesForm,
    initial=lambda call: {
        "types": list(have := associations(call)),
        "prefixes": {name: str(said["prefix"]) for name, said in have.items() if said.get("prefix")},
    },
    choices={"types": lambda call: [(name, name) for name in sorted(services.resource_types())]},
    places=((bodies.SchemaRefused, "prefixes"),),
    do=associate,
    next=to("metadata-definition", "id"),
)
DELETE = Removal(
    panel="metadata-definitions",
    find=services.find,
    route="metadata-definitions",
    text=gettext_lazy("What is defined in it goes with it. Keys that things have stay."),
    one=gettext_lazy("Delete the namespace"),
    bulk=gettext_lazy("Delete the namespaces"),
    about=title_of,
    remove=lambda call, id: services.delete_namespace(call.actor, id),
)
