"""The verbs of an instance that ask something first."""

from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.actor import Actor
from common.clock import now
from compute.flavors import services as flavors
from compute.servers import changing, services
from compute.servers.models import Server
from compute.servers.wiring import Nic
from images.images import states as image_states
from images.images.models import Image
from networking.floatingips import services as floating_ips
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports import services as ports
from networking.ports.models import Port
from portal.templatetags.look import gib, mib
from portal.ui import Text
from portal.ui.dialogs import Confirm, FormDialog, choices
from portal.ui.forms import Description, Name, Styled


def named(actor: Actor, id: str) -> Server:
    return services.find(actor, id)


class SnapshotForm(Styled):
    name = Name()


class Snapshot(FormDialog):
    panel = "instances"
    title = gettext_lazy("Take a snapshot")
    submit = gettext_lazy("Take it")
    hint = gettext_lazy("An image of the root disk as it is now. A running instance goes on running.")
    form_class = SnapshotForm

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"name": f"{named(self.actor, keys['id']).name}-{now():%Y-%m-%d-%H%M}"}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        changing.snapshot(actor, server_id=keys["id"], name=values["name"])
        return "", _("Taking the snapshot %(name)s") % values


class EditForm(Styled):
    name = Name()
    description = Description()


class Edit(FormDialog):
    panel = "instances"
    title = gettext_lazy("Edit instance")
    submit = gettext_lazy("Keep")
    form_class = EditForm

    def initial(self, **keys: str) -> dict[str, Any]:
        server = named(self.actor, keys["id"])
        return {"name": server.name, "description": server.description or ""}

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        services.update(actor, server_id=keys["id"], name=values["name"], description=values["description"] or None)
        return "", ""


class FlavorForm(Styled):
    flavor = forms.ChoiceField(label=gettext_lazy("Flavor"))


class Resize(FormDialog):
    panel = "instances"
    title = gettext_lazy("Resize")
    submit = gettext_lazy("Resize")
    hint = gettext_lazy("The instance stops, gets its new size, starts again, and waits for you to confirm or revert.")
    form_class = FlavorForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        server = named(self.actor, keys["id"])
        rows = flavors.visible(self.actor).exclude(pk=server.flavor_id).order_by("ram", "vcpus")
        form.fields["flavor"].choices = [  # type: ignore[attr-defined]
            (row.pk, f"{row.name}: {row.vcpus} vCPU, {mib(row.ram)}, {gib(row.disk)}") for row in rows
        ]
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        changing.resize(actor, server_id=keys["id"], flavor_id=values["flavor"])
        return "", ""


class ImageForm(Styled):
    image = forms.ChoiceField(label=gettext_lazy("Image"))


class Rebuild(FormDialog):
    panel = "instances"
    title = gettext_lazy("Rebuild")
    submit = gettext_lazy("Rebuild")
    risk = True
    hint = gettext_lazy(
        "The root disk is made anew from an image; what is on it now is lost. Name, addresses and id stay."
    )
    form_class = ImageForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        rows = Image.objects.listed_for(self.actor, visibility=None, member_status="accepted")
        form.fields["image"].choices = choices(rows.filter(status=image_states.ACTIVE).order_by("name"))  # type: ignore[attr-defined]
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        changing.rebuild(actor, server_id=keys["id"], image_id=values["image"])
        return "", ""


class Delete(Confirm):
    """One instance, or those of ?ids=; several want their number typed."""

    panel = "instances"

    def servers(self, **keys: str) -> list[Server]:
        ids = [keys["id"]] if "id" in keys else self.request.GET.get("ids", "").split(",")[:200]
        return [named(self.actor, id) for id in ids if id]

    def heading(self, **keys: str) -> Text:
        found = self.servers(**keys)
        if len(found) == 1:
            return _("Delete %(name)s?") % {"name": found[0].name}
        return _("Delete %(count)s instances?") % {"count": len(found)}

    def text(self, **keys: str) -> Text:
        return ngettext(
            "Its root disk goes with it. It cannot be undone.",
            "Root disks go with them. It cannot be undone.",
            len(self.servers(**keys)),
        )

    def names(self, **keys: str) -> list[tuple[str, Text]]:
        found = self.servers(**keys)
        where = ports.addresses({server.id: server.project_id for server in found})
        lines: list[tuple[str, Text]] = []
        for server in found:
            outer = [entry["ip"] for entry in where[server.id] if entry["type"] == "floating"]
            said = _("floating IP %(ip)s stays with the project") % {"ip": ", ".join(outer)} if outer else ""
            busy = _("busy: deleted after that") if server.task_state else ""
            lines.append((server.name, " · ".join(text for text in (said, busy) if text)))
        return lines

    def must_type(self, **keys: str) -> str:
        count = len(self.servers(**keys))
        return str(count) if count > 1 else ""

    @property
    def _count(self) -> int:
        return len(self.servers(**{name: str(value) for name, value in self.kwargs.items()}))

    @property
    def submit(self) -> Text:  # type: ignore[override]
        return ngettext("Delete the instance", "Delete %(count)s instances", self._count) % {"count": self._count}

    @property
    def keep(self) -> Text:  # type: ignore[override]
        return _("Keep it") if self._count == 1 else _("Keep them")

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        for server in self.servers(**keys):
            services.delete(actor, server_id=server.id)
        return "", ""


