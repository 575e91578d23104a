"""The verbs of an instance that ask something first."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import transaction
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from authorization.context import RequestContext
from common.clock import now
from compute.flavors import services as flavors
from compute.servers.lifecycle import deletion, groups, rebuild, resize, services, snapshots
from compute.servers.models import Server
from images.images import states as image_states
from images.images.models import Image
from networking.floatingips import services as floating_ips
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports import services as ports
from networking.ports.models import FixedIP, Port
from networking.securitygroups.models import SecurityGroup
from portal.templatetags.look import gib, mib
from portal.ui import Text
from portal.ui.calls import Call, leave
from portal.ui.dialogs import FormDialog, Results, choices
from portal.ui.forms import Description, Name, Styled
from portal.ui.removal import Done, Removal


def of_id(actor: RequestContext, id: str) -> Server:
    return services.find(actor, id)


class SnapshotForm(Styled):
    name = Name()


class EditForm(Styled):
    name = Name()
    description = Description()


class DiskConfig(forms.ChoiceField):
    """How a new disk is partitioned; empty is as it was."""

    def __init__(self) -> None:
        offered = [
            ("", gettext_lazy("As it is")),
            ("MANUAL", gettext_lazy("Manual: as the image has it")),
            ("AUTO", gettext_lazy("Automatic: one that fills the disk")),
        ]
        super().__init__(label=gettext_lazy("Disk partition"), required=False, choices=offered)


class FlavorForm(Styled):
    flavor = forms.ChoiceField(label=gettext_lazy("Flavor"))
    disk_config = DiskConfig()


class ImageForm(Styled):
    image = forms.ChoiceField(label=gettext_lazy("Image"))
    disk_config = DiskConfig()
    description = Description()


def snapshot(call: Call, values: dict[str, Any]) -> str:
    """Begin a snapshot, and return its name."""
    snapshots.snapshot(call.actor, server_id=call.id, name=values["name"])
    return str(values["name"])


def edit(call: Call, values: dict[str, object]) -> None:
    description = values["description"] or None
    services.update(call.actor, server_id=call.id, name=values["name"], description=description)


def sizes(call: Call) -> list[tuple[str, str]]:
    """List the flavors that it can have: another one, whose disk is not smaller."""
    rows = flavors.visible(call.actor).exclude(pk=call.row.flavor_id).filter(disk__gte=call.row.flavor["disk"])
    rows = rows.filter(disabled=False).order_by("ram", "vcpus")
    return [(row.pk, f"{row.name}: {row.vcpus} vCPU, {mib(row.ram)}, {gib(row.disk)}") for row in rows]


def images(call: Call) -> list[tuple[str, Text]]:
    rows = Image.objects.listed_for(call.actor, visibility=None, member_status="accepted")
    return choices(rows.filter(status=image_states.ACTIVE).order_by("name"))


def rebuilt(call: Call, image: str, disk_config: str, description: str) -> None:
    """Begin a rebuild."""
    changes: dict[str, str | None] = {"description": description or None}
    if disk_config:
        changes["disk_config"] = disk_config
    rebuild.rebuild(call.actor, server_id=call.id, image_id=image, **changes)


SNAPSHOT = FormDialog(
    panel="instances",
    find=of_id,
    title=gettext_lazy("Take a snapshot"),
    submit=gettext_lazy("Take it"),
    hint=gettext_lazy("An image of the root disk as it is now. A running instance goes on running."),
    form=SnapshotForm,
    initial=lambda call: {"name": f"{call.row.name}-{now():%Y-%m-%d-%H%M}"},
    do=snapshot,
    said=lambda name: _("Taking the snapshot %(name)s") % {"name": name},
)
EDIT = FormDialog(
    panel="instances",
    find=of_id,
    title=gettext_lazy("Edit instance"),
    submit=gettext_lazy("Save"),
    form=EditForm,
    initial=lambda call: {"name": call.row.name, "description": call.row.description or ""},
    do=edit,
)
RESIZE = FormDialog(
    panel="instances",
    find=of_id,
    title=gettext_lazy("Resize"),
    submit=gettext_lazy("Resize"),
    hint=gettext_lazy("The instance stops, gets its new size, starts again, and waits for you to confirm or revert."),
    form=FlavorForm,
    choices={"flavor": sizes},
    do=lambda call, values: resize.resize(
        call.actor, server_id=call.id, flavor_id=values["flavor"], disk_config=values["disk_config"] or None
    ),
)
REBUILD = FormDialog(
    panel="instances",
    title=gettext_lazy("Rebuild"),
    submit=gettext_lazy("Rebuild"),
    risk=True,
    hint=gettext_lazy(
        "The root disk is made anew from an image; what is on it now is lost. Name, addresses and id stay."
    ),
    form=ImageForm,
    find=of_id,
    initial=lambda call: {"image": call.row.image_id, "description": call.row.description or ""},
    choices={"image": images},
    do=lambda call, values: rebuilt(call, **values),
)


# ── Deleting one, or several ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Deletion(Removal):
    """A deletion is begun, and the instance goes when its host is done. The toast names a single one."""

    def lines(self, call: Call) -> list[tuple[str, Text]]:
        """List each instance, with what of it stays."""
        where = ports.addresses({server.id: server.project_id for server in call.rows})
        outer = {id: [entry["ip"] for entry in entries if entry["type"] == "floating"] for id, entries in where.items()}
        return [(server.name, what_stays(server, outer[server.id])) for server in call.rows]

    def do(self, call: Call) -> Results | Done:
        names = [server.name for server in call.rows]
        made = super().do(call)
        return names[0] if made is None else made

    def tally(self, done: int, count: int) -> str:
        return _("%(done)s of %(all)s are being deleted") % {"done": done, "all": count}

    def next(self, call: Call, done: Done) -> str:
        """Stay where the socket brings what changed."""
        return super().next(call, done) if leave(self.route, "instance")(call, done) else ""

    def said(self, done: Done) -> str:
        if isinstance(done, str):
            return _("Deleting %(name)s") % {"name": done}
        return ngettext("Deleting %(count)s instance", "Deleting %(count)s instances", done or 0) % {"count": done}


def what_stays(server: Server, outer: list[str]) -> str:
    said = _("floating IP %(ip)s stays with the project") % {"ip": ", ".join(outer)} if outer else ""
    busy = _("busy: deleted after that") if server.task_state else ""
    return " · ".join(text for text in (said, busy) if text)


def delete_text(call: Call) -> str:
    return ngettext(
        "Its root disk goes with it. It cannot be undone.",
        "Root disks go with them. It cannot be undone.",
        len(call.rows),
    )


DELETE = Deletion(
    panel="instances",
    find=of_id,
    route="instances",
    everywhere="all-instances",
    text=delete_text,
    one=gettext_lazy("Delete the instance"),
    bulk=gettext_lazy("Delete the instances"),
    gone=gettext_lazy("being deleted"),
    remove=lambda call, id: deletion.delete(call.actor, server_id=id),
)


# ── Addresses ───────────────────────────────────────────────────────────────────────────────────────────────────────

NEW = "new:"


class FloatingForm(Styled):
    floating = forms.ChoiceField(label=gettext_lazy("Floating IP"))
    port = forms.ChoiceField(label=gettext_lazy("Leads to"))


def floating_choices(actor: RequestContext, reach: set[str] | None = None) -> list[tuple[str, Text]]:
    """List the project's unassociated floating IPs, then a new one from each external network; of those in `reach` alone."""
    free = FloatingIP.objects.filter(project_id=actor.project_id or "", port=None).order_by("floating_ip_address")
    pools = Network.objects.visible_to(actor).filter(external=True).order_by("name")
    if reach is not None:
        free, pools = free.filter(network__in=reach), pools.filter(pk__in=reach)
    found: list[tuple[str, Text]] = [(row.pk, row.floating_ip_address) for row in free]
    found += [(NEW + row.pk, _("A new one from %(pool)s") % {"pool": row.name}) for row in pools]
    return found


