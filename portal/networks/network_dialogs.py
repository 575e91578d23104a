"""Creating, changing and removing networks, subnets and ports."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hostagent.contract import inet
from networking.networks import services as networks
from networking.ports import services as ports
from networking.subnets import services as subnets
from portal.ui.calls import Call, to, to_made
from portal.ui.dialogs import Delete, FormDialog, from_row
from portal.ui.forms import Description, Lines, Name, Styled
from portal.ui.menus import Action, Menu, gate


class Cidr(forms.CharField):
    """A network such as 10.0.1.0/24, IPv4 or IPv6."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Addresses"))
        super().__init__(**kwargs)
        self.widget.attrs.update({"placeholder": "10.0.1.0/24", "class": "mono", "spellcheck": "false"})

    def clean(self, value: object) -> str:
        text = super().clean(value).strip()
        if not text:
            return ""
        try:
            return str(inet.ip_network(text))
        except ValueError as error:
            raise ValidationError(_("This is not a network such as 10.0.1.0/24.")) from error


class NetworkForm(Styled):
    name = Name()
    cidr = Cidr(required=False, help_text=gettext_lazy("Makes a subnet with DHCP. Leave it empty to add one later."))
    shared = forms.BooleanField(label=gettext_lazy("Shared with every project"), required=False)


class EditForm(Styled):
    name = Name(required=False)
    description = Description()
    admin_state_up = forms.BooleanField(label=gettext_lazy("Switched on"), required=False)


@transaction.atomic
def create(call: Call, values: dict[str, object]) -> object:
    """Create a network, and its first subnet where addresses are given: both or none."""
    made = networks.create(call.actor, name=values["name"], shared=values.get("shared", False))
    if values["cidr"]:
        version = inet.ip_network(values["cidr"]).version
        subnets.create(call.actor, network_id=made.id, cidr=values["cidr"], ip_version=version, name=values["name"])
    return made


def only_admins_share(call: Call, form: forms.Form) -> None:
    if not call.actor.is_admin:
        del form.fields["shared"]


CREATE = FormDialog(
    panel="networks",
    title=gettext_lazy("Create network"),
    submit=gettext_lazy("Create"),
    form=NetworkForm,
    prepare=only_admins_share,
    do=create,
    next=to_made("network"),
)
EDIT = FormDialog(
    panel="networks",
    find=networks.find,
    title=gettext_lazy("Edit network"),
    submit=gettext_lazy("Keep"),
    form=EditForm,
    initial=from_row,
    do=lambda call, values: networks.update(call.actor, call.id, **values),
)
DELETE = Delete(
    panel="networks",
    find=networks.find,
    text=gettext_lazy("Its subnets go with it. It is refused while an instance or a router is on it."),
    submit=gettext_lazy("Delete the network"),
    do=lambda call: networks.delete(call.actor, call.id),
    next=to("networks"),
)


# ── Subnets ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class SubnetForm(Styled):
    name = Name(required=False)
    cidr = Cidr()
    gateway = forms.GenericIPAddressField(
        label=gettext_lazy("Gateway"), required=False, help_text=gettext_lazy("Empty: the first address.")
    )
    no_gateway = forms.BooleanField(label=gettext_lazy("No gateway"), required=False)
    enable_dhcp = forms.BooleanField(label=gettext_lazy("Addresses by DHCP"), required=False, initial=True)
    dns = Lines(label=gettext_lazy("DNS servers"), required=False, help_text=gettext_lazy("One a line."))


class EditSubnetForm(Styled):
    name = Name(required=False)
    enable_dhcp = forms.BooleanField(label=gettext_lazy("Addresses by DHCP"), required=False)
    dns = Lines(label=gettext_lazy("DNS servers"), required=False, help_text=gettext_lazy("One a line."))