# ── Addresses ───────────────────────────────────────────────────────────────────────────────────────────────────────

NEW = "new:"


class FloatingForm(Styled):
    floating = forms.ChoiceField(label=gettext_lazy("Floating IP"))
    port = forms.ChoiceField(label=gettext_lazy("Leads to"))


def floating_choices(actor: Actor) -> list[tuple[str, Text]]:
    """Those that lead nowhere, then a new one from each external network."""
    free = FloatingIP.objects.filter(project_id=actor.project_id or "", port=None).order_by("floating_ip_address")
    found: list[tuple[str, Text]] = [(row.pk, row.floating_ip_address) for row in free]
    pools = Network.objects.visible_to(actor).filter(external=True).order_by("name")
    found += [(NEW + row.pk, _("A new one from %(pool)s") % {"pool": row.name}) for row in pools]
    return found


def port_choices(server: Server) -> list[tuple[str, Text]]:
    found = ports.addresses({server.id: server.project_id})[server.id]
    entries = [entry for entry in found if entry["type"] == "fixed" and entry["version"] == 4]
    return [(f"{entry['port_id']} {entry['ip']}", f"{entry['ip']} ({entry['network_name']})") for entry in entries]


def associate(actor: Actor, choice: str, port_id: str, fixed_ip: str | None) -> str:
    """Point a floating IP, or a new one, at a port; its address. Raises: what the network service raises."""
    if choice.startswith(NEW):
        row = floating_ips.create(
            actor, network_id=choice.removeprefix(NEW), port_id=port_id, fixed_ip_address=fixed_ip
        )
    else:
        row = floating_ips.update(actor, choice, port_id=port_id, fixed_ip_address=fixed_ip)
    return row.floating_ip_address


class AddFloatingIP(FormDialog):
    panel = "instances"
    title = gettext_lazy("Add floating IP")
    submit = gettext_lazy("Add it")
    hint = gettext_lazy("An address of the outside that leads to the instance.")
    form_class = FloatingForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        server = named(self.actor, keys["id"])
        form.fields["floating"].choices = floating_choices(self.actor)  # type: ignore[attr-defined]
        form.fields["port"].choices = port_choices(server)  # type: ignore[attr-defined]
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        port_id, _space, fixed = values["port"].partition(" ")
        ip = associate(actor, values["floating"], port_id, fixed)
        return "", _("%(ip)s leads here") % {"ip": ip}


class AttachForm(Styled):
    network = forms.ChoiceField(label=gettext_lazy("Network"))


class Attach(FormDialog):
    panel = "instances"
    title = gettext_lazy("Attach an interface")
    submit = gettext_lazy("Attach")
    form_class = AttachForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        form = super().form(data, files, **keys)
        rows = Network.objects.usable_by(self.actor).filter(external=False, subnets__isnull=False).distinct()
        form.fields["network"].choices = choices(rows.order_by("name"))  # type: ignore[attr-defined]
        return form

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        changing.attach_interface(actor, server_id=keys["id"], nic=Nic(network_id=values["network"]))
        return "", ""


class Detach(Confirm):
    panel = "instances"
    submit = gettext_lazy("Detach the interface")
    keep = gettext_lazy("Keep it")

    def heading(self, **keys: str) -> Text:
        return _("Detach this interface?")

    def names(self, **keys: str) -> list[tuple[str, Text]]:
        server = named(self.actor, keys["id"])
        found = Port.objects.of_server(server).filter(pk=keys["port"]).select_related("network").first()
        return [(found.mac_address, found.network.name)] if found else []

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        changing.detach_interface(actor, server_id=keys["id"], port_id=keys["port"])
        return "", ""


class GroupsForm(Styled):
    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Security groups"), widget=forms.CheckboxSelectMultiple, required=False
    )


class Groups(FormDialog):
    """Which groups the instance's ports are in."""

    panel = "instances"
    title = gettext_lazy("Security groups")
    submit = gettext_lazy("Keep")
    form_class = GroupsForm

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        from networking.securitygroups.models import SecurityGroup

        form = super().form(data, files, **keys)
        server = services.find(self.actor, keys["id"], "compute:server:security_groups")
        rows = SecurityGroup.objects.filter(project_id=server.project_id).order_by("name")
        form.fields["groups"].choices = choices(rows)  # type: ignore[attr-defined]
        return form

    def initial(self, **keys: str) -> dict[str, Any]:
        return {"groups": [group["id"] for group in changing.groups_of(named(self.actor, keys["id"]))]}

    @transaction.atomic
    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        have, want = set(self.initial(**keys)["groups"]), set(values["groups"])
        for group in sorted(want - have):
            changing.add_group(actor, server_id=keys["id"], name=group)
        for group in sorted(have - want):
            changing.remove_group(actor, server_id=keys["id"], name=group)
        return "", ""
