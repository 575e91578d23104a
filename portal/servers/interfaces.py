"""Interfaces of an instance: attached by network or port, detached; the groups of one port; a floating IP that leads here no more."""

from dataclasses import dataclass

from django import forms
from django.db import transaction
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from compute.servers.create import networks
from compute.servers.create.networks import Nic
from compute.servers.lifecycle import interfaces
from compute.servers.models import Server
from networking.errors import InvalidIpForNetwork, InvalidIpForSubnet, IpAddressAlreadyAllocated
from networking.floatingips import services as floating_ips
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports import updates
from networking.ports.models import Port
from networking.securitygroups.models import SecurityGroup
from portal.networks.fields import Address
from portal.servers import launch_offers
from portal.servers.dialogs import of_id
from portal.ui import Text
from portal.ui.calls import Call
from portal.ui.dialogs import Confirm, FormDialog, choices
from portal.ui.forms import Styled, Ticked

# ── Attach ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class AttachForm(Styled):
    network = forms.ChoiceField(label=gettext_lazy("Network"), required=False)
    address = Address(label=gettext_lazy("Fixed IP"), help_text=gettext_lazy("Empty: the next free one."))
    port = forms.ChoiceField(
        label=gettext_lazy("Port"), required=False, help_text=gettext_lazy("One that is there already, instead of a network.")
    )  # fmt: skip

    def clean(self) -> None:
        network, port = self.cleaned_data.get("network"), self.cleaned_data.get("port")
        if bool(network) == bool(port):
            self.add_error("network", _("Choose a network or a port."))
        elif port and self.cleaned_data.get("address"):
            self.add_error("address", _("A port has its addresses already."))


def networks_offered(call: Call) -> list[tuple[str, Text]]:
    rows = Network.objects.usable_by(call.actor).filter(external=False, subnets__isnull=False).distinct()
    return choices(rows.order_by("name"), empty=_("None"))


def ports_offered(call: Call) -> list[tuple[str, Text]]:
    none: tuple[str, Text] = ("", _("None"))
    found = launch_offers.of_ports(call.actor)
    return [
        none,
        *(
            (one.row.pk, f"{one.row.name or one.row.mac_address}: {one.row.network.name} {one.addresses}")
            for one in found
        ),
    ]


def attach(call: Call, network: str, address: str, port: str) -> None:
    interfaces.attach_interface(
        call.actor, server_id=call.id, nic=Nic(network_id=network, port_id=port, fixed_ip=address)
    )


ATTACH = FormDialog(
    panel="instances",
    title=gettext_lazy("Attach an interface"),
    submit=gettext_lazy("Attach"),
    form=AttachForm,
    choices={"network": networks_offered, "port": ports_offered},
    places=(
        (InvalidIpForNetwork, "address"), (InvalidIpForSubnet, "address"), (IpAddressAlreadyAllocated, "address"),
        (networks.NetworkUnknown, "network"), (networks.PortTaken, "port"), (networks.PortUnknown, "port"),
    ),
    do=lambda call, values: attach(call, **values),
)  # fmt: skip


# ── Detach ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class DetachForm(Styled):
    port = forms.ChoiceField(label=gettext_lazy("Interface"))


def plugged(call: Call) -> list[tuple[str, Text]]:
    """List the instance's interfaces."""
    rows = Port.objects.of_server(call.row).select_related("network").prefetch_related("fixed_ips")
    return [
        (row.pk, f"{row.network.name}: {', '.join(ip.ip_address for ip in row.fixed_ips.all()) or row.mac_address}")
        for row in rows
    ]


def detached(call: Call) -> list[tuple[str, Text]]:
    """List the port that goes, with its network."""
    rows = Port.objects.of_server(of_id(call.actor, call.keys["id"])).filter(pk=call.keys["port"])
    return [(port.mac_address, port.network.name) for port in rows.select_related("network")]


