"""Security groups and their rules."""

from typing import Any

from django import forms
from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from networking.ports.models import PortGroup
from networking.securitygroups import defaults, rules, services
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from portal.ui import Text
from portal.ui.calls import Call, to, to_made
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import Delete, FormDialog, from_row
from portal.ui.forms import Description, Name, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, Menu, Verb, gate
from portal.ui.tables import Cell, Column, Row, age

#: Presets of the rule dialog: name → (label, protocol, first port, last port).
PRESETS: dict[str, tuple[Text, str | None, int | None, int | None]] = {
    "ssh": ("SSH (22)", "tcp", 22, 22),
    "http": ("HTTP (80)", "tcp", 80, 80),
    "https": ("HTTPS (443)", "tcp", 443, 443),
    "dns": ("DNS (53/udp)", "udp", 53, 53),
    "ping": (gettext_lazy("Ping (ICMP)"), "icmp", None, None),
    "tcp": (gettext_lazy("TCP, chosen ports"), "tcp", None, None),
    "udp": (gettext_lazy("UDP, chosen ports"), "udp", None, None),
    "any": (gettext_lazy("Everything"), None, None, None),
}


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
        Column(gettext_lazy("Age"), "n", "m", "created_at"),
    )

    new = New(gettext_lazy("Create security group"), "security-group-create", "create_security_group")
    empty = Empty(
        gettext_lazy("No security groups yet"),
        gettext_lazy("A security group says what may reach an instance, and what it may reach."),
        "openstack security group create web",
    )

    def query(self, actor: RequestContext) -> Any:
        if actor.project_id:
            defaults.ensure_default(actor.project_id)
        return SecurityGroup.objects.filter(project_id=actor.project_id or "")

    def rows(self, actor: RequestContext, found: Any) -> list[Row]:
        ids = [group.pk for group in found]
        held = dict(
            SecurityGroupRule.objects.filter(group__in=ids).values_list("group_id").annotate(n=Count("pk")).order_by()
        )
        used = dict(PortGroup.objects.filter(group__in=ids).values_list("group_id").annotate(n=Count("pk")).order_by())
        return [
            Row(
                group.pk, group.name or group.pk, reverse("security-group", args=[group.pk]), None,
                (Cell("muted", described(group)), Cell("num", held.get(group.pk, 0)), Cell("num", used.get(group.pk, 0)),
                 age(group.created_at)),
                menu=reverse("security-group", args=[group.pk]) + "?menu=1",
            )
            for group in found
        ]  # fmt: skip


def words(rule: SecurityGroupRule) -> tuple[str, str]:
    """(ports, remote) as people say them."""
    low, high = rule.port_range_min, rule.port_range_max
    if rule.protocol.startswith(("icmp", "ipv6-icmp")):
        ports = _("any") if low is None else f"{low}/{high if high is not None else _('any')}"
    else:
        ports = _("any") if low is None else str(low) if low == high else f"{low}–{high}"
    if rule.remote_group_id and rule.remote_group is not None:
        return ports, _("group %(name)s") % {"name": rule.remote_group.name}
    return ports, rule.remote_ip_prefix or _("anywhere")


