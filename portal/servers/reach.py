"""Reach it: the ssh line of an instance, or the first thing that is missing for it, with the button that brings it."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.errors import Invalid
from compute.servers.models import Server
from networking.ports import probing
from networking.ports import services as ports
from networking.ports.models import Port
from networking.securitygroups import rules
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule
from openstackapi.client import address_of
from portal.servers.dialogs import no_way_out, of_id
from portal.ui import Text
from portal.ui.calls import Call
from portal.ui.menus import Action, Verb, gate

SSH = 22  # its port
IPV4 = 4
#: Whom a port is opened for, as the address of the button says it.
ME, ANYONE = "me", "anyone"


#: Why one does not get in, by what trying port 22 found (hostagent.contract.network.Found).
_NO_SSH: dict[str, Text] = {
    "refused": gettext_lazy("Port 22 is refused: it may still be starting, or no ssh server runs in it."),
    "silent": gettext_lazy("Nothing answers at port 22: it may still be starting, or a firewall in it is shut."),
    "open": gettext_lazy("Something answers at port 22, and it is no ssh server."),
}


@dataclass
class Reach:
    """How one gets into an instance. `missing`: the first thing that is not there, "" if nothing is known to be missing."""

    missing: str = ""
    words: Text = ""
    line: str = ""
    putty: str = ""  # the same for PuTTY
    answers: bool = False  # an ssh server does, as of the last 90 s
    opened: list[str] = field(default_factory=list)  # networks to which port 22 is open; "" is anywhere
    buttons: list[Action] = field(default_factory=list)


def commands(server: Server, address: str) -> tuple[str, str]:
    """Write the lines for ssh and for PuTTY, with the key's file as the portal, or PuTTYgen, names it."""
    user = (server.image_meta or {}).get("properties", {}).get("os_admin_user") or "demo"
    pem, ppk = (f"-i {server.key_name}.{kind} " if server.key_name else "" for kind in ("pem", "ppk"))
    return f"ssh {pem}{user}@{address}", f"putty {ppk}{user}@{address}"


def reach(actor: RequestContext, server: Server) -> Reach:
    """Look for what ssh needs, in the order in which one would: a network, an address, an open port, a key."""
    plugged = _plugged(server)
    if not plugged:
        rule = "os_compute_api:os-attach-interfaces:create"
        attach = _action(actor, server, "attach", _("Attach an interface"), "plug-connected", "instance-attach", rule)
        return Reach("network", _("It is on no network."), buttons=[attach])
    port, address = _way_in(server, plugged)
    if port is None:
        label = _("Add floating IP")
        add = _action(actor, server, "floating-ip", label, "world-pin", "instance-floating-ip", "create_floatingip")
        return Reach("address", no_way_out(server) or _("No floating IP leads to it."), buttons=[add])
    line, putty = commands(server, address)
    found = Reach(line=line, putty=putty, opened=opened_to(port))
    if not found.opened:
        return replace(found, missing="port", words=_("Port 22 is shut."), buttons=_openers(actor, server, port))
    found.answers, silence = _tried(port, is_open_to_all="" in found.opened)
    if silence:
        return replace(found, missing="answer", words=silence, buttons=[_to_tab(server, "log", _("Log"), "file-text")])
    if not server.key_name:
        console = _to_tab(server, "console", _("Console"), "device-desktop")
        return replace(found, missing="key", words=_("It has no key pair: use the console."), buttons=[console])
    return found


def _tried(port: Port, *, is_open_to_all: bool) -> tuple[bool, Text]:
    """Have port 22 tried. Of the last try: whether ssh answered; else why one does not get in, "" where nobody can know.

    It is tried from the instance's router: what is open to other networks alone shuts that out too, and tells nothing.
    """
    probing.ask(port)
    last = probing.latest(port)
    if last is None or (last.found == "silent" and not is_open_to_all):
        return False, ""
    answers = last.found == "open" and last.said.startswith("SSH-")
    return answers, "" if answers else _NO_SSH.get(last.found, "")


def _to_tab(server: Server, tab: str, label: str, icon: str) -> Action:
    return Action(tab, label, icon, reverse("instance-tab", args=[server.id, tab]), "link")


