"""Launching: one page, the quota after it beside it, and the same as a command."""

import base64
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from authorization import policy
from authorization.context import RequestContext
from authorization.share_levels import OPERATE
from common.errors import CloudError, Invalid
from common.numbers import is_whole
from common.units import gib_of, human_mib
from compute.flavors import services as flavors
from compute.keypairs.models import KeyPair
from compute.servers.create import networks
from compute.servers.create import services as creating
from compute.servers.models import Server
from images.images import states as image_states
from images.images.models import Image
from networking.floatingips import services as floating_ips
from networking.networks.models import Network
from networking.ports.models import Port
from networking.securitygroups import defaults as group_defaults
from networking.securitygroups.models import SecurityGroup
from networking.subnets.models import Subnet
from portal.servers.dialogs import NEW, associate, floating_choices
from portal.ui.calls import Call, Declared, carry_out
from portal.ui.pages import Page, status_of
from quota import services as quota
from sharing import received

NAME_LIMIT, COUNT_LIMIT = 255, 50
#: Error class → the field that it is about.
FIELD_OF: tuple[tuple[type[CloudError], str], ...] = (
    (creating.ImageUnknown, "image"),
    (creating.ImageNotActive, "image"),
    (creating.FlavorUnknown, "flavor"),
    (creating.FlavorTooSmall, "flavor"),
    (creating.KeyUnknown, "key_name"),
    (creating.BadUserData, "user_data"),
    (creating.ZoneUnknown, "zone"),
    (networks.NetworkUnknown, "networks"),
    (networks.NetworkHasNoSubnet, "networks"),
    (quota.QuotaExceeded, "flavor"),
)


@dataclass
class LaunchSpec:
    """The fields of the launch form as sent, unchecked."""

    name: str = ""
    count: int = 1
    image: str = ""
    flavor: str = ""
    networks: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    floating: str = ""
    key_name: str = ""
    user_data: str = ""
    zone: str = ""
    config_drive: bool = False

    @classmethod
    def read(cls, data: Any) -> "LaunchSpec":
        """Read the form of a launch; a count that is no whole number is 0. `errors` says what is wrong."""
        count = data.get("count", "1").strip() or "1"
        return cls(
            name=data.get("name", "").strip(),
            count=int(count) if is_whole(count) else 0,
            image=data.get("image", ""),
            flavor=data.get("flavor", ""),
            networks=tuple(data.getlist("networks")),
            groups=tuple(data.getlist("groups")),
            floating=data.get("floating", ""),
            key_name=data.get("key_name", ""),
            user_data=data.get("user_data", "").replace("\r\n", "\n"),
            zone=data.get("zone", ""),
            config_drive=bool(data.get("config_drive")),
        )

    def errors(self) -> dict[str, str]:
        """Check the fields: name → sentence for each that is wrong."""
        found = {}
        if not self.name or len(self.name) > NAME_LIMIT:
            found["name"] = _("A name has 1 to 255 characters.")
        if not 1 <= self.count <= COUNT_LIMIT:
            found["count"] = _("From 1 to %(limit)s.") % {"limit": COUNT_LIMIT}
        if not self.image:
            found["image"] = _("Choose an image.")
        if not self.flavor:
            found["flavor"] = _("Choose a flavor.")
        if not self.networks:
            found["networks"] = _("Choose a network.")
        if not self.groups:
            found["groups"] = _("Choose a security group: the default one lets nothing in.")
        return found


@transaction.atomic
def launch(actor: RequestContext, spec: LaunchSpec) -> list[Server]:
    """Create the servers, and their floating IPs if asked, together or not at all.

    Raises: as creating.create() and associate(); Invalid where a floating IP cannot lead to them.
    """
    data = base64.b64encode(spec.user_data.encode()).decode() if spec.user_data.strip() else None
    servers = creating.create(
        actor,
        creating.Launch(
            name=spec.name,
            flavor_id=spec.flavor,
            image_id=spec.image,
            networks=[networks.Nic(network_id=id) for id in spec.networks] or None,
            security_groups=list(spec.groups),
            key_name=spec.key_name or None,
            user_data=data,
            config_drive=spec.config_drive,
            availability_zone=spec.zone or None,
            count=spec.count,
            at_least=spec.count,
        ),
    )
    if spec.floating:
        if len(servers) > 1 and not spec.floating.startswith(NEW):
            raise Invalid(reason=_("One floating IP leads to one instance; take new ones for several."))
        for server in servers:
            port = Port.objects.of_server(server).first()
            if port is None:
                raise Invalid(reason=_("Without a network there is nothing that a floating IP could lead to."))
            associate(actor, spec.floating, port.id, None)
    return servers


def flavor_rows(actor: RequestContext, use: dict[str, tuple[int, int]]) -> list[dict[str, object]]:
    """Flavors with what the project's memory would be after one more, and why one cannot be taken."""
    rows = []
    ram_used, ram_limit = use["ram"]
    cpu_used, cpu_limit = use["cores"]
    for flavor in flavors.visible(actor).filter(disabled=False).order_by("ram", "vcpus", "name"):
        why = ""
        if 0 <= cpu_limit < cpu_used + flavor.vcpus:
            why = _("over quota: %(after)s vCPUs of %(limit)s") % {"after": cpu_used + flavor.vcpus, "limit": cpu_limit}
        elif 0 <= ram_limit < ram_used + flavor.ram:
            why = _("over quota: %(after)s of %(limit)s") % {
                "after": human_mib(ram_used + flavor.ram), "limit": human_mib(ram_limit),
            }  # fmt: skip
        rows.append({"row": flavor, "why": why, "after": human_mib(ram_used + flavor.ram)})
    return rows


