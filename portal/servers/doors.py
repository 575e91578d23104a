"""SSH, HTTP and HTTPS as boxes to tick at a launch, and which ports a security group opens to everybody."""

from collections.abc import Collection, Iterable
from typing import Any

from django.utils.translation import gettext as _

from authorization.context import RequestContext
from networking.securitygroups import rules, services
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule

#: Box → the port that it opens, and what people call it.
DOORS = {"ssh": (22, "SSH"), "http": (80, "HTTP"), "https": (443, "HTTPS")}
ANYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}
_ANYWHERE = ("", *ANYWHERE.values())


def opened(group_ids: Collection[str]) -> dict[str, list[str]]:
    """Read which ports groups open to everybody, as people write them: group id → its ports. One query."""
    found: dict[str, list[str]] = {id: [] for id in group_ids}
    everyone = SecurityGroupRule.objects.filter(group_id__in=group_ids, direction="ingress", remote_group=None)
    for rule in everyone.filter(remote_ip_prefix__in=_ANYWHERE).order_by("port_range_min", "id"):
        low, high = rule.port_range_min, rule.port_range_max
        is_whole = low is None or rule.protocol.startswith("icmp")
        word = (rule.protocol or _("everything")) if is_whole else str(low) if low == high else f"{low}-{high}"
        if word not in found[rule.group_id]:
            found[rule.group_id].append(word)
    return found


def open_ports(group_ids: Collection[str]) -> str:
    """Return the ports that these groups together open to everybody."""
    return ", ".join(dict.fromkeys(word for words in opened(group_ids).values() for word in words))


def shut(wanted: Iterable[str], chosen: Collection[str]) -> list[str]:
    """List the boxes whose port the `chosen` groups do not open."""
    return [name for name in wanted if name in DOORS and not _is_open(DOORS[name][0], chosen)]


def groups(actor: RequestContext, wanted: Iterable[str], chosen: Collection[str]) -> list[str]:
    """List the groups that open what `wanted` names and the `chosen` ones do not: the project's `open-…`, made where there is none.

    Raises: Forbidden, and QuotaExceeded of groups or rules.
    """
    return [standing(actor, name) or _made(actor, name) for name in shut(wanted, chosen)]


def _is_open(port: int, group_ids: Collection[str]) -> bool:
    everyone = SecurityGroupRule.objects.filter(
        group_id__in=group_ids, direction="ingress", ethertype="IPv4", remote_group=None
    )
    return any(
        rule.port_range_min is None or rule.port_range_min <= port <= (rule.port_range_max or rule.port_range_min)
        for rule in everyone.filter(remote_ip_prefix__in=_ANYWHERE, protocol__in=("", "tcp", "6"))
    )


def standing(actor: RequestContext, name: str) -> str:
    """Return the project's group that opens what a box names; "" without one."""
    own = SecurityGroup.objects.filter(project_id=actor.project_id or "", name=f"open-{name}").order_by("id")
    return next((group.pk for group in own if _is_open(DOORS[name][0], [group.pk])), "")


def described(name: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Describe the group that opens what a box names, and its rules."""
    port, word = DOORS[name]
    group = {"name": f"open-{name}", "description": _("Lets %(what)s in from anywhere") % {"what": word}}
    shared = {"direction": "ingress", "protocol": "tcp", "port_range_min": port, "port_range_max": port}
    rules = [
        {**shared, "ethertype": ethertype, "remote_ip_prefix": prefix, "description": word}
        for ethertype, prefix in ANYWHERE.items()
    ]
    return group, rules


def _made(actor: RequestContext, name: str) -> str:
    group, several = described(name)
    made = services.create(actor, **group)
    for rule in several:
        rules.create(actor, security_group_id=made.pk, **rule)
    return made.pk
