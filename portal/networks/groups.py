"""Security groups and their rules."""

from collections.abc import Sequence

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from authorization.context import RequestContext
from networking.ports.models import Port, PortGroup
from networking.securitygroups import defaults, services
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from portal.networks import ports
from portal.networks.rules import RULES
from portal.servers.listing import names_of
from portal.ui.calls import Call, to_made, worded
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog, from_row
from portal.ui.forms import Description, Name, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.removal import Removal
from portal.ui.tables import Bulk, Cell, Column, Filter, Row, age


def described(group: SecurityGroup) -> str:
    """Return the group's description; that of a project's default group is translated for the reader."""
    return _("Default security group") if group.description == defaults.DESCRIPTION else group.description


class SecurityGroups(ListPanel):
    panel, kind = "security-groups", "security_group"
    order = ("-is_default", "name", "id")
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Description"), hide="m"),
        Column(gettext_lazy("Rules"), "n"),
        Column(gettext_lazy("Ports"), "n", "m"),
        Column("ID", hide="l"),
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )
    filters = (Filter("name", gettext_lazy("Name")), Filter("id", "ID"))

    new = New(gettext_lazy("Create security group"), "security-group-create", "create_security_group")
    empty = Empty(
        gettext_lazy("No security groups yet"),
        gettext_lazy(
            "A security group says what may reach an instance, and what it may reach. The first instance brings the group “default”."
        ),
        "openstack security group create web",
    )

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("security-groups-delete") + "?ids=", risk=True),)

    def query(self, actor: RequestContext) -> QuerySet[SecurityGroup]:
        return SecurityGroup.objects.filter(project_id=actor.project_id or "")

    def rows(self, actor: RequestContext, found: Sequence[SecurityGroup]) -> list[Row]:
        ids = [group.pk for group in found]
        held = dict(
            SecurityGroupRule.objects.filter(group__in=ids).values_list("group_id").annotate(n=Count("pk")).order_by()
        )
        used = dict(PortGroup.objects.filter(group__in=ids).values_list("group_id").annotate(n=Count("pk")).order_by())
        return [
            Row(
                group.pk, group.name or group.pk, reverse("security-group", args=[group.pk]), None,
                (Cell("muted", described(group)), Cell("num", held.get(group.pk, 0)), Cell("num", used.get(group.pk, 0)),
                 Cell("id", group.pk),
                 age(group.created_at)),
                menu=reverse("security-group", args=[group.pk]) + "?menu=1",
            )
            for group in found
        ]  # fmt: skip


class GroupItem(ItemPage):
    panel, kind, template = "security-groups", "security_group", "networks/group.html"
    recorded = "service/network/security-groups"
    find = staticmethod(services.find)
    tabs = (("", gettext_lazy("Rules")), ("ports", gettext_lazy("What it touches")))

    def actions(self, actor: RequestContext, row: SecurityGroup) -> list[Action]:
        keep = _("Each project keeps its default group") if row.is_default and not actor.is_admin else ""
        manage = Action("rules", _("Manage rules"), "shield-lock", reverse("security-group", args=[row.pk]), "link")
        return [
            *([manage] if "menu" in self.request.GET else []),
            Action("edit", _("Edit"), "pencil", reverse("security-group-edit", args=[row.pk]),
                   why=gate(actor, "update_security_group", row)),
            Action("delete", _("Delete"), "trash", reverse("security-group-delete", args=[row.pk]),
                   why=gate(actor, "delete_security_group", row, keep), risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: SecurityGroup) -> Detail:
        held = list(Port.objects.filter(groups=row).select_related("network").prefetch_related("fixed_ips"))
        names = names_of(actor, held)
        text = ngettext("touches %(count)s port", "touches %(count)s ports", len(held)) % {"count": len(held)}
        links = [(name, reverse("instance", args=[id])) for id, name in sorted(names.items(), key=lambda one: one[1])]
        facts = [Cell("text", one) for one in (described(row), text) if one]
        return Detail(row.name or row.pk, facts=[*facts, Cell("links", links[:8])] if links else facts)

    def tab(self, actor: RequestContext, row: SecurityGroup, name: str) -> list[Card]:
        found = (
            Port.objects.filter(groups=row)
            .select_related("network")
            .prefetch_related("fixed_ips")
            .order_by("created_at")
        )
        facts = [
            ("ID", Cell("copy", row.pk)),
            (_("Default"), Cell("yes", row.is_default)),
            (_("Created"), Cell("when", row.created_at)),
            (_("Description"), Cell("text", described(row))),
        ]
        empty = _("No port is in it: its rules hold for nothing.")
        rows = ports.rows(actor, list(found))
        card = Card(_("Ports in it"), columns=ports.columns(_("Network")), rows=rows, empty=empty, name="ports")
        return [card, Card(_("Details"), pairs=facts, side=True, name="details")]

    def more(self, actor: RequestContext, row: SecurityGroup, tab: str) -> dict[str, object]:
        if tab:
            return {}
        call = Call(self.request, actor, RULES, {"id": row.pk})
        shown = {"form": RULES.filled(call), "title": worded(RULES.title, call), "submit": RULES.submit}
        return {**shown, "action": reverse("rules", args=[row.pk]), **RULES.context(call)}


class GroupForm(Styled):
    name = Name()
    description = Description()


CREATE = FormDialog(
    panel="security-groups",
    title=gettext_lazy("Create security group"),
    submit=gettext_lazy("Create"),
    form=GroupForm,
    do=lambda call, values: services.create(call.actor, **values),
    next=to_made("security-group"),
)
EDIT = FormDialog(
    panel="security-groups",
    find=services.find,
    title=gettext_lazy("Edit security group"),
    submit=gettext_lazy("Save"),
    form=GroupForm,
    initial=from_row,
    do=lambda call, values: services.update(call.actor, call.id, **values),
)
DELETE = Removal(
    panel="security-groups",
    find=services.find,
    route="security-groups",
    one=gettext_lazy("Delete the group"),
    bulk=gettext_lazy("Delete the groups"),
    text=gettext_lazy("Its rules go with it. It is refused while a port is in it."),
    remove=lambda call, id: services.delete(call.actor, id),
)