def reach_of(server: Server) -> dict[str, set[str]]:
    """Read the server's IPv4 subnets that a router joins to the outside → the external networks there."""
    subnets = FixedIP.objects.filter(port__in=Port.objects.of_server(server), subnet__ip_version=4)
    return floating_ips.outsides(set(subnets.values_list("subnet_id", flat=True)), server.project_id)


def no_way_out(server: Server) -> str:
    """Say why no floating IP can lead to a server; "" if one can."""
    return "" if reach_of(server) else _("No router joins its networks to the outside")


def port_choices(server: Server) -> list[tuple[str, Text]]:
    """List the server's addresses to which a floating IP can lead."""
    reach = reach_of(server)
    held = FixedIP.objects.filter(port__in=Port.objects.of_server(server), subnet__in=reach)
    return [
        (f"{row.port_id} {row.ip_address}", f"{row.ip_address} ({row.port.network.name})")
        for row in held.select_related("port__network").order_by("port__created_at", "ip_address")
    ]


def associate(actor: RequestContext, choice: str, port_id: str, fixed_ip: str | None) -> str:
    """Point a floating IP, or a new one, at a port; its address. Raises: what the network service raises."""
    if choice.startswith(NEW):
        row = floating_ips.create(
            actor, network_id=choice.removeprefix(NEW), port_id=port_id, fixed_ip_address=fixed_ip
        )
    else:
        row = floating_ips.update(actor, choice, port_id=port_id, fixed_ip_address=fixed_ip)
    return row.floating_ip_address


