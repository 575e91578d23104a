"""The rules of a security group as two tables that are edited and saved as a whole: what is saved is the difference."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.errors import CloudError
from hostagent.contract import inet
from networking.securitygroups import protocols, rules, services
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule, normalized
from openstackapi.client import address_of
from portal.ui import Text
from portal.ui.calls import Call, to
from portal.ui.dialogs import FormDialog
from portal.ui.menus import gate
from portal.ui.widgets import LinesWidget

ANY_ONE = ("", "0.0.0.0/0", "::/0")
INGRESS, EGRESS = "ingress", "egress"
#: In front of all others, for most rules are of these.
USUAL = ("tcp", "udp", "icmp")
RANGE = re.compile(r"(\d{1,5})(?:[-/:](\d{1,5}))?\Z")
MOST = 500

Line = dict[str, str]


@dataclass(frozen=True)
class Preset:
    """A chip that adds a line. `fill`: part of the line → its value."""

    label: Text
    fill: Mapping[str, str]

    @property
    def filled(self) -> str:
        return json.dumps(dict(self.fill))


PRESETS = {
    INGRESS: (
        Preset("SSH", {"protocol": "tcp", "ports": "22"}),
        Preset("HTTP", {"protocol": "tcp", "ports": "80"}),
        Preset("HTTPS", {"protocol": "tcp", "ports": "443"}),
        Preset(gettext_lazy("Ping"), {"protocol": "icmp", "ports": ""}),
        Preset(gettext_lazy("SSH from my address"), {"protocol": "tcp", "ports": "22", "remote": "mine"}),
    ),
    EGRESS: (
        Preset(gettext_lazy("Everything"), {"protocol": "", "ports": ""}),
        Preset("HTTP, HTTPS", {"protocol": "tcp", "ports": "80, 443"}),
        Preset("DNS", {"protocol": "udp", "ports": "53"}),
    ),
}


@dataclass(frozen=True)
class Wanted:
    """One rule as the service has it."""

    match: rules.Match
    description: str

    @property
    def key(self) -> tuple[object, ...]:
        """Same for rules that let the same packets pass and say the same."""
        match = self.match
        cidr = normalized(match.prefix)
        number = protocols.number(match.protocol)
        where = "" if cidr in ANY_ONE else cidr
        ports = (match.low, match.high)
        return match.direction, match.ethertype, number, ports, where, match.remote_group, self.description

    @classmethod
    def of(cls, rule: SecurityGroupRule) -> "Wanted":
        match = rules.Match(
            rule.direction, rule.ethertype, rule.protocol, rule.port_range_min, rule.port_range_max, rule.remote_ip_prefix,
            rule.remote_group_id,
        )  # fmt: skip
        return cls(match, rule.description)


# ── From rules to lines ─────────────────────────────────────────────────────────────────────────────────────────────


def lines_of(found: Iterable[SecurityGroupRule]) -> list[Line]:
    """Rules that differ in their ports alone are one line; so are those of IPv4 and IPv6 that say the same."""
    ports: dict[tuple[str, str, str, str], list[tuple[int, str]]] = {}
    for rule in found:
        remote = rule.remote_group_id or ("" if rule.remote_ip_prefix in ANY_ONE else rule.remote_ip_prefix)
        key = (_protocol(rule), remote, rule.description, rule.ethertype)
        ports.setdefault(key, []).append((rule.port_range_min or 0, _ports(rule)))
    lines: dict[tuple[str, str, str, str], str] = {}
    for (protocol, remote, description, family), several in ports.items():
        text = ", ".join(text for _low, text in sorted(several))
        same = (protocol, remote, description, text)
        lines[same] = "" if same in lines else family
    return [_line(*key, family) for key, family in lines.items()]


def _line(protocol: str, remote: str, description: str, ports: str, family: str) -> Line:
    is_range = "." in remote or ":" in remote
    return {
        "protocol": protocol,
        "ports": ports,
        "remote": "cidr" if is_range else remote,
        "cidr": remote if is_range else "",
        "family": family,
        "description": description,
    }


def _protocol(rule: SecurityGroupRule) -> str:
    number = protocols.number(rule.protocol)
    if number in protocols.ICMP and (number == 58) == (rule.ethertype == "IPv6"):
        return "icmp"
    return rule.protocol if number in protocols.ICMP else protocols.NAMES.get(number or 0, rule.protocol)


def _ports(rule: SecurityGroupRule) -> str:
    low, high = rule.port_range_min, rule.port_range_max
    if low is None:
        return _("any") if protocols.number(rule.protocol) in protocols.WITH_PORTS else ""
    if protocols.number(rule.protocol) in protocols.ICMP:
        return str(low) if high is None else f"{low}/{high}"
    return str(low) if low == high else f"{low}-{high}"


# ── From lines to rules ─────────────────────────────────────────────────────────────────────────────────────────────


def rules_of(direction: str, line: Line, mine: str) -> list[Wanted]:
    """Read one line. `mine`: the reader's own address. Raises: ValidationError, CloudError."""
    remote = line["remote"]
    prefix = mine if remote == "mine" else line["cidr"].strip() if remote == "cidr" else ""
    group = remote if remote not in ("", "mine", "cidr") else None
    if remote == "cidr" and not prefix:
        raise ValidationError(_("Which network? One like 10.0.0.0/8, or an address."))
    spans = _spans(line["protocol"], line["ports"])
    found = []
    for low, high in spans:
        for family in _families(prefix, line["family"], line["protocol"]):
            match = rules.check(
                direction=direction, ethertype=family, protocol=line["protocol"] or None, port_range_min=low,
                port_range_max=high, remote_ip_prefix=prefix or None, remote_group_id=group,
            )  # fmt: skip
            found.append(Wanted(match, line["description"].strip()))
    return found


