"""Creating and changing flavors: their sizes, who may use them, what else they promise."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.numbers import LARGEST
from compute.flavors import services as flavors
from identity.projects.services import PROJECTS
from portal.identity.project_dialogs import people
from portal.ui import Text
from portal.ui.calls import Call, to, to_made
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Name, Pairs, Stepped, Styled, Ticked
from portal.ui.removal import Removal


class Words(forms.CharField):
    """A flavor's description."""

    def __init__(self) -> None:
        super().__init__(label=gettext_lazy("Description"), required=False, max_length=65535)


def amount(label: Text, low: int, initial: int) -> forms.IntegerField:
    """Make a field of a size."""
    return forms.IntegerField(label=label, min_value=low, max_value=LARGEST, initial=initial)


class FlavorForm(Stepped):
    numbered = False
    name = Name()
    id = forms.RegexField(
        flavors.ID, label="ID", required=False, max_length=255, help_text=gettext_lazy("Nothing: the cloud makes one.")
    )
    description = Words()
    vcpus = amount("vCPUs", 1, 1)
    ram = amount(gettext_lazy("Memory, MiB"), 1, 512)
    disk = amount(gettext_lazy("Disk, GiB"), 0, 5)
    ephemeral = amount(gettext_lazy("Ephemeral disk, GiB"), 0, 0)
    swap = amount(gettext_lazy("Swap, MiB"), 0, 0)
    rxtx_factor = forms.FloatField(label=gettext_lazy("RX/TX factor"), min_value=0.01, initial=1.0)
    is_public = forms.BooleanField(label=gettext_lazy("For every project"), required=False, initial=True)
    projects = Ticked(gettext_lazy("Projects"))
    parts = (
        ("sizes", gettext_lazy("Sizes"),
         ("name", "id", "description", "vcpus", "ram", "disk", "ephemeral", "swap", "rxtx_factor")),
        ("access", gettext_lazy("Access"), ("is_public", "projects")),
    )  # fmt: skip

    def clean(self) -> dict[str, object]:
        found = super().clean() or {}
        if found.get("is_public") and found.get("projects"):
            self.add_error("projects", _("A flavor for every project is for these too: choose one or the other."))
        return found


@transaction.atomic
def create(call: Call, values: dict[str, Any]) -> object:
    """Create a flavor with the projects that may use it: both or none."""
    projects = values.pop("projects")
    asked = {**values, "id": values["id"] or None, "description": values["description"] or None}
    row = flavors.create(call.actor, **asked)
    for id in projects:
        flavors.add_access(call.actor, flavor_id=row.pk, project_id=id)
    return row


CREATE = FormDialog(
    panel="flavors",
    title=gettext_lazy("Create flavor"),
    submit=gettext_lazy("Create"),
    form=FlavorForm,
    initial=lambda call: {name: field.initial for name, field in FlavorForm.base_fields.items()},
    choices={"projects": lambda call: people(call.actor, PROJECTS)},
    places=((flavors.FlavorExists, "name"), (flavors.FlavorIdExists, "id")),
    do=create,
    next=to_made("flavor"),
)


class DescriptionForm(Styled):
    description = Words()


EDIT = FormDialog(
    panel="flavors",
    find=flavors.find,
    title=gettext_lazy("Edit flavor"),
    submit=gettext_lazy("Save"),
    hint=gettext_lazy("Sizes stay as they are: instances have been made with them."),
    form=DescriptionForm,
    initial=lambda call: {"description": call.row.description or ""},
    do=lambda call, values: flavors.update(
        call.actor, flavor_id=call.id, description=values["description"] or None
    ),
    next=to("flavor", "id"),
)  # fmt: skip


class AccessForm(Styled):
    projects = Ticked(gettext_lazy("Projects"))


def allowed(call: Call) -> list[str]:
    return flavors.access(call.actor, flavor_id=call.id)


ACCESS = FormDialog(
    panel="flavors",
    find=flavors.find,
    title=gettext_lazy("Who may use %(name)s"),
    submit=gettext_lazy("Save"),
    form=AccessForm,
    initial=lambda call: {"projects": allowed(call)},
    choices={"projects": lambda call: people(call.actor, PROJECTS, allowed(call))},
    do=lambda call, values: flavors.replace_access(call.actor, flavor_id=call.id, project_ids=values["projects"]),
    next=to("flavor", "id"),
)


class Specs(Pairs):
    """Extra specs, a line each."""

    def clean(self, value: object) -> dict[str, str]:
        found = super().clean(value)
        for name, text in found.items():
            if not flavors.may_name_spec(name):
                raise ValidationError(_("No extra spec can be called %(name)s."), params={"name": name})
            if len(text) > flavors.SPEC_VALUE_LIMIT:
                raise ValidationError(_("The value of %(name)s is too long."), params={"name": name})
        return found


class MetadataForm(Styled):
    extra_specs = Specs(
        label=gettext_lazy("Extra specs"), required=False,
        help_text=gettext_lazy("One name=value a line, such as hw:cpu_policy=dedicated. What is taken away is removed."),
    )  # fmt: skip


METADATA = FormDialog(
    panel="flavors",
    find=flavors.find,
    title=gettext_lazy("Metadata of %(name)s"),
    submit=gettext_lazy("Save"),
    hint=gettext_lazy("Instances that exist keep what they were made with."),
    form=MetadataForm,
    initial=lambda call: {"extra_specs": dict(sorted(call.row.extra_specs.items()))},
    places=((flavors.InvalidSpec, "extra_specs"),),
    do=lambda call, values: flavors.replace_extra_specs(
        call.actor, flavor_id=call.id, specs=values["extra_specs"]
    ),
    next=to("flavor", "id"),
)  # fmt: skip
DELETE = Removal(
    panel="flavors",
    find=flavors.find,
    route="flavors",
    text=gettext_lazy("Instances keep the size they have."),
    one=gettext_lazy("Delete the flavor"),
    bulk=gettext_lazy("Delete the flavors"),
    about=lambda row: row.pk,
    remove=lambda call, id: flavors.delete(call.actor, flavor_id=id),
)
