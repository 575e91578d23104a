"""Server groups: which instances share a host, or must not."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from compute.servergroups import models, services
from compute.servergroups.models import ServerGroup
from compute.servers.models import Server
from portal.servers import listing
from portal.ui import Text
from portal.ui.calls import Call, to_made
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Name, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.removal import Removal
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, age, joined

RULE = "os_compute_api:os-server-groups"
POLICIES: tuple[tuple[str, Text], ...] = (
    (models.AFFINITY, gettext_lazy("affinity: all on one host")),
    (models.ANTI_AFFINITY, gettext_lazy("anti-affinity: each on another host")),
    (models.SOFT_AFFINITY, gettext_lazy("soft affinity: on one host, as long as it has room")),
    (models.SOFT_ANTI_AFFINITY, gettext_lazy("soft anti-affinity: on other hosts, as long as there are some")),
)


def rule_of(group: ServerGroup) -> Text:
    """Say how many of the group one host may have, where it says so itself."""
    most = group.rules.get("max_server_per_host")
    return _("at most %(count)s a host") % {"count": most} if most else ""


class ServerGroups(ListPanel):
    panel, kind = "server-groups", "servergroup"
    columns: ClassVar[Sequence[Column]] = (
        Column(gettext_lazy("Name"), sort="name"),
        Column("ID", hide="l"),
        Column(gettext_lazy("Policy"), sort="policy"),
        Column(gettext_lazy("Members"), hide="m"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )
    filters: ClassVar[Sequence[Filter]] = (
        Filter("name", gettext_lazy("Name")),
        Filter("id", "ID"),
        Filter("policy", gettext_lazy("Policy"), choices=[(name, name) for name in models.POLICIES]),
    )
    new = New(gettext_lazy("Create server group"), "server-group-create", f"{RULE}:create")
    empty = Empty(
        gettext_lazy("No server groups yet"),
        gettext_lazy("A server group keeps its instances on one host, or on different ones so that a host that fails takes only one of them."),
        "openstack server group create --policy anti-affinity web",
    )  # fmt: skip

    def query(self, actor: RequestContext) -> QuerySet[ServerGroup]:
        return services.visible(actor)

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("server-groups-delete") + "?ids=", risk=True),)

    def rows(self, actor: RequestContext, found: Sequence[ServerGroup]) -> list[Row]:
        names = member_names(found)
        return [
            Row(
                group.pk, group.name, reverse("server-group", args=[group.pk]), None,
                (Cell("copy", group.pk), Cell("text", group.policy, note=rule_of(group)),
                 Cell("text", joined(names[group.pk]) or "–"), age(group.created_at)),
                menu=reverse("server-group", args=[group.pk]) + "?menu=1",
            )
            for group in found
        ]  # fmt: skip


def member_names(groups: Sequence[ServerGroup]) -> Mapping[str, list[str]]:
    """Group id → names of its living members. Two queries."""
    members = services.members([group.pk for group in groups])
    every = {id for ids in members.values() for id in ids}
    names = dict(Server.objects.filter(pk__in=every).values_list("pk", "name")) if every else {}
    return {group: [names[id] for id in ids] for group, ids in members.items()}


class ServerGroupItem(ItemPage):
    panel, kind = "server-groups", "servergroup server"
    recorded = "service/compute/os-server-groups"
    find = staticmethod(services.find)

    def actions(self, actor: RequestContext, row: ServerGroup) -> list[Action]:
        launch = f"{reverse('launch')}?server_group={row.pk}"
        return [
            Action("launch", _("Launch into it"), "rocket", launch, "link",
                   gate(actor, "os_compute_api:servers:create", actor.project_id)),
            Action("delete", _("Delete"), "trash", reverse("server-group-delete", args=[row.pk]),
                   why=gate(actor, f"{RULE}:delete", row), risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: ServerGroup) -> Detail:
        pairs = [
            ("ID", Cell("copy", row.pk)),
            (_("Policy"), Cell("text", dict(POLICIES).get(row.policy, row.policy))),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if rule_of(row):
            pairs.append((_("Rule"), Cell("text", rule_of(row))))
        shows_hosts = policy.allows(actor, "os_compute_api:os-extended-server-attributes")
        columns = [Column(_("Name")), Column(_("Status")), *([Column(_("Host"), hide="m")] if shows_hosts else [])]
        found = listing.rows(Server.objects.living().filter(server_group_id=row.pk).order_by("created_at"))
        members = [
            Row(
                one["id"], one["name"], reverse("instance", args=[one["id"]]), one["st"],
                [Cell("status", one["st"]), *([Cell("mono", one["host"])] if shows_hosts else [])],
            )
            for one in found
        ]  # fmt: skip
        empty = _("No members yet: an instance joins a group when it is launched.")
        cards = [
            Card(_("Members"), columns=columns, rows=members, empty=empty, name="members"),
            Card(_("Details"), pairs=pairs, name="details", side=True),
        ]
        return Detail(row.name, cards=cards)


class CreateForm(Styled):
    name = Name()
    policy = forms.ChoiceField(label=gettext_lazy("Policy"), choices=POLICIES)
    most = forms.IntegerField(
        label=gettext_lazy("Most on one host"), required=False, min_value=1, max_value=1000,
        help_text=gettext_lazy("For anti-affinity only. Empty: one."),
    )  # fmt: skip


def create(call: Call, name: str, policy: str, most: int | None) -> ServerGroup:
    rules = {"max_server_per_host": most} if most else {}
    return services.create(call.actor, name=name, policy_name=policy, rules=rules)


CREATE = FormDialog(
    panel="server-groups",
    title=gettext_lazy("Create server group"),
    submit=gettext_lazy("Create"),
    form=CreateForm,
    initial=lambda call: {"policy": models.ANTI_AFFINITY, "name": call.request.GET.get("name", "")},
    places=((services.RulesOfOthers, "most"),),
    do=lambda call, values: create(call, **values),
    next=to_made("server-group"),
)
DELETE = Removal(
    panel="server-groups",
    find=services.find,
    route="server-groups",
    one=gettext_lazy("Delete the server group"),
    bulk=gettext_lazy("Delete the server groups"),
    text=gettext_lazy("Its instances stay where they are, and are in no group then."),
    about=lambda row: row.policy,
    remove=lambda call, id: services.delete(call.actor, group_id=id),
)