class GroupItem(ItemPage):
    panel, kind = "security-groups", "security_group"
    find = staticmethod(services.find)

    def actions(self, actor: RequestContext, row: SecurityGroup) -> list[Action]:
        keep = _("Each project keeps its default group") if row.is_default and not actor.is_admin else ""
        return [
            Action("add-rule", _("Add rule"), "plus", reverse("rule-create", args=[row.pk]),
                   why=gate(actor, "create_security_group_rule", row)),
            Action("edit", _("Edit"), "pencil", reverse("security-group-edit", args=[row.pk]),
                   why=gate(actor, "update_security_group", row)),
            Action("delete", _("Delete"), "trash", reverse("security-group-delete", args=[row.pk]),
                   why=gate(actor, "delete_security_group", row, keep), risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: SecurityGroup) -> Detail:
        found = row.rules.select_related("remote_group").order_by(
            "-direction", "ethertype", "protocol", "port_range_min"
        )
        rows = []
        for rule in found:
            ports, remote = words(rule)
            way = _("in") if rule.direction == "ingress" else _("out")
            rows.append(
                Row(
                    rule.pk, way, "", None,
                    (Cell("text", rule.ethertype), Cell("text", rule.protocol or _("any")), Cell("text", ports),
                     Cell("mono", remote), Cell("muted", rule.description)),
                    menu=reverse("rule-menu", args=[row.pk, rule.pk]),
                )
            )  # fmt: skip
        columns = (
            Column(_("Direction")), Column(_("Kind"), hide="m"), Column(_("Protocol")), Column(_("Ports")),
            Column(_("Remote")), Column(_("Description"), hide="m"),
        )  # fmt: skip
        cards = [
            Card(_("Rules"), columns=columns, rows=rows, empty=_("No rules: nothing gets in or out."), name="rules")
        ]
        facts = [
            (_("Default"), Cell("yes", row.is_default)),
            (_("Ports in it"), Cell("num", PortGroup.objects.filter(group=row).count())),
            (_("Created"), Cell("when", row.created_at)),
        ]
        if row.description:
            facts.append((_("Description"), Cell("text", described(row))))
        return Detail(row.name or row.pk, cards=[*cards, Card(_("Details"), pairs=facts, side=True)])


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
    submit=gettext_lazy("Keep"),
    form=GroupForm,
    initial=from_row,
    do=lambda call, values: services.update(call.actor, call.id, **values),
)
DELETE = Delete(
    panel="security-groups",
    find=services.find,
    text=gettext_lazy("Its rules go with it. It is refused while a port is in it."),
    submit=gettext_lazy("Delete the group"),
    do=lambda call: services.delete(call.actor, call.id),
    next=to("security-groups"),
)


# ── Rules ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class RuleForm(Styled):
    preset = forms.ChoiceField(label=gettext_lazy("What"), choices=[(name, row[0]) for name, row in PRESETS.items()])
    first = forms.IntegerField(label=gettext_lazy("First port"), min_value=1, max_value=65535, required=False)
    last = forms.IntegerField(label=gettext_lazy("Last port"), min_value=1, max_value=65535, required=False)
    direction = forms.ChoiceField(
        label=gettext_lazy("Direction"),
        choices=[
            ("ingress", gettext_lazy("In: what may reach it")),
            ("egress", gettext_lazy("Out: what it may reach")),
        ],
    )
    ethertype = forms.ChoiceField(label=gettext_lazy("Kind"), choices=[("IPv4", "IPv4"), ("IPv6", "IPv6")])
    prefix = forms.CharField(  # type: ignore[assignment]  # the name that the address has; no form here has a prefix
        label=gettext_lazy("From or to"),
        required=False,
        help_text=gettext_lazy("A network such as 10.0.0.0/8; empty: anywhere."),
    )
    group = forms.ChoiceField(label=gettext_lazy("Or a group"), required=False)
    description = Description()


def others(call: Call) -> list[tuple[str, Text]]:
    """List the groups of the project that a rule can name."""
    found = SecurityGroup.objects.filter(project_id=call.row.project_id).order_by("name")
    return [("", _("None")), *((row.pk, row.name) for row in found)]


def add_rule(call: Call, values: dict[str, Any]) -> None:
    _label, protocol, low, high = PRESETS[values["preset"]]
    if values["preset"] in ("tcp", "udp"):
        low, high = values["first"], values["last"] or values["first"]
    rules.create(
        call.actor, security_group_id=call.id, direction=values["direction"], ethertype=values["ethertype"],
        protocol="ipv6-icmp" if protocol == "icmp" and values["ethertype"] == "IPv6" else protocol,
        port_range_min=low, port_range_max=high, description=values["description"],
        remote_ip_prefix=values["prefix"].strip() or None, remote_group_id=values["group"] or None,
    )  # fmt: skip


def rule_verbs(call: Call) -> list[Action]:
    group = services.find(call.actor, call.keys["id"])
    why = gate(call.actor, "delete_security_group_rule", group)
    url = reverse("rule-delete", args=[group.id, call.id])
    return [Action("delete-rule", _("Delete rule"), "trash", url, "post", why, risk=True)]


ADD_RULE = FormDialog(
    panel="security-groups",
    find=services.find,
    title=gettext_lazy("Add rule"),
    submit=gettext_lazy("Add"),
    form=RuleForm,
    choices={"group": others},
    do=add_rule,
    next=to("security-group", "id"),
)
RULE_MENU = Menu(panel="security-groups", key="rule", actions=rule_verbs)
DELETE_RULE = Verb(panel="security-groups", key="rule", do=lambda call: rules.delete(call.actor, call.id))
