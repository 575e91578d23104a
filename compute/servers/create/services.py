"""Launching servers: everything is checked and written in one transaction, then their flows start."""

import base64
import binascii
import secrets
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import Conflict, Forbidden, Invalid
from common.ids import new_id
from compute.aggregates.models import AggregateHost
from compute.did_you_mean import did_you_mean
from compute.flavors import services as flavors
from compute.flavors.models import Flavor
from compute.keypairs.models import KeyPair
from compute.servergroups.models import ServerGroup
from compute.servers.create import boot_options, limits, local_disks, networks, personality, scheduling, volumes
from compute.servers.create.errors import FlavorTooSmall
from compute.servers.create.hostname import hostname_of
from compute.servers.create.mappings import Asked, root_of
from compute.servers.create.networks import Nic
from compute.servers.lifecycle import interfaces, states
from compute.servers.lifecycle.boot_volumes import boot_flow
from compute.servers.models import Server
from hosts.models import Host
from images.images import states as image_states
from images.images.models import Image
from operations import start
from quota import services as quota

#: Properties of an image that name other images whose bytes reach the guest.
IMAGE_REFERENCES = ("kernel_id", "ramdisk_id")
USER_DATA_LIMIT = 65535  # characters of base64, as in Nova


class ImageUnknown(Invalid):
    template = _("Image %(id)s could not be found.%(hint)s")


class FlavorUnknown(Invalid):
    template = _("Flavor %(id)s could not be found.%(hint)s")


class ImageNotActive(Invalid):
    template = _("Image %(id)s is not active: its status is %(status)s.")


class KeyUnknown(Invalid):
    template = _("Invalid key_name provided.%(hint)s")


class HostNotInZone(Conflict):
    template = _("Host %(host)s is not in availability zone %(zone)s.")


class ZoneUnknown(Invalid):
    template = _("The requested availability zone is not available")


class ServerGroupMissing(Invalid):
    formerly = ("GroupMissing",)
    template = _("Instance group %(id)s could not be found.")


class BadUserData(Invalid):
    template = _("User data needs to be valid base 64.")


class GroupFull(Forbidden):
    template = _("Quota exceeded, too many servers in group")


class AnyHostOnly(Forbidden):
    template = _("Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.")


@dataclass
class Launch:
    """A request to launch `count` servers, at least `at_least` of them.

    `networks`: a list of Nic, "auto", "none", or None for the project's own one.
    """

    name: str
    flavor_id: str
    image_id: str | None
    networks: list[Nic] | str | None = None
    security_groups: list[str] = field(default_factory=list)
    key_name: str | None = None
    user_data: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    description: str | None = None
    hostname: str | None = None
    config_drive: bool = False
    personality: list[dict[str, str]] = field(default_factory=list)  # see personality.py
    mappings: list[dict[str, object]] = field(default_factory=list)  # block_device_mapping_v2
    volumes: list[Asked] = field(default_factory=list)  # those of the mappings
    availability_zone: str | None = None
    host: str | None = None
    hints: dict[str, object] = field(default_factory=dict)
    disk_config: str = "MANUAL"
    access_ip_v4: str = ""
    access_ip_v6: str = ""
    trusted_image_certificates: list[str] | None = None
    count: int = 1
    at_least: int = 1


@dataclass
class _Checked:
    flavor: Flavor
    image: Image | None
    image_meta: dict[str, object]
    readable: list[str]  # ids of the images that the server reads
    key: KeyPair | None
    nics: list[Nic]
    groups: dict[str, str] | None  # id → name; None: the project's default one
    zone: str | None
    host: str
    group_id: str | None
    local_disks: local_disks.Disks | None
    needs_drive: bool  # nothing else tells the guest who it is


def create(actor: RequestContext, launch: Launch) -> list[Server]:
    """Write the servers and start their boots; each is BUILD when this returns.

    Raises: what _check and _insert raise; nothing is written then.
    """
    project_id = actor.project_id
    policy.require(actor, "os_compute_api:servers:create", project_id)
    assert project_id is not None
    with transaction.atomic():
        checked = _check(actor, launch)
        count = _within_quota(project_id, launch, checked)
        return _insert(actor, project_id, launch, checked, count)