def add_floating_ip(call: Call, values: dict[str, Any]) -> str:
    """Add a floating IP, and return the address that leads to the instance."""
    port_id, _space, fixed = values["port"].partition(" ")
    return associate(call.actor, values["floating"], port_id, fixed)


ADD_FLOATING_IP = FormDialog(
    panel="instances",
    find=of_id,
    title=gettext_lazy("Add floating IP"),
    submit=gettext_lazy("Add it"),
    hint=gettext_lazy("An address of the outside that leads to the instance."),
    form=FloatingForm,
    choices={
        "floating": lambda call: floating_choices(call.actor, set().union(*reach_of(call.row).values())),
        "port": lambda call: port_choices(call.row),
    },
    do=add_floating_ip,
    said=lambda ip: _("%(ip)s leads here") % {"ip": ip},
)

# ── Security groups ─────────────────────────────────────────────────────────────────────────────────────────────────


class GroupsForm(Styled):
    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Security groups"), widget=forms.CheckboxSelectMultiple, required=False
    )


def groups_offered(call: Call) -> list[tuple[str, Text]]:
    server = services.find(call.actor, call.id, "os_compute_api:os-security-groups:add")
    return choices(SecurityGroup.objects.filter(project_id=server.project_id).order_by("name"))


def groups_had(call: Call) -> list[str]:
    return [group["id"] for group in groups.groups_of(of_id(call.actor, call.id))]


@transaction.atomic
def set_groups(call: Call, values: dict[str, Any]) -> None:
    """Make the groups of the instance's ports those that are ticked."""
    have, want = set(groups_had(call)), set(values["groups"])
    for group in sorted(want - have):
        groups.add_group(call.actor, server_id=call.id, name=group)
    for group in sorted(have - want):
        groups.remove_group(call.actor, server_id=call.id, name=group)


GROUPS = FormDialog(
    panel="instances",
    title=gettext_lazy("Security groups"),
    submit=gettext_lazy("Save"),
    form=GroupsForm,
    initial=lambda call: {"groups": groups_had(call)},
    choices={"groups": groups_offered},
    do=set_groups,
)

URLS = [
    path("instances/delete", DELETE.as_view(), name="instances-delete"),
    path("instances/<str:id>/snapshot", SNAPSHOT.as_view(), name="instance-snapshot"),
    path("instances/<str:id>/edit", EDIT.as_view(), name="instance-edit"),
    path("instances/<str:id>/resize", RESIZE.as_view(), name="instance-resize"),
    path("instances/<str:id>/rebuild", REBUILD.as_view(), name="instance-rebuild"),
    path("instances/<str:id>/delete", DELETE.as_view(), name="instance-delete"),
    path("instances/<str:id>/floating-ip", ADD_FLOATING_IP.as_view(), name="instance-floating-ip"),
    path("instances/<str:id>/groups", GROUPS.as_view(), name="instance-groups"),
]