def _plugged(server: Server) -> list[Port]:
    return list(Port.objects.of_server(server).select_related("network").order_by("created_at"))


def _way_in(server: Server, plugged: list[Port]) -> tuple[Port | None, str]:
    """Find the port that one reaches from outside, and its address there: a floating IP, or one of an external network."""
    by_id = {port.pk: port for port in plugged}
    for entry in ports.addresses({server.id: server.project_id})[server.id]:
        port = by_id.get(entry["port_id"])
        if port is not None and (entry["type"] == "floating" or port.network.external):
            return port, entry["ip"]
    return None, ""


def letting_ssh_in(rules: QuerySet[SecurityGroupRule]) -> list[SecurityGroupRule]:
    """List the rules among these that let ssh in over IPv4 from addresses."""
    found = rules.filter(direction="ingress", ethertype="IPv4", remote_group=None, protocol__in=("", "tcp", "6"))
    return [
        rule
        for rule in found
        if rule.port_range_min is None or rule.port_range_min <= SSH <= (rule.port_range_max or rule.port_range_min)
    ]


def opened_to(port: Port) -> list[str]:
    """List the networks from which a port's groups let ssh in over IPv4; "" is anywhere, and a group's members are not told."""
    if not port.port_security_enabled:
        return [""]
    found = letting_ssh_in(SecurityGroupRule.objects.filter(group__in=port.groups.all()))
    return sorted({rule.remote_ip_prefix.replace("0.0.0.0/0", "") for rule in found})


def _action(actor: RequestContext, server: Server, name: str, label: str, icon: str, route: str, rule: str) -> Action:
    return Action(name, label, icon, reverse(route, args=[server.id]), why=gate(actor, rule, server))


def _group_of(port: Port) -> SecurityGroup | None:
    """Find the group in which a rule is added: one of the port's own, the project's default one only without another."""
    return port.groups.order_by("is_default", "name").first()


def _openers(actor: RequestContext, server: Server, port: Port) -> list[Action]:
    group = _group_of(port)
    if group is None:
        rule = "os_compute_api:os-security-groups:add"
        return [_action(actor, server, "security-groups", _("Change"), "shield-lock", "instance-groups", rule)]
    why = gate(actor, "create_security_group_rule", group)
    labels = ((ME, _("Open it for my address")), (ANYONE, _("Open it for everyone")))
    return [
        Action(f"open-ssh-{who}", label, "lock-open", reverse("instance-open-ssh", args=[server.id, who]), "post", why)
        for who, label in labels
    ]


def opener(server: Server) -> SecurityGroup | None:
    """Find the group in which a rule opens the way in to a server; None where there is nothing to open."""
    plugged = _plugged(server)
    port = _way_in(server, plugged)[0] or next(iter(plugged), None)
    return _group_of(port) if port is not None else None


def open_ssh(call: Call) -> str:
    """Add the rule that lets ssh in, from the asker's address or from anywhere; return the name of the group that has it.

    Raises: Invalid where there is nothing to open, or the asker's address is of IPv6; and as rules.create().
    """
    group = opener(call.row)
    if group is None or call.keys["who"] not in (ME, ANYONE):
        raise Invalid(reason=_("There is nothing to open: it has no network or no security group."))
    own = address_of(call.request)
    if call.keys["who"] == ME and ip_address(own).version != IPV4:
        raise Invalid(
            reason=_("Your address %(address)s is of IPv6, and the instance is reached by IPv4."), address=own
        )
    rules.create(
        call.actor, security_group_id=group.pk, direction="ingress", ethertype="IPv4", protocol="tcp",
        port_range_min=SSH, port_range_max=SSH, description="ssh",
        remote_ip_prefix=f"{own}/32" if call.keys["who"] == ME else None,
    )  # fmt: skip
    return group.name


OPEN = Verb(
    panel="instances",
    find=of_id,
    do=open_ssh,
    said=lambda group: _("Port 22 is open for what is in the group %(group)s") % {"group": group},
)

URLS = [path("instances/<str:id>/open-ssh/<str:who>", OPEN.as_view(), name="instance-open-ssh")]
