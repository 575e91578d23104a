"""Making and removing security group rules."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Conflict, Invalid
from common.live import announce
from hostagent.contract import inet
from networking.desired.changes import touch
from networking.errors import InvalidInput, SecurityGroupNotFound, SecurityGroupRuleNotFound
from networking.securitygroups import protocols, services
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule, normalized
from networking.standard import count_revision
from openstackapi import resource
from quota import services as quota

ETHERTYPES = {"ipv4": "IPv4", "ipv6": "IPv6"}


class SecurityGroupRuleExists(Conflict):
    template = _("Security group rule already exists. Rule id is %(id)s.")


class SecurityGroupRuleInvalidEtherType(Invalid):
    template = _(
        "Security group rule for ethertype '%(ethertype)s' not supported. Allowed values are ['IPv4', 'IPv6']."
    )


class SecurityGroupRuleInvalidProtocol(Invalid):
    template = _(
        "Security group rule protocol %(protocol)s not supported. Only protocol values %(known)s and integer "
        "representations [0 to 255] are supported."
    )


class SecurityGroupRuleParameterConflict(Invalid):
    template = _("Conflicting value ethertype %(ethertype)s for CIDR %(cidr)s")


class SecurityGroupEthertypeConflictWithProtocol(Invalid):
    template = _("Invalid ethertype %(ethertype)s for protocol %(protocol)s.")


class SecurityGroupRemoteGroupAndRemoteIpPrefix(Invalid):
    template = _("Only remote_ip_prefix or remote_group_id may be provided.")


class SecurityGroupInvalidPortRange(Invalid):
    template = _("For TCP/UDP protocols, port_range_min must be <= port_range_max")


class SecurityGroupInvalidPortValue(Invalid):
    template = _("Invalid value for port %(port)s")


class SecurityGroupInvalidIcmpValue(Invalid):
    template = _("Invalid value for ICMP %(field)s (%(attr)s) %(value)s. It must be 0 to 255.")


class SecurityGroupMissingIcmpType(Invalid):
    template = _("ICMP code (port-range-max) %(value)s is provided but ICMP type (port-range-min) is missing.")


class SecurityGroupProtocolRequiredWithPorts(Invalid):
    template = _("Must also specify protocol if port range is given.")


@dataclass(frozen=True, slots=True)
class Match:
    """Match of a rule, checked and in one spelling. '' and None mean any."""

    direction: str
    ethertype: str
    protocol: str
    low: int | None
    high: int | None
    prefix: str
    remote_group: str | None

    def columns(self) -> dict[str, object]:
        return {
            "direction": self.direction,
            "ethertype": self.ethertype,
            "protocol": self.protocol,
            "port_range_min": self.low,
            "port_range_max": self.high,
            "remote_ip_prefix": self.prefix,
            "remote_group_id": self.remote_group,
        }


def find(actor: RequestContext, rule_id: str) -> SecurityGroupRule:
    """Raises: SecurityGroupRuleNotFound, also for another project's rule."""
    rows = SecurityGroupRule.objects.visible_to(actor).select_related("group")
    return resource.find(rows, rule_id, SecurityGroupRuleNotFound)


def check_prefix(prefix: str | None, ethertype: str) -> str:
    """Return the remote prefix as a CIDR with the bits it was given, '' for any.

    Raises: InvalidInput, SecurityGroupRuleParameterConflict.
    """
    if not prefix:
        return ""
    try:
        given = inet.ip_interface(prefix)
    except ValueError as error:
        raise InvalidInput(reason=_("'%(prefix)s' is not a valid IP subnet"), prefix=prefix) from error
    if f"IPv{given.version}" != ethertype:
        raise SecurityGroupRuleParameterConflict(ethertype=ethertype, cidr=prefix)
    return given.with_prefixlen


def check_protocol(protocol: str | int | None, ethertype: str) -> tuple[str, int | None]:
    """Return the protocol as it is kept and shown, and its number (None: any)."""
    text = "" if protocol is None else str(protocol).lower()
    if text == "any":
        text = ""
    try:
        number = protocols.number(text)
    except ValueError as error:
        raise SecurityGroupRuleInvalidProtocol(protocol=protocol, known=sorted(protocols.NUMBERS)) from error
    if text in protocols.V6_ONLY and ethertype != "IPv6":
        raise SecurityGroupEthertypeConflictWithProtocol(ethertype=ethertype, protocol=protocol)
    if ethertype == "IPv6" and number in protocols.ICMP:  # one spelling, as Neutron keeps it
        return protocols.NAMES[58], 58
    return text, number