# ── Checks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check(actor: RequestContext, launch: Launch) -> _Checked:
    try:
        flavor = flavors.find(actor, launch.flavor_id)
    except flavors.FlavorNotFound as error:
        raise FlavorUnknown(**error.data) from None
    check_user_data(launch.user_data)
    personality.check(actor.project_id or "", launch.personality)
    zone, host = _place(actor, launch)
    image = usable_image(actor, launch.image_id, flavor.ram, flavor.disk) if launch.image_id else None
    nics = networks.resolve(actor, launch.networks)
    of_root = volumes.check(actor, launch.volumes, flavor, launch.count)
    return _Checked(
        flavor=flavor,
        image=image,
        image_meta=image_meta(image) or of_root,
        readable=readable(actor, image) if image else [],
        key=find_key(actor, launch.key_name),
        nics=nics,
        groups=networks.named_groups(actor, launch.security_groups),
        zone=zone,
        host=host,
        group_id=_group(actor, launch),
        local_disks=local_disks.requested(launch.mappings, flavor.embedded()),
        needs_drive=bool(launch.personality) or (bool(nics) and not networks.has_ipv4(nics)),
    )


def usable_image(actor: RequestContext, image_id: str, ram: int, disk: int) -> Image:
    """Find an active image the actor may see, that fits a flavor (MiB, GiB).

    Raises: ImageUnknown, ImageNotActive, FlavorTooSmall, BadBootOption.
    """
    image = _active_image(actor, image_id)
    require_room(image, ram, disk)
    boot_options.check(image.id, image.properties or {})
    return image