def _families(prefix: str, asked: str, protocol: str) -> Sequence[str]:
    if prefix:
        try:
            return (f"IPv{inet.ip_interface(prefix).version}",)
        except ValueError:
            raise ValidationError(
                _("“%(text)s” is no network such as 10.0.0.0/8, nor an address."), params={"text": prefix[:60]}
            ) from None
    if protocol in protocols.V6_ONLY:
        return ("IPv6",)
    return (asked,) if asked in ("IPv4", "IPv6") else ("IPv4", "IPv6")


def _spans(protocol: str, text: str) -> list[tuple[int | None, int | None]]:
    """(first, last) of each part; of ICMP (type, code). None: any."""
    words = [word for word in re.split(r"[,;，、\s]+", re.sub(r"\s*[-–]\s*", "-", text)) if word]
    number = protocols.number(protocol) if protocol else None
    is_any = [word for word in words if word.lower() in ("any", "*", str(_("any")))]
    if number not in protocols.WITH_PORTS and number not in protocols.ICMP:
        if words and not is_any:
            raise ValidationError(_("Only TCP, UDP and their like have ports."))
        return [(None, None)]
    if is_any or (number in protocols.ICMP and not words):
        return [(None, None)]
    if not words:
        raise ValidationError(_("Which ports? Several with commas: 22, 80, 8000-8100; or “any”."))
    found: list[tuple[int | None, int | None]] = []
    for word in words:
        parts = RANGE.match(word)
        if parts is None:
            raise ValidationError(
                _("“%(text)s” is no port and no range such as 8000-8100."), params={"text": word[:60]}
            )
        low, high = int(parts[1]), int(parts[2]) if parts[2] else None
        if number in protocols.ICMP:
            found.append((low, high))
            continue
        if not 1 <= low <= (high or low) <= 65535:
            raise ValidationError(
                _("Ports go from 1 to 65535, the first one first: %(text)s"), params={"text": word[:60]}
            )
        found.append((low, high or low))
    return found


class RuleLines(LinesWidget):
    parts = dict.fromkeys(("protocol", "ports", "remote", "cidr", "family", "description"), False)
    blank: Mapping[str, object] = {**dict.fromkeys(parts, ""), "protocol": "tcp"}
    template = "networks/rule_lines.html"
    direction = INGRESS

    def __init__(self) -> None:
        super().__init__()
        self.groups: Sequence[tuple[str, str]] = ()
        self.mine = ""
        self.wrong: dict[int, str] = {}

    def extra(self) -> dict[str, object]:
        others = sorted({*protocols.NUMBERS} - {*USUAL, "icmpv6", "ipv6-icmp"})
        return {
            "direction": self.direction, "groups": self.groups, "mine": self.mine, "wrong": self.wrong,
            "protocols": [(name, name.upper()) for name in USUAL], "other_protocols": others,
            "presets": PRESETS[self.direction],
        }  # fmt: skip


