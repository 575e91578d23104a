"""Creating, changing and removing ports, and the address pairs that one lets pass."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from networking.errors import (
    InvalidInput,
    InvalidIpForNetwork,
    InvalidIpForSubnet,
    IpAddressAlreadyAllocated,
    NetworkNotFound,
)
from networking.networks.models import Network
from networking.ports import services, updates
from networking.ports.models import VNIC_TYPES, Port
from networking.ports.services import MacAddressInUse
from networking.ports.updates import PortBound
from networking.securitygroups import defaults
from networking.securitygroups.models import SecurityGroup
from networking.subnets.models import Subnet
from portal.networks.fields import MONO, Address, Addresses, Mac, Range
from portal.networks.ports import called
from portal.ui import Text
from portal.ui.calls import Call, to, to_made
from portal.ui.dialogs import Confirm, FormDialog, choices
from portal.ui.forms import Description, Name, Styled, Ticked
from portal.ui.menus import Action, Menu, gate
from portal.ui.removal import Removal

#: At which field the service's refusals stand.
PLACES = (
    (NetworkNotFound, "network"), (InvalidIpForNetwork, "ip"), (InvalidIpForSubnet, "ip"), (IpAddressAlreadyAllocated, "ip"),
    (MacAddressInUse, "mac"), (PortBound, "mac"),
)  # fmt: skip
VNICS = [(kind, kind) for kind in VNIC_TYPES]


@dataclass(frozen=True, kw_only=True)
class Common:
    """The fields that a port has when it is made and when it is changed."""

    name: str
    admin_state_up: bool
    mac: str
    device_id: str
    device_owner: str
    vnic_type: str
    port_security: bool
    groups: Sequence[str]
    host: str = ""


class PortForm(Styled):
    """What both dialogs ask."""

    admin_state_up = forms.BooleanField(label=gettext_lazy("Switched on"), required=False)
    mac = Mac(help_text=gettext_lazy("Empty: one is drawn."))
    device_id = forms.CharField(
        label=gettext_lazy("Device ID"), required=False, max_length=255, widget=forms.TextInput(attrs=MONO)
    )
    device_owner = forms.CharField(
        label=gettext_lazy("Device owner"), required=False, max_length=255, widget=forms.TextInput(attrs=MONO)
    )
    vnic_type = forms.ChoiceField(label=gettext_lazy("VNIC type"), choices=VNICS)
    host = forms.CharField(
        label=gettext_lazy("Host"), required=False, max_length=255, widget=forms.TextInput(attrs=MONO)
    )
    port_security = forms.BooleanField(
        label=gettext_lazy("Port security"),
        required=False,
        help_text=gettext_lazy("Off: it is in no security group, and may send from any address."),
    )
    groups = Ticked(gettext_lazy("Security groups"))


class CreateForm(PortForm):
    name = Name(required=False)
    network = forms.ChoiceField(label=gettext_lazy("Network"))
    subnet = forms.ChoiceField(label=gettext_lazy("Subnet"), required=False)
    ip = Address(label=gettext_lazy("Fixed IP"), help_text=gettext_lazy("Empty: the next free one."))
    field_order = ("name", "network", "subnet", "ip")

    def clean(self) -> None:
        subnet, network = self.cleaned_data.get("subnet"), self.cleaned_data.get("network")
        if subnet and network and not Subnet.objects.filter(pk=subnet, network=network).exists():
            self.add_error("subnet", _("This subnet is of another network."))


class EditForm(PortForm):
    name = Name(required=False)
    description = Description()
    addresses = Addresses(label=gettext_lazy("Fixed IPs"), help_text=gettext_lazy("One a line."))
    field_order = ("name", "description", "addresses")


@dataclass(frozen=True, kw_only=True)
class Made(Common):
    network: str
    subnet: str
    ip: str


@dataclass(frozen=True, kw_only=True)
class Edited(Common):
    description: str
    addresses: list[str]


def usable(call: Call) -> list[tuple[str, Text]]:
    return choices(Network.objects.usable_by(call.actor).order_by("name"))


def subnets(call: Call) -> list[tuple[str, Text]]:
    rows = Subnet.objects.visible_to(call.actor).filter(network__in=Network.objects.usable_by(call.actor))
    found = rows.select_related("network").order_by("network__name", "cidr")
    any_one: tuple[str, Text] = ("", _("Any"))
    return [any_one, *((row.pk, f"{row.network.name}: {row.name or ''} {row.cidr}") for row in found)]


def groups_of(project_id: str) -> list[tuple[str, str]]:
    others = SecurityGroup.objects.filter(project_id=project_id, is_default=False).order_by("name")
    rows = [defaults.shown_default(project_id), *others]
    return [(row.pk, row.name or row.pk) for row in rows]


def only_admins_bind(call: Call, form: forms.Form) -> None:
    if not call.actor.is_admin:
        del form.fields["host"]


def for_new(call: Call) -> dict[str, object]:
    default = defaults.shown_default(call.actor.project_id or "").pk
    found: dict[str, object] = {"admin_state_up": True, "port_security": True, "groups": [default]}
    return {**found, "network": call.request.GET.get("network", ""), "name": call.request.GET.get("name", "")}


def create(call: Call, new: Made) -> Port:
    groups = defaults.made(call.actor.project_id or "", new.groups)
    fixed = {key: value for key, value in (("ip_address", new.ip), ("subnet_id", new.subnet)) if value}
    return services.create(
        call.actor, network_id=new.network, name=new.name, fixed_ips=[fixed] if fixed else None, mac=new.mac or None,
        admin_state_up=new.admin_state_up, device_id=new.device_id, device_owner=new.device_owner, vnic_type=new.vnic_type,
        port_security_enabled=new.port_security, security_groups=groups if new.port_security else [], host=new.host,
    )  # fmt: skip


def present(port: Port) -> Edited:
    """Return the port as the dialog shows it."""
    return Edited(
        name=port.name, description=port.description, admin_state_up=port.admin_state_up, mac=port.mac_address,
        device_id=port.device_id, device_owner=port.device_owner, vnic_type=port.vnic_type, host=port.host,
        port_security=port.port_security_enabled, groups=[str(id) for id in port.groups.values_list("pk", flat=True)],
        addresses=[ip.ip_address for ip in port.fixed_ips.all()],
    )  # fmt: skip


def of_port(call: Call) -> dict[str, object]:
    shown = present(call.row)
    return {**vars(shown), "addresses": "\n".join(shown.addresses)}


def edit(call: Call, new: Edited) -> None:
    """Change what differs: some fields only the network's owner may send, even as they are."""
    was = present(call.row)
    changes: updates.Changes = {
        "name": new.name, "description": new.description, "admin_state_up": new.admin_state_up,
        "device_id": new.device_id, "device_owner": new.device_owner, "vnic_type": new.vnic_type,
    }  # fmt: skip
    groups = defaults.made(call.row.project_id, new.groups) if new.port_security else []
    if new.mac and new.mac != was.mac:
        changes["mac"] = new.mac
    if new.port_security != was.port_security:
        changes["port_security_enabled"] = new.port_security
    if set(groups) != set(was.groups):
        changes["security_groups"] = groups
    if new.addresses != was.addresses:
        changes["fixed_ips"] = [{"ip_address": ip} for ip in new.addresses]
    if call.actor.is_admin and new.host != was.host:
        changes["host"] = new.host
    updates.update(call.actor, call.id, **changes)