def check_ports(number: int | None, low: int | None, high: int | None) -> None:
    """Raises the error Neutron has for each wrong combination of protocol and ports."""
    if low is None and high is None:
        return
    if number in protocols.ICMP:
        for attr, field, value in (("port_range_min", "type", low), ("port_range_max", "code", high)):
            if value is not None and not 0 <= value <= 255:
                raise SecurityGroupInvalidIcmpValue(field=field, attr=attr, value=value)
        if low is None:
            raise SecurityGroupMissingIcmpType(value=high)
        return
    if number is None:
        raise SecurityGroupProtocolRequiredWithPorts()
    if number not in protocols.WITH_PORTS:
        raise InvalidInput(reason=_("Port range cannot be specified for protocol %(number)s"), number=number)
    for port in (low, high):
        if port is not None and not 1 <= port <= 65535:
            raise SecurityGroupInvalidPortValue(port=port)
    if low is None or high is None or low > high:
        raise SecurityGroupInvalidPortRange()


def check(
    *,
    direction: str = "",
    ethertype: str | None = None,
    protocol: str | int | None = None,
    port_range_min: int | None = None,
    port_range_max: int | None = None,
    remote_ip_prefix: str | None = None,
    remote_group_id: str | None = None,
) -> Match:
    """Check what a rule shall match. Raises: one of the errors above."""
    if direction not in ("ingress", "egress"):
        raise InvalidInput(reason=_("'%(direction)s' is not in ['ingress', 'egress']"), direction=direction or "")
    family = ETHERTYPES.get(str(ethertype or "IPv4").lower())  # whatever a request said
    if family is None:
        raise SecurityGroupRuleInvalidEtherType(ethertype=ethertype)
    if remote_ip_prefix and remote_group_id:
        raise SecurityGroupRemoteGroupAndRemoteIpPrefix()
    spelled, number = check_protocol(protocol, family)
    check_ports(number, port_range_min, port_range_max)
    prefix = check_prefix(remote_ip_prefix, family)
    return Match(direction, family, spelled, port_range_min, port_range_max, prefix, remote_group_id or None)


def refuse_duplicate(group: SecurityGroup, match: Match) -> None:
    """Refuse a rule that is there already. Two are the same when they let the same packets pass, however the protocol is spelled."""
    number = protocols.number(match.protocol)
    anywhere = ("", "0.0.0.0/0", "::/0")
    cidr = normalized(match.prefix)
    for rule in group.rules.filter(direction=match.direction, ethertype=match.ethertype):
        if (
            protocols.number(rule.protocol) == number
            and (rule.port_range_min, rule.port_range_max) == (match.low, match.high)
            and rule.remote_group_id == match.remote_group
            and (rule.normalized_cidr == cidr or (rule.normalized_cidr in anywhere and cidr in anywhere))
        ):
            raise SecurityGroupRuleExists(id=rule.id)


@transaction.atomic
def create(
    actor: RequestContext,
    *,
    security_group_id: str,
    description: str = "",
    project_id: str | None = None,
    **matching: Any,
) -> SecurityGroupRule:
    """Let packets pass that match. `matching`: as for check().

    Raises: one of the errors above, SecurityGroupNotFound, OverLimit.
    """
    group = services.find(actor, security_group_id, lock=True)
    policy.require(actor, "create_security_group_rule", group)
    match = check(**matching)
    if match.remote_group and not SecurityGroup.objects.visible_to(actor).filter(pk=match.remote_group).exists():
        raise SecurityGroupNotFound(id=match.remote_group)
    refuse_duplicate(group, match)
    quota.require(group.project_id, "network", {"security_group_rule": 1})
    rule = SecurityGroupRule.objects.create(
        group=group,
        project_id=project_id if project_id and actor.is_admin else group.project_id,
        description=description,
        **match.columns(),
    )
    _group_changed(group, match.remote_group)
    return rule


@transaction.atomic
def delete(actor: RequestContext, rule_id: str) -> None:
    rule = find(actor, rule_id)
    policy.require(actor, "delete_security_group_rule", rule)
    group, remote = rule.group, rule.remote_group_id
    rule.delete()
    _group_changed(group, remote)


def _group_changed(group: SecurityGroup, remote_group: str | None) -> None:
    count_revision(SecurityGroup, [group.id])
    touch(f"group:{group.id}", f"group:{remote_group}" if remote_group else "")
    announce("security_group", group.id, group.project_id)
