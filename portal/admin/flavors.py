"""Flavors: the sizes of instances."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.units import human_mib
from compute.flavors import services as flavors
from portal.ui.calls import Call, to
from portal.ui.dialogs import Delete, FormDialog
from portal.ui.forms import Name, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, Menu, gate
from portal.ui.tables import Cell, Column, attr


class Flavors(ListPanel):
    panel, kind, menu = "flavors", "flavor", "flavor-menu"
    order = ("ram", "vcpus", "name")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column("vCPUs", "n", sort="vcpus", cell=attr("num", "vcpus")),
        Column(gettext_lazy("Memory"), "n", sort="ram", cell=lambda row: Cell("num", human_mib(row.ram))),
        Column(gettext_lazy("Disk"), "n", sort="disk", cell=lambda row: Cell("num", f"{row.disk} GiB")),
        Column(gettext_lazy("Public"), hide="m", cell=attr("yes", "is_public")),
        Column("ID", hide="m", cell=attr("id", "pk")),
    )
    new = New(
        gettext_lazy("Create flavor"),
        "flavor-create",
        "os_compute_api:os-flavor-manage:create",
        target=lambda actor: None,
    )
    empty = Empty(gettext_lazy("No flavors yet"), gettext_lazy("A flavor is a size: vCPUs, memory, disk."))

    def query(self, actor: RequestContext) -> Any:
        return flavors.visible(actor)

    def create(self, actor: RequestContext) -> Action | None:
        return super().create(actor) if actor.is_admin else None


def verbs(call: Call) -> list[Action]:
    why = gate(call.actor, "os_compute_api:os-flavor-manage:delete", None)
    launch = reverse("launch") + f"?flavor={call.row.pk}"
    return [
        Action("launch", _("Launch with it"), "rocket", launch, "link"),
        Action("delete", _("Delete"), "trash", reverse("flavor-delete", args=[call.row.pk]), why=why, risk=True),
    ]


MENU = Menu(panel="flavors", find=flavors.find, actions=verbs)


class FlavorForm(Styled):
    name = Name()
    vcpus = forms.IntegerField(label="vCPUs", min_value=1, initial=1)
    ram = forms.IntegerField(label=gettext_lazy("Memory, MiB"), min_value=1, initial=512)
    disk = forms.IntegerField(label=gettext_lazy("Disk, GiB"), min_value=0, initial=5)
    is_public = forms.BooleanField(label=gettext_lazy("For every project"), required=False, initial=True)


CREATE = FormDialog(
    panel="flavors",
    title=gettext_lazy("Create flavor"),
    submit=gettext_lazy("Create"),
    form=FlavorForm,
    initial=lambda call: {name: field.initial for name, field in FlavorForm.base_fields.items()},
    do=lambda call, values: flavors.create(call.actor, **values),
    next=to("flavors"),
)
DELETE = Delete(
    panel="flavors",
    find=flavors.find,
    text=gettext_lazy("Instances keep the size they have."),
    submit=gettext_lazy("Delete the flavor"),
    do=lambda call: flavors.delete(call.actor, flavor_id=call.id),
    next=to("flavors"),
)
