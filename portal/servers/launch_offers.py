"""What the launch form offers: each list in a few queries, with what tells whether a choice will work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q
from django.utils.translation import gettext as _

from authorization.context import RequestContext
from authorization.share_levels import OPERATE
from common.numbers import is_whole
from common.units import gib_of, human_mib
from compute.flavors import services as flavors
from compute.flavors.models import Flavor
from compute.servers.create import room
from images.images import states as image_states
from images.images.models import Image
from images.metadefs import services as metadefs
from images.metadefs.models import PROPERTY, RESOURCE_TYPE, Definition
from networking.floatingips import services as floating_ips
from networking.networks.models import Network
from networking.ports.models import Port
from networking.securitygroups import defaults
from networking.securitygroups.models import SecurityGroup
from networking.subnets.models import Subnet
from portal.servers import doors
from portal.servers.dialogs import NEW, floating_choices
from portal.ui import Text
from portal.volumes.listing import type_word
from sharing import received
from volumes.snapshots import states as snapshot_states
from volumes.snapshots.models import Snapshot
from volumes.types.models import VolumeType
from volumes.volumes import states as volume_states
from volumes.volumes.models import Volume

#: Distribution, as images name it (os_distro) → the icon of its card.
LOGOS = {"debian": "brand-debian", "ubuntu": "brand-ubuntu"}
IMAGES, PORTS = 200, 200  # rows at most
COUNTED = 999  # instances that a host may have room for: nobody counts on


@dataclass(frozen=True)
class FlavorOffer:
    """A flavor: why it cannot be taken, the project's memory after one, and how many the hosts have room for."""

    row: Flavor
    why: str
    after: str
    room: int

    @property
    def room_words(self) -> str:
        """The number, or that nobody counts on."""
        return str(self.room) if self.room <= COUNTED else f"{COUNTED}+"


@dataclass(frozen=True)
class ImageOffer:
    """An image: the least disk it needs (GiB), its card's icon, and as whom one signs in."""

    row: Image
    need: int
    snapshot: bool
    icon: str
    login: str
    words: str


@dataclass(frozen=True)
class VolumeOffer:
    """A bootable volume, or a snapshot of one, and the least memory (MiB) that its image needs."""

    value: str  # as LaunchSpec.image
    name: str
    size: int  # GiB
    ram: int
    of: str = ""  # the volume of a snapshot


@dataclass(frozen=True)
class NetworkOffer:
    """A network: its subnets, the external networks that it reaches, and the address that was asked for on it."""

    row: Network
    cidrs: Sequence[str]
    reach: Sequence[str]
    fixed: str = ""


@dataclass(frozen=True)
class FloatingOffer:
    """A floating IP, or a new one of a pool; `where`: ids of the networks to which it can lead."""

    value: str
    label: str
    where: str


@dataclass(frozen=True)
class PortOffer:
    row: Port
    addresses: str


@dataclass(frozen=True)
class GroupOffer:
    row: SecurityGroup
    opened: str


@dataclass(frozen=True)
class KnownKey:
    """A metadata key that a definition tells of."""

    key: str
    title: str
    default: str
    values: Sequence[str] = field(default_factory=tuple)

    @property
    def words(self) -> str:
        """What it is about, and what it may be."""
        return ": ".join(text for text in (self.title, ", ".join(self.values)) if text)


def of_flavors(actor: RequestContext, use: Mapping[str, tuple[int, int]]) -> list[FlavorOffer]:
    """List the flavors with what the project's memory would be after one more, and why one cannot be taken."""
    ram_used, ram_limit = use["ram"]
    cpu_used, cpu_limit = use["cores"]
    found = list(flavors.visible(actor).filter(disabled=False).order_by("ram", "vcpus", "name"))
    rooms = room.room(found)
    offers = []
    for flavor in found:
        why = ""
        if 0 <= cpu_limit < cpu_used + flavor.vcpus:
            why = _("over quota: %(after)s vCPUs of %(limit)s") % {"after": cpu_used + flavor.vcpus, "limit": cpu_limit}
        elif 0 <= ram_limit < ram_used + flavor.ram:
            why = _("over quota: %(after)s of %(limit)s") % {
                "after": human_mib(ram_used + flavor.ram), "limit": human_mib(ram_limit),
            }  # fmt: skip
        offers.append(FlavorOffer(flavor, why, human_mib(ram_used + flavor.ram), rooms[flavor.pk]))
    return offers


