"""RBAC policies: which network is open to which other project, and as what."""

from collections.abc import Sequence

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from networking.networks.models import EXTERNAL, SHARE, Network, NetworkGrant
from networking.rbac import services
from portal.netadmin.everywhere import choosable, projects
from portal.ui import Text
from portal.ui.calls import Call, to
from portal.ui.dialogs import FormDialog, choices
from portal.ui.forms import Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, Menu, gate
from portal.ui.removal import Removal
from portal.ui.tables import Bulk, Cell, Column, Filter, Row

EVERYONE = "*"
ACTIONS: list[tuple[str, Text]] = [
    (SHARE, gettext_lazy("Use it as its own")),
    (EXTERNAL, gettext_lazy("Use it as external network")),
]


class Policies(ListPanel):
    panel, kind, order = "rbac-policies", "rbac_policy", ("network__name", "id")
    search = ("network__name", "id", "target_project")
    columns = (
        Column(gettext_lazy("Object"), sort="network__name"),
        Column(gettext_lazy("Object type"), hide="m"),
        Column(gettext_lazy("Project"), hide="m"),
        Column(gettext_lazy("May")),
        Column(gettext_lazy("Target project")),
        Column("ID", hide="l"),
    )
    filters = (
        Filter("object", gettext_lazy("Object"), "network__name"),
        Filter("action", gettext_lazy("May"), choices=ACTIONS),
    )
    new = New(gettext_lazy("Create RBAC policy"), "rbac-create", "create_rbac_policy")
    empty = Empty(
        gettext_lazy("No RBAC policies yet"),
        gettext_lazy("A policy opens one project's network to another project, or to all."),
        "openstack network rbac create --type network --action access_as_shared --target-project demo private",
    )

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("rbac-delete-all") + "?ids=", risk=True),)

    def query(self, actor: RequestContext) -> QuerySet[NetworkGrant]:
        policy.require(actor, "admin")
        return services.visible_to(actor).select_related("network")

    def rows(self, actor: RequestContext, found: Sequence[NetworkGrant]) -> list[Row]:
        names = projects({id for row in found for id in (row.project_id, row.target_project)})
        return [
            Row(
                row.pk, called(row), reverse("network", args=[row.network_id]), None,
                (Cell("text", _("Network")), Cell("text", names.get(row.project_id, "")),
                 Cell("text", dict(ACTIONS).get(row.action, row.action)),
                 Cell("text", _("every project") if row.target_project == EVERYONE
                      else names.get(row.target_project, row.target_project)), Cell("id", row.pk)),
                menu=reverse("rbac-menu", args=[row.pk]),
            )
            for row in found
        ]  # fmt: skip


def called(row: NetworkGrant) -> str:
    return row.network.name or row.network_id


def targets(call: Call) -> list[tuple[str, Text]]:
    everyone: tuple[str, Text] = (EVERYONE, _("every project"))
    return [everyone, *choosable(call)]


class EditForm(Styled):
    target = forms.ChoiceField(label=gettext_lazy("Target project"))


class CreateForm(EditForm):
    network = forms.ChoiceField(label=gettext_lazy("Network"))
    action = forms.ChoiceField(label=gettext_lazy("May"), choices=ACTIONS)
    field_order = ("network", "action", "target")


def create(call: Call, network: str, action: str, target: str) -> NetworkGrant:
    return services.create(call.actor, object_type="network", object_id=network, action=action, target_tenant=target)


def verbs(call: Call) -> list[Action]:
    change, remove = (gate(call.actor, f"{verb}_rbac_policy", call.row) for verb in ("update", "delete"))
    return [
        Action("edit", _("Edit"), "pencil", reverse("rbac-edit", args=[call.id]), why=change),
        Action("delete", _("Delete"), "trash", reverse("rbac-delete", args=[call.id]), why=remove, risk=True),
    ]


CREATE = FormDialog(
    panel="rbac-policies",
    title=gettext_lazy("Create RBAC policy"),
    submit=gettext_lazy("Create"),
    form=CreateForm,
    choices={
        "network": lambda call: choices(Network.objects.visible_to(call.actor).order_by("name")),
        "target": targets,
    },
    places=((services.DuplicateRbacPolicy, "target"),),
    do=lambda call, values: create(call, **values),
    next=to("rbac-policies"),
)
EDIT = FormDialog(
    panel="rbac-policies",
    find=services.find,
    name=called,
    title=gettext_lazy("Edit the RBAC policy of %(name)s"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=lambda call: {"target": call.row.target_project},
    choices={"target": targets},
    places=((services.DuplicateRbacPolicy, "target"), (services.RbacPolicyInUse, "target")),
    do=lambda call, values: services.update(call.actor, call.id, target_tenant=values["target"]),
    next=to("rbac-policies"),
)
MENU = Menu(panel="rbac-policies", find=services.find, actions=verbs)
DELETE = Removal(
    panel="rbac-policies",
    find=services.find,
    name=called,
    route="rbac-policies",
    one=gettext_lazy("Delete the policy"),
    bulk=gettext_lazy("Delete the policies"),
    text=gettext_lazy("The project no longer sees the network. It is refused while it has ports there."),
    about=lambda row: row.target_project,
    remove=lambda call, id: services.delete(call.actor, id),
)
