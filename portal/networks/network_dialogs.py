"""Creating, changing and removing networks, subnets and ports."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from hostagent import inet
from networking.networks import services as networks
from networking.ports import services as ports
from networking.subnets import services as subnets
from portal.ui import Text
from portal.ui.dialogs import Confirm, FormDialog
from portal.ui.forms import Description, Lines, Name, Styled
from portal.ui.menus import Action, gate
from portal.ui.pages import Page


class Cidr(forms.CharField):
    """A network such as 10.0.1.0/24, IPv4 or IPv6."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Addresses"))
        super().__init__(**kwargs)
        self.widget.attrs.update({"placeholder": "10.0.1.0/24", "class": "mono", "spellcheck": "false"})

    def clean(self, value: Any) -> str:
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


class Create(FormDialog):
    panel = "networks"
    title, submit = gettext_lazy("Create network"), gettext_lazy("Create")
    form_class = NetworkForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        if not self.actor.is_admin:
            del form.fields["shared"]
        return form

    @transaction.atomic
    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        network = networks.create(actor, name=values["name"], shared=values.get("shared", False))
        if values["cidr"]:
            version = inet.ip_network(values["cidr"]).version
            subnets.create(actor, network_id=network.id, cidr=values["cidr"], ip_version=version, name=values["name"])
        return reverse("network", args=[network.id]), ""


class EditForm(Styled):
    name = Name(required=False)
    description = Description()
    admin_state_up = forms.BooleanField(label=gettext_lazy("Switched on"), required=False)


class Edit(FormDialog):
    panel = "networks"
    title, submit = gettext_lazy("Edit network"), gettext_lazy("Keep")
    form_class = EditForm

    def initial(self, **keys: str) -> dict[str, Any]:
        row = networks.find(self.actor, keys["id"])
        return {name: getattr(row, name) for name in EditForm.base_fields}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        networks.update(actor, keys["id"], **values)
        return "", ""


class Delete(Confirm):
    panel = "networks"
    submit, keep = gettext_lazy("Delete the network"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Delete %(name)s?") % {"name": networks.find(self.actor, keys["id"]).name or keys["id"]}

    def text(self, **keys: str) -> Text:
        return _("Its subnets go with it. It is refused while an instance or a router is on it.")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        networks.delete(actor, keys["id"])
        return reverse("networks"), ""


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


class CreateSubnet(FormDialog):
    panel = "networks"
    title, submit = gettext_lazy("Add subnet"), gettext_lazy("Add")
    form_class = SubnetForm

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"enable_dhcp": True}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        gateway = None if values["no_gateway"] else values["gateway"] or subnets.AUTO
        subnets.create(
            actor, network_id=keys["id"], name=values["name"], cidr=values["cidr"], gateway_ip=gateway,
            ip_version=inet.ip_network(values["cidr"]).version, enable_dhcp=values["enable_dhcp"],
            dns_nameservers=values["dns"],
        )  # fmt: skip
        return reverse("network", args=[keys["id"]]), ""


class EditSubnetForm(Styled):
    name = Name(required=False)
    enable_dhcp = forms.BooleanField(label=gettext_lazy("Addresses by DHCP"), required=False)
    dns = Lines(label=gettext_lazy("DNS servers"), required=False, help_text=gettext_lazy("One a line."))


class EditSubnet(FormDialog):
    panel = "networks"
    title, submit = gettext_lazy("Edit subnet"), gettext_lazy("Keep")
    form_class = EditSubnetForm

    def initial(self, **keys: str) -> dict[str, Any]:
        row = subnets.find(self.actor, keys["subnet"])
        return {"name": row.name, "enable_dhcp": row.enable_dhcp, "dns": "\n".join(row.dns_nameservers)}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        subnets.update(
            actor, keys["subnet"], name=values["name"], enable_dhcp=values["enable_dhcp"], dns_nameservers=values["dns"]
        )
        return reverse("network", args=[keys["id"]]), ""


class DeleteSubnet(Confirm):
    panel = "networks"
    submit, keep = gettext_lazy("Delete the subnet"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        row = subnets.find(self.actor, keys["subnet"])
        return _("Delete the subnet %(name)s?") % {"name": row.name or row.cidr}

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        subnets.delete(actor, keys["subnet"])
        return reverse("network", args=[keys["id"]]), ""


class SubnetMenu(Page):
    panel = "networks"

    def get(self, request: HttpRequest, id: str, subnet: str) -> HttpResponse:
        row = subnets.find(self.actor, subnet)
        actions = [
            Action("edit-subnet", _("Edit"), "pencil", reverse("subnet-edit", args=[id, subnet]),
                   why=gate(self.actor, "network:subnet:update", row)),
            Action("delete-subnet", _("Delete"), "trash", reverse("subnet-delete", args=[id, subnet]),
                   why=gate(self.actor, "network:subnet:delete", row), risk=True),
        ]  # fmt: skip
        return self.fragment("ui/menu.html", actions=actions, id=subnet)


# ── Ports ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class PortForm(Styled):
    name = Name(required=False)
    ip = forms.GenericIPAddressField(
        label=gettext_lazy("Address"), required=False, help_text=gettext_lazy("Empty: the next free one.")
    )


class CreatePort(FormDialog):
    panel = "networks"
    title, submit = gettext_lazy("Add port"), gettext_lazy("Add")
    form_class = PortForm

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        fixed = [{"ip_address": values["ip"]}] if values["ip"] else None
        ports.create(actor, network_id=keys["id"], name=values["name"], fixed_ips=fixed)
        return reverse("network", args=[keys["id"]]), ""


class DeletePort(Confirm):
    panel = "networks"
    submit, keep = gettext_lazy("Delete the port"), gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        row = ports.find(self.actor, keys["port"])
        return _("Delete the port %(name)s?") % {"name": row.name or row.mac_address}

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        ports.delete(actor, keys["port"])
        return reverse("network", args=[keys["id"]]), ""


class PortMenu(Page):
    panel = "networks"

    def get(self, request: HttpRequest, id: str, port: str) -> HttpResponse:
        row = ports.find(self.actor, port)
        why = _("It belongs to what it is attached to") if row.role else ""
        delete = Action(
            "delete-port", _("Delete"), "trash", reverse("port-delete", args=[id, port]),
            why=gate(self.actor, "network:port:delete", row, why), risk=True,
        )  # fmt: skip
        return self.fragment("ui/menu.html", actions=[delete], id=port)