def of_images(actor: RequestContext) -> list[ImageOffer]:
    """List the active images, own snapshots last."""
    query = Image.objects.listed_for(actor, visibility=None, member_status="accepted").filter(
        status=image_states.ACTIVE, os_hidden=False
    )
    offers = [_image(image) for image in query.order_by("name", "-created_at")[:IMAGES]]
    return sorted(offers, key=lambda offer: offer.snapshot)


def _image(image: Image) -> ImageOffer:
    about = {name: str(value) for name, value in (image.properties or {}).items()}
    is_snapshot = about.get("image_type") == "snapshot"
    icon = LOGOS.get(about.get("os_distro", "").lower(), "camera" if is_snapshot else "box")
    need = max(image.min_disk, gib_of(image.virtual_size or 0))
    words = about.get("description", "")
    return ImageOffer(
        image, need, is_snapshot, icon, about.get("os_admin_user", ""), words if words != image.name else ""
    )


def of_volumes(actor: RequestContext) -> list[VolumeOffer]:
    """List the project's bootable volumes that are free, then the snapshots of bootable ones. Two queries."""
    project = actor.project_id or ""
    free = Volume.objects.filter(project_id=project, status=volume_states.AVAILABLE, bootable=True)
    kept = Snapshot.objects.filter(project_id=project, status=snapshot_states.AVAILABLE, volume__bootable=True)
    return [
        *(
            VolumeOffer(f"volume:{one.pk}", str(one), one.size, _least_ram(one))
            for one in free.order_by("name")[:IMAGES]
        ),
        *(
            VolumeOffer(f"snapshot:{one.pk}", str(one), one.size, _least_ram(one.volume), str(one.volume))
            for one in kept.select_related("volume").order_by("-created_at")[:IMAGES]
        ),
    ]


def _least_ram(volume: Volume) -> int:
    said = str(volume.image_metadata.get("min_ram") or "")
    return int(said) if is_whole(said) else 0


def of_types(actor: RequestContext) -> list[tuple[str, Text]]:
    """List the types that a new volume may have: id, name."""
    return [(row.pk, type_word(row)) for row in VolumeType.objects.visible_to(actor).order_by("name")]


def of_networks(actor: RequestContext, fixed: Mapping[str, str]) -> list[NetworkOffer]:
    """List the networks on which an instance may be; `fixed` are the addresses that were asked for."""
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
    return [
        NetworkOffer(row, cidrs.get(row.pk, []), sorted(reach.get(row.pk, ())), fixed.get(row.pk, "")) for row in rows
    ]


def of_floating(actor: RequestContext, networks: Sequence[NetworkOffer]) -> list[FloatingOffer]:
    """List the floating IPs that can lead to an instance on one of the networks, new ones last."""
    found = []
    for outside in dict.fromkeys(outside for network in networks for outside in network.reach):
        where = " ".join(network.row.pk for network in networks if outside in network.reach)
        choices = floating_choices(actor, {outside})
        found += [FloatingOffer(value, str(label), where) for value, label in choices]
    return sorted(found, key=lambda offer: offer.value.startswith(NEW))


def of_ports(actor: RequestContext) -> list[PortOffer]:
    """List the project's ports that nothing has."""
    free = Port.objects.of_guests().filter(project_id=actor.project_id or "", server_id="", device_id="")
    rows = free.select_related("network").prefetch_related("fixed_ips").order_by("network__name", "name", "id")
    return [PortOffer(row, ", ".join(ip.ip_address for ip in row.fixed_ips.all())) for row in rows[:PORTS]]


def of_groups(project: str) -> list[GroupOffer]:
    """List the project's security groups, the default one first, with what each opens to everybody."""
    others = SecurityGroup.objects.filter(project_id=project, is_default=False).order_by("name")
    rows = [defaults.shown_default(project), *others]
    opened = doors.opened([row.pk for row in rows])
    return [GroupOffer(row, ", ".join(opened[row.pk])) for row in rows]


def known_metadata(actor: RequestContext) -> list[KnownKey]:
    """List the metadata keys of servers that the definitions tell of. Two queries."""
    spaces = Definition.objects.filter(
        kind=RESOURCE_TYPE, name="OS::Nova::Server", namespace__in=metadefs.visible(actor)
    )
    prefixes = {row.namespace_id: str(row.data.get("prefix") or "") for row in spaces}
    rows = Definition.objects.filter(kind=PROPERTY, namespace_id__in=prefixes).order_by("name")
    return [
        KnownKey(
            f"{prefixes[row.namespace_id]}{row.name}", str(row.data.get("title") or ""), str(row.data.get("default") or ""),
            [str(value) for value in row.data.get("enum") or ()],
        )
        for row in rows
    ]  # fmt: skip
