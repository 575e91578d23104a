"""Networks, routers and floating IPs of every project, and making one for a project."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from identity.models import Project
from networking.floatingips.models import FloatingIP
from networking.networks import segments
from networking.networks.models import KINDS, Network
from networking.routers.models import Router
from portal.networks import floatingips, network_dialogs, networks, router_dialogs, routers
from portal.networks.fields import MONO, at
from portal.ui.calls import Call, to, to_made
from portal.ui.dialogs import FormDialog
from portal.ui.lists import ListPanel, New
from portal.ui.tables import Cell, Column, Filter, Row


def projects(ids: set[str]) -> dict[str, str]:
    """Project id → name."""
    return dict(Project.objects.filter(pk__in=ids).values_list("pk", "name"))


def choosable(call: Call) -> list[tuple[str, str]]:
    """List the projects that something can be made for. Raises: Forbidden, for others than operators."""
    policy.require(call.actor, "admin")
    return list(Project.objects.filter(is_domain=False, enabled=True).order_by("name").values_list("pk", "name"))


class ByProject(Filter):
    """By a part of the project's name, or its id."""

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        named = Project.objects.filter(name__icontains=value).values("pk")
        return rows.filter(project_id__in=named) | rows.filter(project_id=value)


BY_PROJECT = ByProject("project", gettext_lazy("Project"))
PROJECT = Column(gettext_lazy("Project"), hide="m")


class Everywhere(ListPanel):
    """A list of every project's rows: with whose each is. It refuses others than operators.

    Those who see it find its rows in the palette by the project's list already.
    """

    in_palette = False

    def everything(self) -> QuerySet[Any]:
        raise NotImplementedError

    def query(self, actor: RequestContext) -> QuerySet[Any]:
        policy.require(actor, "admin")
        return self.everything()

    def rows(self, actor: RequestContext, found: Sequence[Any]) -> list[Row]:
        rows = super().rows(actor, found)
        names = projects({one.project_id for one in found})
        for row, one in zip(rows, found, strict=True):
            row.cells = (Cell("text", names.get(one.project_id, one.project_id[:13])), *row.cells)
        return rows


def with_project(columns: Sequence[Column]) -> tuple[Column, ...]:
    return (columns[0], PROJECT, *columns[1:])


class AllNetworks(Everywhere, networks.Networks):
    panel = "all-networks"
    columns: ClassVar[Sequence[Column]] = (
        *with_project(networks.Networks.columns), Column(gettext_lazy("DHCP agents"), "n", "l"),
    )  # fmt: skip
    filters = (BY_PROJECT, *networks.Networks.filters)
    new = New(gettext_lazy("Create network"), "all-network-create", "create_network", "wide")

    def everything(self) -> QuerySet[Network]:
        return Network.objects.all()

    def rows(self, actor: RequestContext, found: Sequence[Network]) -> list[Row]:
        rows = super().rows(actor, found)
        for row, one in zip(rows, found, strict=True):
            row.cells = (*row.cells, Cell("num", 1 if one.dhcp_host else 0))
        return rows


class AllRouters(Everywhere, routers.Routers):
    panel = "all-routers"
    columns: ClassVar[Sequence[Column]] = (
        *with_project(routers.Routers.columns), Column(gettext_lazy("Host"), hide="l", cell=lambda row: Cell("mono", row.host)),
    )  # fmt: skip
    filters = (BY_PROJECT, Filter("host", gettext_lazy("Host")), *routers.Routers.filters)
    new = New(gettext_lazy("Create router"), "all-router-create", "create_router")

    def everything(self) -> QuerySet[Router]:
        rows = Router.objects.select_related("gateway_port__network")
        return rows.prefetch_related("gateway_port__fixed_ips")


class AllFloatingIPs(Everywhere, floatingips.FloatingIPs):
    panel = "all-floating-ips"
    columns: ClassVar[Sequence[Column]] = with_project(floatingips.FloatingIPs.columns)
    filters = (BY_PROJECT, *floatingips.FloatingIPs.filters)
    new = New(gettext_lazy("Allocate floating IP"), "all-floating-ip-create", "create_floatingip")

    def everything(self) -> QuerySet[FloatingIP]:
        return FloatingIP.objects.select_related("network", "port")


# ── Made for a project ──────────────────────────────────────────────────────────────────────────────────────────────


class NetworkForm(network_dialogs.CreateForm):
    project = forms.ChoiceField(label=gettext_lazy("Project"))
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=[("", gettext_lazy("As the cloud does")), *((kind, kind) for kind in KINDS)],
    )
    physical = forms.CharField(
        label=gettext_lazy("Physical network"), required=False, max_length=64, widget=forms.TextInput(attrs=MONO)
    )
    segment = forms.IntegerField(
        label=gettext_lazy("Segment"),
        required=False,
        help_text=gettext_lazy("VLAN or VXLAN number. Empty: a free one."),
    )
    parts = (
        (*network_dialogs.CreateForm.parts[0][:2], ("name", "project", *network_dialogs.CreateForm.parts[0][2][1:])),
        ("provider", gettext_lazy("Provider"), ("kind", "physical", "segment")),
        *network_dialogs.CreateForm.parts[1:],
    )

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        with at(self, "kind"):
            segments.check(data.get("kind") or None, data.get("physical") or None, data.get("segment"))


class RouterForm(router_dialogs.CreateForm):
    project = forms.ChoiceField(label=gettext_lazy("Project"))
    field_order = ("name", "project", "description", "network", "enable_snat", "admin_state_up")


class AllocateForm(floatingips.AllocateForm):
    project = forms.ChoiceField(label=gettext_lazy("Project"))
    field_order = ("project",)


def without_interface(call: Call, form: forms.Form) -> None:
    """Ask for no subnet: those of a project that is only chosen here are not known yet."""
    del form.fields["subnet"]


CREATE_NETWORK = replace(
    network_dialogs.CREATE,
    panel="all-networks",
    form=NetworkForm,
    choices={**network_dialogs.CREATE.choices, "project": choosable},
    do=lambda call, values: network_dialogs.create(call.actor, network_dialogs.New(**values)),
)
CREATE_ROUTER = FormDialog(
    panel="all-routers",
    title=gettext_lazy("Create router"),
    submit=gettext_lazy("Create"),
    form=RouterForm,
    choices={name: router_dialogs.CREATE.choices[name] for name in ("network", "zones")} | {"project": choosable},
    prepare=without_interface,
    do=lambda call, values: router_dialogs.create(call, router_dialogs.New(**values)),
    next=to_made("router"),
)
ALLOCATE = replace(
    floatingips.ALLOCATE,
    panel="all-floating-ips",
    form=AllocateForm,
    choices={**floatingips.ALLOCATE.choices, "project": choosable},
    do=lambda call, values: floatingips.allocate(call, **values),
    next=to("all-floating-ips"),
    said=lambda row: _("%(ip)s is the project's") % {"ip": row.floating_ip_address},
)