DETACH_ONE = FormDialog(
    panel="instances",
    find=of_id,
    title=gettext_lazy("Detach an interface"),
    submit=gettext_lazy("Detach the interface"),
    form=DetachForm,
    risk=True,
    choices={"port": plugged},
    do=lambda call, values: interfaces.detach_interface(call.actor, server_id=call.id, port_id=values["port"]),
)
DETACH = Confirm(
    panel="instances",
    title=gettext_lazy("Detach this interface?"),
    lines=detached,
    submit=gettext_lazy("Detach the interface"),
    do=lambda call: interfaces.detach_interface(call.actor, server_id=call.id, port_id=call.keys["port"]),
)


# ── Groups of one port ──────────────────────────────────────────────────────────────────────────────────────────────


class PortGroupsForm(Styled):
    groups = Ticked(gettext_lazy("Security groups"))


@dataclass(frozen=True)
class Plug:
    """One interface of an instance."""

    server: Server
    port: Port

    @property
    def pk(self) -> str:
        return str(self.port.pk)


def of_port(call: Call) -> Plug:
    """Find the interface in the address. Raises: ServerNotFound, PortNotHere."""
    server = of_id(call.actor, call.keys["id"])
    port = Port.objects.of_server(server).filter(pk=call.keys["port"]).first()
    if port is None:
        raise interfaces.PortNotHere(id=call.keys["port"])
    return Plug(server, port)


def groups_offered(call: Call) -> list[tuple[str, Text]]:
    return choices(SecurityGroup.objects.filter(project_id=of_port(call).server.project_id).order_by("name"))


PORT_GROUPS = FormDialog(
    panel="instances",
    title=gettext_lazy("Security groups of the interface"),
    submit=gettext_lazy("Save"),
    form=PortGroupsForm,
    initial=lambda call: {"groups": list(of_port(call).port.groups.values_list("pk", flat=True))},
    choices={"groups": groups_offered},
    do=lambda call, values: updates.update(call.actor, of_port(call).pk, security_groups=values["groups"]),
)


# ── A floating IP leads here no more ────────────────────────────────────────────────────────────────────────────────


class DisassociateForm(Styled):
    floating = forms.ChoiceField(label=gettext_lazy("Floating IP"))
    release = forms.BooleanField(
        label=gettext_lazy("Release it too"), required=False, help_text=gettext_lazy("Unticked, it stays with the project.")
    )  # fmt: skip


def leading_here(server: Server) -> list[FloatingIP]:
    return list(FloatingIP.objects.filter(port__in=Port.objects.of_server(server)).order_by("floating_ip_address"))


@transaction.atomic
def disassociate(actor: RequestContext, floating: str, *, release: bool) -> str:
    """Take a floating IP from its port, or release it; its address. Raises: what the network service raises."""
    row = floating_ips.find(actor, floating)
    if release:
        floating_ips.delete(actor, floating)
    else:
        floating_ips.update(actor, floating, port_id=None)
    return row.floating_ip_address


DISASSOCIATE = FormDialog(
    panel="instances",
    find=of_id,
    title=gettext_lazy("Disassociate a floating IP"),
    submit=gettext_lazy("Disassociate"),
    form=DisassociateForm,
    choices={"floating": lambda call: [(row.pk, row.floating_ip_address) for row in leading_here(call.row)]},
    do=lambda call, values: disassociate(call.actor, values["floating"], release=values["release"]),
    said=lambda ip: _("%(ip)s leads here no more") % {"ip": ip},
)

URLS = [
    path("instances/<str:id>/interfaces/attach", ATTACH.as_view(), name="instance-attach"),
    path("instances/<str:id>/interfaces/detach", DETACH_ONE.as_view(), name="instance-detach-one"),
    path("instances/<str:id>/interfaces/<str:port>/detach", DETACH.as_view(), name="instance-detach"),
    path("instances/<str:id>/interfaces/<str:port>/groups", PORT_GROUPS.as_view(), name="instance-port-groups"),
    path("instances/<str:id>/floating-ip/disassociate", DISASSOCIATE.as_view(), name="instance-disassociate"),
]