CREATE = FormDialog(
    panel="ports",
    title=gettext_lazy("Create port"),
    submit=gettext_lazy("Create"),
    form=CreateForm,
    two=True,
    initial=for_new,
    choices={"network": usable, "subnet": subnets, "groups": lambda call: groups_of(call.actor.project_id or "")},
    prepare=only_admins_bind,
    places=PLACES,
    do=lambda call, values: create(call, Made(**values)),
    next=to_made("port"),
)
EDIT = FormDialog(
    panel="ports",
    find=services.find,
    name=called,
    title=gettext_lazy("Edit %(name)s"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    two=True,
    initial=of_port,
    choices={"groups": lambda call: groups_of(call.row.project_id)},
    prepare=only_admins_bind,
    places=[*PLACES, *((error, "addresses") for error, place in PLACES if place == "ip")],
    do=lambda call, values: edit(call, Edited(**values)),
    next=to("port", "id"),
)
DELETE = Removal(
    panel="ports",
    find=services.find,
    name=called,
    route="ports",
    one=gettext_lazy("Delete the port"),
    bulk=gettext_lazy("Delete the ports"),
    text=gettext_lazy("Its addresses are free again, and a floating IP that leads to it leads nowhere."),
    about=lambda row: row.network.name,
    remove=lambda call, id: services.delete(call.actor, id),
)


# ── Allowed address pairs ───────────────────────────────────────────────────────────────────────────────────────────


class PairForm(Styled):
    ip = Range(
        label=gettext_lazy("Address or range"),
        help_text=gettext_lazy("An address such as 10.0.0.100, or a network such as 10.1.0.0/24."),
    )
    mac = Mac(help_text=gettext_lazy("Empty: the port's own."))


@transaction.atomic
def add_pair(call: Call, ip: str, mac: str) -> None:
    port = services.find(call.actor, call.id, lock=True)
    pair = {"ip_address": ip, **({"mac_address": mac} if mac else {})}
    updates.update(call.actor, call.id, allowed_address_pairs=[*port.allowed_address_pairs, pair])


@transaction.atomic
def remove_pair(call: Call) -> None:
    port = services.find(call.actor, call.id, lock=True)
    gone = {"ip_address": call.keys["ip"], "mac_address": call.keys["mac"]}
    kept = [pair for pair in port.allowed_address_pairs if pair != gone]
    updates.update(call.actor, call.id, allowed_address_pairs=kept)


def pair_verbs(call: Call) -> list[Action]:
    why = gate(call.actor, "update_port", call.row)
    return [Action("delete-pair", _("Delete"), "trash", reverse("pair-delete", kwargs=call.keys), why=why, risk=True)]


ADD_PAIR = FormDialog(
    panel="ports",
    find=services.find,
    name=called,
    title=gettext_lazy("Add address pair"),
    submit=gettext_lazy("Add"),
    form=PairForm,
    places=((InvalidInput, "ip"),),
    do=lambda call, values: add_pair(call, **values),
    next=to("port-tab", "id", tab="pairs"),
)
PAIR_MENU = Menu(panel="ports", find=services.find, actions=pair_verbs)
DELETE_PAIR = Confirm(
    panel="ports",
    find=services.find,
    name=called,
    title=lambda call: _("Delete the address pair %(ip)s?") % {"ip": call.keys["ip"]},
    text=gettext_lazy("Packets from this address no longer pass the port."),
    submit=gettext_lazy("Delete the pair"),
    do=remove_pair,
    next=to("port-tab", "id", tab="pairs"),
)