def image_rows(actor: RequestContext) -> list[dict[str, object]]:
    """Active images, own snapshots last; with the least disk each needs, in GiB."""
    query = Image.objects.listed_for(actor, visibility=None, member_status="accepted").filter(
        status=image_states.ACTIVE, os_hidden=False
    )
    rows = []
    for image in query.order_by("name", "-created_at")[:200]:
        need = max(image.min_disk, gib_of(image.virtual_size or 0))
        is_snapshot = (image.properties or {}).get("image_type") == "snapshot"
        rows.append({"row": image, "need": need, "snapshot": is_snapshot})
    return sorted(rows, key=lambda one: (one["snapshot"],))


def network_rows(actor: RequestContext) -> list[dict[str, object]]:
    rows = Network.objects.usable_by(actor).filter(external=False, subnets__isnull=False).distinct().order_by("name")
    if actor.project_id:
        rows = rows.filter(
            received.or_shared(actor, "network", Q(project_id=actor.project_id) | Q(shared=True), OPERATE)
        )
    subnets = list(Subnet.objects.filter(network__in=rows).values_list("pk", "network_id", "cidr"))
    outsides = floating_ips.outsides([pk for pk, _network, _cidr in subnets], actor.project_id or "")
    cidrs: dict[str, list[str]] = {}
    reach: dict[str, set[str]] = {}
    for pk, network, cidr in subnets:
        cidrs.setdefault(network, []).append(cidr)
        reach.setdefault(network, set()).update(outsides.get(pk, ()))
    return [{"row": row, "cidrs": cidrs.get(row.pk, []), "reach": sorted(reach.get(row.pk, ()))} for row in rows]


def floating_rows(actor: RequestContext, networks: list[dict[str, Any]]) -> list[dict[str, object]]:
    """List the floating IPs that can lead to an instance on one of the networks, each with those networks."""
    found: list[dict[str, object]] = []
    for outside in dict.fromkeys(outside for network in networks for outside in network["reach"]):
        where = " ".join(network["row"].pk for network in networks if outside in network["reach"])
        choices = floating_choices(actor, {outside})
        found += [{"value": value, "label": label, "where": where} for value, label in choices]
    return sorted(found, key=lambda one: str(one["value"]).startswith(NEW))


ABOUT = Declared(panel="instances")


class Launch(Page):
    panel = "instances"

    def get(self, request: HttpRequest) -> HttpResponse:
        policy.require(self.actor, "os_compute_api:servers:create", self.actor.project_id)
        data = request.GET
        spec = LaunchSpec.read(data) if data else LaunchSpec()
        return self.form(spec, {})

    def post(self, request: HttpRequest) -> HttpResponse:
        spec = LaunchSpec.read(request.POST)
        errors = spec.errors()
        if errors:
            return self.form(spec, errors, 422)
        try:
            servers = carry_out(Call(request, self.actor, ABOUT, {}), lambda: launch(self.actor, spec))
        except CloudError as error:
            field = next((name for kind, name in FIELD_OF if isinstance(error, kind)), "")
            return self.form(spec, {field: error.message}, status_of(error))
        if len(servers) == 1:
            return self.go(reverse("instance", args=[servers[0].id]))
        said = ngettext("%(count)s instance is on its way", "%(count)s instances are on their way", len(servers))
        return self.go(reverse("instances"), said % {"count": len(servers)})

    def form(self, spec: LaunchSpec, errors: dict[str, str], status: int = 200) -> HttpResponse:
        actor = self.actor
        project = actor.project_id or ""
        group_defaults.ensure_default(project)
        use, net = quota.usage(project, "compute"), quota.usage(project, "network")
        images, networks = image_rows(actor), network_rows(actor)
        groups = list(SecurityGroup.objects.filter(project_id=project).order_by("-is_default", "name"))
        choices = flavor_rows(actor, use)
        if not self.request.POST:
            _defaults(spec, images, choices, networks, groups)
        return self.page(
            "servers/launch.html",
            status,
            spec=spec, errors=errors, images=images, flavors=choices, networks=networks, groups=groups,
            keys=KeyPair.objects.filter(user_id=actor.user_id).order_by("name"),
            floating=floating_rows(actor, networks),
            zones=sorted(creating.known_zones()),
            use={"instances": use["instances"], "cores": use["cores"], "ram": use["ram"], "floatingip": net["floatingip"]},
        )  # fmt: skip


def _defaults(spec: LaunchSpec, images: list[Any], choices: list[Any], networks: list[Any], groups: list[Any]) -> None:
    """Such that a name is enough."""
    if not spec.image and images:
        spec.image = images[0]["row"].pk
    image = next((one for one in images if one["row"].pk == spec.image), None)
    need, ram = (image["need"], image["row"].min_ram) if image else (0, 0)
    if not spec.flavor:
        flavors = (one["row"] for one in choices if not one["why"])
        spec.flavor = next((row.pk for row in flavors if row.disk >= need and row.ram >= ram), "")
    if not spec.networks and networks:
        routed = [network for network in networks if network["reach"]]
        spec.networks = ((routed or networks)[0]["row"].pk,)
    if not spec.groups:
        spec.groups = tuple(group.pk for group in groups if group.is_default)