def create_subnet(call: Call, values: dict[str, object]) -> None:
    gateway = None if values["no_gateway"] else values["gateway"] or subnets.AUTO
    subnets.create(
        call.actor, network_id=call.id, name=values["name"], cidr=values["cidr"], gateway_ip=gateway,
        ip_version=inet.ip_network(values["cidr"]).version, enable_dhcp=values["enable_dhcp"],
        dns_nameservers=values["dns"],
    )  # fmt: skip


def edit_subnet(call: Call, values: dict[str, object]) -> None:
    subnets.update(
        call.actor, call.id, name=values["name"], enable_dhcp=values["enable_dhcp"], dns_nameservers=values["dns"]
    )


def of_subnet(call: Call) -> dict[str, object]:
    row = call.row
    return {"name": row.name, "enable_dhcp": row.enable_dhcp, "dns": "\n".join(row.dns_nameservers)}


def subnet_verbs(call: Call) -> list[Action]:
    actor, row, ids = call.actor, call.row, [call.keys["id"], call.id]
    change, remove = gate(actor, "update_subnet", row), gate(actor, "delete_subnet", row)
    return [
        Action("edit-subnet", _("Edit"), "pencil", reverse("subnet-edit", args=ids), why=change),
        Action("delete-subnet", _("Delete"), "trash", reverse("subnet-delete", args=ids), why=remove, risk=True),
    ]


CREATE_SUBNET = FormDialog(
    panel="networks",
    title=gettext_lazy("Add subnet"),
    submit=gettext_lazy("Add"),
    form=SubnetForm,
    initial=lambda call: {"enable_dhcp": True},
    do=create_subnet,
    next=to("network", "id"),
)
SUBNET_MENU = Menu(panel="networks", find=subnets.find, key="subnet", actions=subnet_verbs)
EDIT_SUBNET = FormDialog(
    panel="networks",
    find=subnets.find,
    key="subnet",
    title=gettext_lazy("Edit subnet"),
    submit=gettext_lazy("Keep"),
    form=EditSubnetForm,
    initial=of_subnet,
    do=edit_subnet,
    next=to("network", "id"),
)
DELETE_SUBNET = Delete(
    panel="networks",
    find=subnets.find,
    key="subnet",
    name=lambda row: row.name or row.cidr,
    title=gettext_lazy("Delete the subnet %(name)s?"),
    submit=gettext_lazy("Delete the subnet"),
    do=lambda call: subnets.delete(call.actor, call.id),
    next=to("network", "id"),
)


# ── Ports ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class PortForm(Styled):
    name = Name(required=False)
    ip = forms.GenericIPAddressField(
        label=gettext_lazy("Address"), required=False, help_text=gettext_lazy("Empty: the next free one.")
    )


def create_port(call: Call, values: dict[str, object]) -> None:
    fixed = [{"ip_address": values["ip"]}] if values["ip"] else None
    ports.create(call.actor, network_id=call.id, name=values["name"], fixed_ips=fixed)


def port_verbs(call: Call) -> list[Action]:
    taken = _("It belongs to what it is attached to") if call.row.role else ""
    why = gate(call.actor, "delete_port", call.row, taken)
    url = reverse("port-delete", args=[call.keys["id"], call.id])
    return [Action("delete-port", _("Delete"), "trash", url, why=why, risk=True)]


CREATE_PORT = FormDialog(
    panel="networks",
    title=gettext_lazy("Add port"),
    submit=gettext_lazy("Add"),
    form=PortForm,
    do=create_port,
    next=to("network", "id"),
)
PORT_MENU = Menu(panel="networks", find=ports.find, key="port", actions=port_verbs)
DELETE_PORT = Delete(
    panel="networks",
    find=ports.find,
    key="port",
    name=lambda row: row.name or row.mac_address,
    title=gettext_lazy("Delete the port %(name)s?"),
    submit=gettext_lazy("Delete the port"),
    do=lambda call: ports.delete(call.actor, call.id),
    next=to("network", "id"),
)
