"""Creating, changing and removing networks, and choosing by hand which host serves one's DHCP."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from hosts.models import Host
from networking.agents import scheduling
from networking.agents import services as agents
from networking.agents.models import DHCP
from networking.networks import segments, services
from networking.networks.models import Network
from portal.networks import subnets
from portal.networks.fields import Cidr, Mtu
from portal.ui import Text
from portal.ui.calls import Call, to, to_made
from portal.ui.dialogs import Confirm, FormDialog, from_row
from portal.ui.forms import Description, Name, Stepped, Styled
from portal.ui.menus import Action, Menu, gate
from portal.ui.removal import Removal

ADMINS_ALONE = ("shared", "external")


class NetworkFields(forms.Form):
    description = Description()
    admin_state_up = forms.BooleanField(label=gettext_lazy("Switched on"), required=False, initial=True)
    shared = forms.BooleanField(label=gettext_lazy("Shared with every project"), required=False)
    external = forms.BooleanField(
        label=gettext_lazy("External"),
        required=False,
        help_text=gettext_lazy("Floating IPs and gateways come from it."),
    )
    port_security_enabled = forms.BooleanField(
        label=gettext_lazy("Port security for new ports"), required=False, initial=True
    )
    mtu = Mtu()


class CreateForm(Stepped, subnets.NewRange, NetworkFields):
    name = Name()
    cidr = Cidr(
        required=False,
        help_text=gettext_lazy(
            "With them the network gets a subnet, and instances their addresses by DHCP. Empty: no subnet yet."
        ),
    )
    subnet_name = Name(label=gettext_lazy("Subnet's name"), required=False)
    zones = forms.MultipleChoiceField(
        label=gettext_lazy("Availability zones"), required=False, widget=forms.CheckboxSelectMultiple
    )
    parts: Sequence[tuple[str, Text, Sequence[str]]] = (
        ("network", gettext_lazy("Network"),
         ("name", "cidr", "description", "admin_state_up", "shared", "external", "port_security_enabled", "mtu", "zones")),
        ("subnet", gettext_lazy("Subnet: name and gateway"), ("subnet_name", *subnets.ADDRESSES[1:], "gateway", "no_gateway")),
        ("details", gettext_lazy("Subnet: DHCP and routes"), subnets.DETAILS[2:]),
    )  # fmt: skip


class EditForm(Styled, NetworkFields):
    name = Name(required=False)
    field_order = ("name", "description")


@dataclass(frozen=True, kw_only=True)
class New(subnets.New):
    """A network and its first subnet."""

    name: str
    description: str
    admin_state_up: bool
    port_security_enabled: bool
    mtu: int | None
    zones: list[str]
    shared: bool = False
    external: bool = False
    project: str | None = None
    kind: str | None = None
    physical: str | None = None
    segment: int | None = None


@transaction.atomic
def create(actor: RequestContext, new: New) -> Network:
    """Make a network, and its subnet where addresses are given: both or none."""
    made = services.create(
        actor, name=new.name, description=new.description, admin_state_up=new.admin_state_up, shared=new.shared,
        external=new.external, port_security_enabled=new.port_security_enabled, mtu=new.mtu,
        availability_zone_hints=new.zones, project_id=new.project, kind=new.kind or None,
        physical=new.physical or None, segment=new.segment,
    )  # fmt: skip
    if new.cidr or new.pool:
        new.create(actor, made.id)
    return made


def only_admins_share(call: Call, form: forms.Form) -> None:
    for name in ADMINS_ALONE if not call.actor.is_admin else ():
        form.fields.pop(name, None)


def zones(call: Call) -> list[tuple[str, str]]:
    """List the zones of hosts that carry networks."""
    return [(agents.ZONE, agents.ZONE)] if agents.every() else []


PLACES = (*subnets.PLACES, (segments.NetworkSegmentInUse, "segment"))

CREATE = FormDialog(
    panel="networks",
    title=gettext_lazy("Create network"),
    submit=gettext_lazy("Create"),
    form=CreateForm,
    choices={"pool": subnets.pools, "zones": zones},
    prepare=only_admins_share,
    places=PLACES,
    do=lambda call, values: create(call.actor, New(**values)),
    next=to_made("network"),
)
EDIT = FormDialog(
    panel="networks",
    find=services.find,
    title=gettext_lazy("Edit network"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=from_row,
    prepare=only_admins_share,
    places=((services.ExternalNetworkInUse, "external"), (services.InvalidSharedSetting, "shared")),
    do=lambda call, values: services.update(call.actor, call.id, **values),
    next=to("network", "id"),
)
DELETE = Removal(
    panel="networks",
    find=services.find,
    route="networks",
    everywhere="all-networks",
    one=gettext_lazy("Delete the network"),
    bulk=gettext_lazy("Delete the networks"),
    text=gettext_lazy("Its subnets go with it. It is refused while an instance or a router is on it."),
    remove=lambda call, id: services.delete(call.actor, id),
)


# ── Which host serves its DHCP ──────────────────────────────────────────────────────────────────────────────────────


class HostForm(Styled):
    host = forms.ChoiceField(label=gettext_lazy("Host"))


def dhcp_hosts(call: Call) -> list[tuple[str, str]]:
    policy.require(call.actor, "create_dhcp-network")
    return [(agent.host.name, agent.host.name) for agent in agents.every() if agent.kind == DHCP]


def dhcp_host(call: Call, rule: str, name: str) -> Host:
    """Find the host of a DHCP agent. Raises: Forbidden, AgentNotFound."""
    policy.require(call.actor, rule)
    for agent in agents.every():
        if (agent.kind, agent.host.name) == (DHCP, name):
            return agent.host
    raise agents.AgentNotFound(id=name)


def add_agent(call: Call, host: str) -> None:
    scheduling.place_network(call.actor, dhcp_host(call, "create_dhcp-network", host), call.id)


def remove_agent(call: Call) -> None:
    host = dhcp_host(call, "delete_dhcp-network", call.keys["host"])
    scheduling.remove_network(call.actor, host, call.id)


def agent_verbs(call: Call) -> list[Action]:
    url, why = reverse("network-agent-delete", kwargs=call.keys), gate(call.actor, "delete_dhcp-network", None)
    return [Action("remove-agent", _("Remove from this host"), "trash", url, why=why, risk=True)]


ADD_AGENT = FormDialog(
    panel="networks",
    find=services.find,
    title=gettext_lazy("Serve the DHCP of %(name)s on another host"),
    submit=gettext_lazy("Move"),
    hint=gettext_lazy("A network has one DHCP server: it leaves the host that it is on."),
    form=HostForm,
    choices={"host": dhcp_hosts},
    places=((scheduling.NetworkHostedByDHCPAgent, "host"),),
    do=lambda call, values: add_agent(call, **values),
    next=to("network-tab", "id", tab="agents"),
)
AGENT_MENU = Menu(panel="networks", find=services.find, actions=agent_verbs)
REMOVE_AGENT = Confirm(
    panel="networks",
    find=services.find,
    title=gettext_lazy("Stop the DHCP of %(name)s?"),
    text=gettext_lazy("Instances on it get no address by DHCP until a host serves it again."),
    submit=gettext_lazy("Stop it"),
    do=remove_agent,
    next=to("network-tab", "id", tab="agents"),
)