class RulesField(forms.Field):
    """The lines of one direction: the rules that they say."""

    widget: RuleLines

    def __init__(self, direction: str) -> None:
        super().__init__(widget=RuleLines, required=False)
        self.direction = self.widget.direction = direction

    def clean(self, value: list[Line]) -> list[Wanted]:
        found: list[Wanted] = []
        wrong = self.widget.wrong = {}  # of this form: Django copies a widget without what it holds
        known = {"", "mine", "cidr", *(id for id, _name in self.widget.groups)}
        for at, line in enumerate(value or []):
            try:
                if line["remote"] not in known or len(line["description"]) > 255:
                    raise ValidationError(_("Choose one of the list."))
                found += rules_of(self.direction, line, self.widget.mine)
            except ValidationError as error:
                wrong[at] = error.messages[0]
            except CloudError as error:
                wrong[at] = error.message
        if wrong:
            text = ngettext("%(count)s line is not right yet.", "%(count)s lines are not right yet.", len(wrong))
            raise ValidationError(text % {"count": len(wrong)})
        return found


class RulesForm(forms.Form):
    base = forms.CharField(required=False, widget=forms.HiddenInput)
    ingress = RulesField(INGRESS)
    egress = RulesField(EGRESS)

    both: ClassVar = (INGRESS, EGRESS)


def present(call: Call) -> dict[str, object]:
    """Fill the form as the group is: its lines, and which rules they are of."""
    held = list(call.row.rules.order_by("created_at", "pk"))
    ways = {way: lines_of(rule for rule in held if rule.direction == way) for way in RulesForm.both}
    return {**ways, "base": ",".join(rule.pk for rule in held)}


def offer(call: Call, form: RulesForm) -> None:
    """Offer the groups that a rule can name, and the reader's own address."""
    groups = [
        (row.pk, row.name or row.pk)
        for row in SecurityGroup.objects.filter(project_id=call.row.project_id).order_by("-is_default", "name")
    ]
    for way in RulesForm.both:
        field = form.fields[way]
        assert isinstance(field, RulesField)
        field.widget.groups, field.widget.mine = groups, address_of(call.request)


@transaction.atomic
def save(call: Call, base: str, ingress: list[Wanted], egress: list[Wanted]) -> tuple[int, int]:
    """Remove and make what differs; (made, removed). What somebody else added since the page was read stays."""
    group = services.find(call.actor, call.id, lock=True)
    wanted = {one.key: one for one in (*ingress, *egress)}
    held = {rule.pk: Wanted.of(rule).key for rule in group.rules.all()}
    read = set(base.split(","))
    gone = [id for id, key in held.items() if id in read and key not in wanted]
    for id in gone:
        rules.delete(call.actor, id)
    new = [one for key, one in wanted.items() if key not in held.values()]
    for one in new:
        match = one.match
        rules.create(
            call.actor, security_group_id=group.pk, description=one.description, direction=match.direction,
            ethertype=match.ethertype, protocol=match.protocol or None, port_range_min=match.low, port_range_max=match.high,
            remote_ip_prefix=match.prefix or None, remote_group_id=match.remote_group,
        )  # fmt: skip
    return len(new), len(gone)


def said(made: tuple[int, int]) -> str:
    added, removed = made
    if not added and not removed:
        return _("Nothing was to be changed")
    return _("Saved: %(added)s rules added, %(removed)s removed") % {"added": added, "removed": removed}


RULES = FormDialog(
    panel="security-groups",
    find=services.find,
    title=gettext_lazy("Rules of %(name)s"),
    submit=gettext_lazy("Save rules"),
    form=RulesForm,
    initial=present,
    prepare=offer,
    do=lambda call, values: save(call, **values),
    next=to("security-group", "id"),
    said=said,
    dialog="networks/rules_form.html",
    page="networks/rules_page.html",
    context=lambda call: {"why": gate(call.actor, "create_security_group_rule", call.row)},
)