def require_room(image: Image, ram: int, disk: int) -> None:
    """Check that a flavor is large enough for an image (MiB, GiB). Raises: FlavorTooSmall."""
    if image.min_ram > ram:
        raise FlavorTooSmall(what=_("memory"), have=ram, unit="MiB", need=image.min_ram)
    need = max(image.min_disk, -(-int(image.virtual_size or 0) // 1024**3)) if disk else 0
    if need > disk:
        raise FlavorTooSmall(what=_("disk"), have=disk, unit="GiB", need=need)


def _active_image(actor: RequestContext, image_id: str) -> Image:
    image = Image.objects.visible_to(actor).filter(id=image_id).first()
    if image is None:
        known = Image.objects.visible_to(actor).order_by("-created_at").values_list("id", "name")[:1000]
        raise ImageUnknown(id=image_id, **did_you_mean(image_id, {text for pair in known for text in pair if text}))
    if not image_states.usable(image.status):
        raise ImageNotActive(id=image_id, status=image.status)
    return image


def readable(actor: RequestContext, image: Image) -> list[str]:
    """List the ids of all images that a host reads for a server of `image`: itself, and those its properties name.

    Each must be active and visible to the actor. Raises: ImageUnknown, ImageNotActive.
    """
    named = [str(image.properties[key]) for key in IMAGE_REFERENCES if (image.properties or {}).get(key)]
    return list(dict.fromkeys([image.id, *(_active_image(actor, image_id).id for image_id in named)]))


def image_meta(image: Image | None) -> dict[str, object]:
    """Copy those facts of an image that a server keeps."""
    if image is None:
        return {}
    return {"min_ram": image.min_ram, "min_disk": image.min_disk, "properties": dict(image.properties or {})}


def find_key(actor: RequestContext, name: str | None) -> KeyPair | None:
    """Find the actor's key pair by its name; None for None. Raises: KeyUnknown."""
    if name is None:
        return None
    found = KeyPair.objects.filter(user_id=actor.user_id, name=name).first()
    if found is None:
        known = KeyPair.objects.filter(user_id=actor.user_id).values_list("name", flat=True)
        raise KeyUnknown(**did_you_mean(name, known))
    return found


def check_user_data(text: str | None) -> None:
    """Check that user data is base64. Raises: BadUserData; Invalid if it is longer than USER_DATA_LIMIT."""
    if text is None:
        return
    if len(text) > USER_DATA_LIMIT:
        raise Invalid(
            reason=_("User data too large. User data must be no larger than 65535 bytes once base64 encoded.")
        )
    try:
        base64.b64decode("".join(text.split()), validate=True)  # `base64` and Ruby write it in lines
    except (binascii.Error, ValueError) as error:
        raise BadUserData() from error


def _place(actor: RequestContext, launch: Launch) -> tuple[str | None, str]:
    """(zone or None, forced host or ""). ``zone:host`` is for who may choose hosts.

    Raises: ZoneUnknown, AnyHostOnly, Invalid for an unknown host.
    """
    zone, _sep, host = (launch.availability_zone or "").partition(":")
    host = (launch.host or host).partition(":")[0]
    check_zone(zone)
    if host:
        if not policy.allows(actor, "os_compute_api:servers:create:forced_host"):
            raise AnyHostOnly()
        check_host(host)
    return zone or None, host


def check_host(host: str, zone: str | None = None) -> None:
    """Check that a host exists, and that it is in `zone` if that is given. Raises: Invalid, HostNotInZone."""
    if not Host.objects.filter(name=host).exists():
        names = Host.objects.values_list("name", flat=True)
        raise Invalid(
            reason=_("Compute host %(hostname)s could not be found.%(hint)s"),
            hostname=host,
            **did_you_mean(host, names),
        )
    lies_in = scheduling.zones().get(host, (scheduling.DEFAULT_ZONE, []))[0]
    if zone and zone != lies_in:
        raise HostNotInZone(host=host, zone=zone)


def check_zone(zone: str | None) -> str | None:
    """Check that an availability zone exists. Returns it, None for none. Raises: ZoneUnknown."""
    if zone and zone not in known_zones():
        raise ZoneUnknown()
    return zone or None


def known_zones() -> set[str]:
    zones = {
        row.get("availability_zone") for row in AggregateHost.objects.values_list("aggregate__metadata", flat=True)
    }
    return {scheduling.DEFAULT_ZONE, *(zone for zone in zones if zone)}


def _group(actor: RequestContext, launch: Launch) -> str | None:
    group_id = launch.hints.get("group")
    if not group_id:
        return None
    group = ServerGroup.objects.filter(id=group_id, project_id=actor.project_id).first()
    if group is None:
        raise ServerGroupMissing(id=group_id)
    limit = quota.limits(actor.project_id or "", "compute")["server_group_members"]
    have = Server.objects.living().filter(server_group_id=group_id, user_id=actor.user_id).count()
    if 0 <= limit < have + launch.count:
        raise GroupFull()
    return str(group_id)


def _within_quota(project_id: str, launch: Launch, checked: _Checked) -> int:
    """Number of servers that the quota admits: `count`, else as many as fit, down to `at_least`. Raises: QuotaExceeded."""
    limits.require_metadata(project_id, launch.metadata)
    return limits.fitting(project_id, checked.flavor.embedded(), at_least=launch.at_least, at_most=launch.count)


# ── Rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _insert(actor: RequestContext, project_id: str, launch: Launch, checked: _Checked, count: int) -> list[Server]:
    reservation = f"r-{secrets.token_hex(4)}"
    servers = []
    for number in range(count):
        server = _row(actor, project_id, launch, checked, number)
        server.reservation_id = reservation
        server.own_ports = _plug(actor, server, checked)
        server.save(force_insert=True)
        volumes.give(actor, server, launch.volumes)
        boot(actor, server, has_volumes=bool(launch.volumes))
        servers.append(server)
    return servers


def _row(actor: RequestContext, project_id: str, launch: Launch, checked: _Checked, number: int) -> Server:
    """Build the row of one server of a launch, its `number` counted from 0; it is not yet written."""
    name = launch.name if launch.count == 1 else f"{launch.name}-{number + 1}"
    return Server(
        id=new_id(),
        name=name,
        hostname=(launch.hostname or hostname_of(name)) if launch.count == 1 else hostname_of(name),
        description=launch.description,
        project_id=project_id,
        user_id=actor.user_id,
        created_at=now(),
        vm_state=states.BUILDING,
        task_state=states.VERBS["create"].task,
        generation=1,
        image_id=checked.image.id if checked.image else None,
        image_meta=checked.image_meta,
        boots_from_volume=root_of(launch.volumes) is not None,
        readable_images=checked.readable,
        flavor_id=checked.flavor.id,
        flavor=checked.flavor.embedded(),
        pinned_availability_zone=checked.zone,
        forced_host=checked.host,
        scheduler_hints=launch.hints,
        server_group_id=checked.group_id,
        key_name=checked.key.name if checked.key else None,
        key_data=checked.key.public_key if checked.key else "",
        user_data=launch.user_data,
        config_drive=launch.config_drive or checked.needs_drive,
        personality=launch.personality,
        local_disks=checked.local_disks,
        metadata=launch.metadata,
        tags=launch.tags,
        disk_config=launch.disk_config,
        access_ip_v4=launch.access_ip_v4,
        access_ip_v6=launch.access_ip_v6,
        trusted_image_certificates=launch.trusted_image_certificates,
        launch_index=number,
    )


def _plug(actor: RequestContext, server: Server, checked: _Checked) -> list[str]:
    """Make or take the server's ports; ids of those that were made."""
    groups = None if checked.groups is None else list(checked.groups)
    made = []
    for nic in checked.nics:
        port_id, is_own = interfaces.plug(actor, server, nic, groups)
        if is_own:
            made.append(port_id)
    return made


def boot(actor: RequestContext, server: Server, *, has_volumes: bool) -> None:
    """Start the flow, in the caller's transaction."""
    start(
        boot_flow(has_volumes=has_volumes),
        subject=("server", server.id),
        project_id=server.project_id,
        actor=actor,
        holds=[f"server:{server.id}"],
        action=states.VERBS["create"].action,
    )
