"""Launching: one page, the quota after it beside it, and the same as a command."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import ngettext

from authorization import policy
from common.errors import CloudError
from compute.drafts import services as drafts
from compute.drafts.models import SNIPPET, TEMPLATE, Draft
from compute.keypairs.models import KeyPair
from compute.servergroups.models import ServerGroup
from compute.servers.create import limits, networks
from compute.servers.create import services as creating
from compute.servers.create.errors import FlavorTooSmall
from compute.servers.create.volumes import DeviceNotBootable, OneServerOnly, VolumeNotFree, VolumeUnknown
from networking.errors import InvalidIpForNetwork, InvalidIpForSubnet, IpAddressAlreadyAllocated
from networking.securitygroups import defaults as group_defaults
from portal.servers import doors, launch_offers, userdata
from portal.servers.launch_offers import FlavorOffer, GroupOffer, ImageOffer, NetworkOffer
from portal.servers.launch_spec import LaunchSpec, launch
from portal.ui.calls import Call, Declared, carry_out
from portal.ui.pages import Page, status_of
from quota import services as quota
from volumes.volumes.errors import BadVolumeSize

#: Error class → the field that it is about.
FIELD_OF: tuple[tuple[type[CloudError], str], ...] = (
    (creating.ImageUnknown, "image"),
    (VolumeUnknown, "image"),
    (VolumeNotFree, "image"),
    (DeviceNotBootable, "image"),
    (OneServerOnly, "count"),
    (BadVolumeSize, "volume_size"),
    (creating.ImageNotActive, "image"),
    (creating.FlavorUnknown, "flavor"),
    (FlavorTooSmall, "flavor"),
    (creating.KeyUnknown, "key_name"),
    (creating.BadUserData, "user_data"),
    (creating.ZoneUnknown, "zone"),
    (creating.ServerGroupMissing, "server_group"),
    (creating.GroupFull, "server_group"),
    (limits.BadMetadata, "metadata"),
    (limits.TooManyItems, "metadata"),
    (networks.NetworkUnknown, "networks"),
    (networks.NetworkHasNoSubnet, "networks"),
    (networks.PortUnknown, "ports"),
    (networks.PortTaken, "ports"),
    (InvalidIpForNetwork, "fixed"),
    (InvalidIpForSubnet, "fixed"),
    (IpAddressAlreadyAllocated, "fixed"),
    (quota.QuotaExceeded, "flavor"),
)
ABOUT = Declared(panel="instances")
#: Fields that are folded away; with an error in one of them they are not.
MORE = ("description", "zone", "server_group", "disk_config", "ports", "fixed", "metadata", "hints")


class Launch(Page):
    """GET: the form, as the address says, or the half-filled one goes on. POST: the servers."""

    panel = "instances"

    def get(self, request: HttpRequest) -> HttpResponse:
        policy.require(self.actor, "os_compute_api:servers:create", self.actor.project_id)
        draft = drafts.half_filled(self.actor)
        if "template" in request.GET:
            template = drafts.find(self.actor, TEMPLATE, request.GET["template"])
            spec = LaunchSpec.of_draft(template.fields)
            return self.form(spec, {}, waits=other(draft, spec))
        if request.GET and "draft" not in request.GET:
            spec = LaunchSpec.read(request.GET)
            return self.form(spec, {}, waits=other(draft, spec), is_new=True)
        if draft is not None:
            return self.form(LaunchSpec.of_draft(draft.fields), {}, goes_on=draft)
        return self.form(LaunchSpec(), {}, is_new=True)

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
        drafts.forget(self.actor)
        if len(servers) == 1:
            return self.go(reverse("instance", args=[servers[0].id]))
        said = ngettext("%(count)s instance is on its way", "%(count)s instances are on their way", len(servers))
        return self.go(reverse("instances"), said % {"count": len(servers)})

    def form(
        self,
        spec: LaunchSpec,
        errors: dict[str, str],
        status: int = 200,
        *,
        waits: Draft | None = None,
        goes_on: Draft | None = None,
        is_new: bool = False,
    ) -> HttpResponse:
        """Show the form. `goes_on`: the draft that it shows; `waits`: one that it does not; `is_new`: what is empty is chosen."""
        actor, project = self.actor, self.actor.project_id or ""
        use, net = quota.usage(project, "compute"), quota.usage(project, "network")
        images, nets = launch_offers.of_images(actor), launch_offers.of_networks(actor, spec.fixed)
        groups, flavors = launch_offers.of_groups(project), launch_offers.of_flavors(actor, use)
        spec.groups = tuple(groups[0].row.pk if id == group_defaults.NAME else id for id in spec.groups)
        if is_new:
            _defaults(spec, images, flavors, nets, groups)
        return self.page(
            "servers/launch.html",
            status,
            spec=spec, errors=errors, images=images, volumes=launch_offers.of_volumes(actor), types=launch_offers.of_types(actor), flavors=flavors, networks=nets, groups=groups,
            ports=launch_offers.of_ports(actor), doors=[(name, port, word) for name, (port, word) in doors.DOORS.items()],
            keys=KeyPair.objects.filter(user_id=actor.user_id).order_by("name"),
            floating=launch_offers.of_floating(actor, nets),
            zones=sorted(creating.known_zones()), known=launch_offers.known_metadata(actor),
            server_groups=ServerGroup.objects.filter(project_id=project).order_by("name"),
            recipes=userdata.RECIPES, snippets=drafts.of(actor, SNIPPET), templates=drafts.of(actor, TEMPLATE),
            draft=goes_on, waiting=waits, more=spec.has_more or any(name in errors for name in MORE),
            use={"instances": use["instances"], "cores": use["cores"], "ram": use["ram"], "floatingip": net["floatingip"]},
        )  # fmt: skip

    def again(self, data: QueryDict, **errors: str) -> HttpResponse:
        """Show what was sent, with what else than a launch went wrong."""
        return self.form(LaunchSpec.read(data), errors, 422)


def other(draft: Draft | None, spec: LaunchSpec) -> Draft | None:
    """Return the half-filled launch where it is not what `spec` shows already."""
    return draft if draft and LaunchSpec.of_draft(draft.fields) != spec else None


def _defaults(
    spec: LaunchSpec,
    images: Sequence[ImageOffer],
    flavors: Sequence[FlavorOffer],
    networks: Sequence[NetworkOffer],
    groups: Sequence[GroupOffer],
) -> None:
    """Such that a name is enough."""
    if not spec.image and images:
        spec.image = images[0].row.pk
    image = next((one for one in images if one.row.pk == spec.image), None)
    need, ram = (image.need, image.row.min_ram) if image else (0, 0)
    if not spec.flavor:
        free = (one.row for one in flavors if not one.why)
        spec.flavor = next((row.pk for row in free if row.disk >= need and row.ram >= ram), "")
    if not spec.networks and not spec.ports and networks:
        routed = [network for network in networks if network.reach]
        spec.networks = ((routed or networks)[0].row.pk,)
    if not spec.groups:
        spec.groups = tuple(one.row.pk for one in groups if one.row.is_default)
