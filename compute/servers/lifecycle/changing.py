"""Verbs that change what a server is: rebuild, resize, snapshots, shelving, interfaces, groups."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.actor import Actor
from common.errors import Conflict, Invalid, NotFound
from compute.flavors import services as flavors
from compute.servers.create import limits, personality
from compute.servers.create import services as creating
from compute.servers.lifecycle import interfaces, snapshots, states
from compute.servers.lifecycle import resize as flows_change
from compute.servers.lifecycle.services import find, require, run
from compute.servers.models import Migration, Server, WrongState
from images import services as images
from images.images.models import Image
from networking.desired.changes import touch
from networking.ports import updates as port_updates
from networking.ports.models import Port, PortGroup
from networking.securitygroups.models import SecurityGroup


class SameFlavor(Invalid):
    template = _("When resizing, instances must change flavor!")


class DiskTooSmall(Invalid):
    template = _(
        "The flavor's disk of %(need)s GiB is smaller than the %(have)s GiB that the instance has; a disk only grows."
    )


class PortNotHere(NotFound):
    template = _("Port %(id)s is not attached to the instance.")


class GroupNotHere(NotFound):
    template = _("Security group %(name)s not associated with the instance %(id)s")


class NoPorts(Conflict):
    template = _("The instance has no port that security groups could guard.")


# ── Rebuild and resize ──────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def rebuild(actor: Actor, *, server_id: str, image_id: str, **changes: Any) -> Server:
    """A new disk from an image in the same place; `changes` are columns to write with it.

    Raises: WrongState, ImageUnknown, FlavorTooSmall, KeyUnknown, BadUserData.
    """
    server = find(actor, server_id, "compute:server:rebuild", lock=True)
    require(actor, server, "rebuild")
    image = creating.usable_image(actor, image_id, int(server.flavor["ram"]), int(server.flavor["disk"]))
    if "key_name" in changes:
        key = creating.find_key(actor, changes["key_name"])
        changes["key_data"] = key.public_key if key else ""
    if "user_data" in changes:
        creating.check_user_data(changes["user_data"])
    if changes.get("personality"):
        personality.check(server.project_id, changes["personality"])
        changes["config_drive"] = True
    if "metadata" in changes:
        limits.require_metadata(server.project_id, changes["metadata"])
    facts = dict.fromkeys(("leased_at", "metadata_at", "login_at"))
    meta = creating.image_meta(image)
    changes |= {"image_id": image.id, "image_meta": meta, "readable_images": creating.readable(actor, image)}
    run(actor, server, "rebuild", flows_change.REBUILD, **facts, **changes)
    return server


@transaction.atomic
def resize(actor: Actor, *, server_id: str, flavor_id: str, disk_config: str | None = None) -> Server:
    """Another flavor on the same host, to be confirmed or reverted.

    Raises: WrongState, FlavorUnknown, SameFlavor, DiskTooSmall, QuotaExceeded.
    """
    server = find(actor, server_id, "compute:server:resize", lock=True)
    require(actor, server, "resize")
    try:
        flavor = flavors.find(actor, flavor_id)
    except flavors.FlavorNotFound as error:
        raise creating.FlavorUnknown(**error.data) from None
    if flavor.id == server.flavor_id:
        raise SameFlavor()
    if flavor.disk < int(server.flavor["disk"]):
        raise DiskTooSmall(need=flavor.disk, have=server.flavor["disk"])
    if flavor.ephemeral < int(server.flavor.get("ephemeral") or 0):
        raise DiskTooSmall(need=flavor.ephemeral, have=server.flavor["ephemeral"])
    limits.require_growth(server.project_id, server.flavor, flavor.embedded())
    Migration.objects.create(
        server=server,
        user_id=actor.user_id,
        project_id=server.project_id,
        type="resize",
        status=states.MIGRATING,
        source=server.host,
        destination=server.host,
        old_flavor_id=server.flavor_id,
        new_flavor_id=flavor.id,
    )
    data = {"flavor_id": flavor.id, "flavor": flavor.embedded()}
    run(actor, server, "resize", flows_change.RESIZE, data, disk_config=disk_config or server.disk_config)
    return server


@transaction.atomic
def confirm_resize(actor: Actor, *, server_id: str) -> Server:
    server = find(actor, server_id, "compute:server:confirm_resize", lock=True)
    run(actor, server, "confirm_resize", flows_change.CONFIRM_RESIZE)
    return server


@transaction.atomic
def revert_resize(actor: Actor, *, server_id: str) -> Server:
    server = find(actor, server_id, "compute:server:revert_resize", lock=True)
    run(actor, server, "revert_resize", flows_change.REVERT_RESIZE)
    return server


# ── Images of servers ───────────────────────────────────────────────────────────────────────────────────────────────


def _image_of(actor: Actor, server: Server, name: str, properties: dict[str, Any]) -> Image:
    """The queued image that a snapshot fills. What the server's own image said of itself goes along."""
    inherited = {
        key: value
        for key, value in (server.image_meta.get("properties") or {}).items()
        if not key.startswith(("os_glance", "backup_", "instance_", "image_", "base_"))
    }
    facts = {
        "base_image_ref": server.image_id or "",
        "owner_user_name": actor.user_name,
        "user_id": server.user_id,
        "min_disk": int(server.flavor["disk"]),
        "min_ram": int(server.image_meta.get("min_ram", 0)),
    }
    return images.create_snapshot(
        actor, name=name, server_id=server.id, properties={**inherited, **facts, **properties}
    )


@transaction.atomic
def snapshot(actor: Actor, *, server_id: str, name: str, metadata: dict[str, str] | None = None) -> str:
    """An image of the server's disk, made while it runs. Returns the image's id at once.

    Raises: WrongState, QuotaExceeded, Forbidden.
    """
    server = find(actor, server_id, "compute:server:snapshot", lock=True)
    require(actor, server, "snapshot")
    image = _image_of(actor, server, name, {"image_type": "snapshot", **(metadata or {})})
    run(actor, server, "snapshot", snapshots.SNAPSHOT, {"snapshot_id": image.id})
    return image.id


@transaction.atomic
def backup(
    actor: Actor, *, server_id: str, name: str, backup_type: str, rotation: int, metadata: dict[str, str] | None = None
) -> str:
    """A snapshot of which only the newest `rotation` of the same type are kept. Returns the image's id."""
    server = find(actor, server_id, "compute:server:backup", lock=True)
    require(actor, server, "backup")
    properties = {**(metadata or {}), "image_type": "backup", "backup_type": backup_type}
    image = _image_of(actor, server, name, properties)
    data = {"snapshot_id": image.id, "backup_type": backup_type, "rotation": rotation}
    run(actor, server, "backup", snapshots.BACKUP, data)
    return image.id


@transaction.atomic
def shelve(actor: Actor, *, server_id: str) -> Server:
    """Put the disk into an image and give the place on the host back."""
    server = find(actor, server_id, "compute:server:shelve", lock=True)
    require(actor, server, "shelve")
    image = _image_of(actor, server, f"{server.name}-shelved"[:255], {"image_type": "snapshot"})
    run(actor, server, "shelve", snapshots.SHELVE, {"snapshot_id": image.id})
    return server


@transaction.atomic
def unshelve(actor: Actor, *, server_id: str, host: str = "", **also: str | None) -> Server:
    """Bring a shelved server back; `availability_zone` (None: any) and `host` say where from now on, and now.

    Raises: WrongState, ZoneUnknown, HostUnknown, HostNotInZone, Forbidden.
    """
    server = find(actor, server_id, "compute:server:unshelve", lock=True)
    columns: dict[str, Any] = {}
    if (host or also) and server.host:
        raise WrongState(verb="unshelve", id=server.id, attr="vm_state", state=server.vm_state)
    if "availability_zone" in also:
        columns["pinned_availability_zone"] = creating.check_zone(also["availability_zone"])
    if host:
        zone = columns.get("pinned_availability_zone", server.pinned_availability_zone)
        policy.require(actor, "compute:server:create_on_host", server)
        creating.check_host(host, zone)
    data = {"image_id": server.shelved_image_id, "to_host": host}
    run(actor, server, "unshelve", snapshots.UNSHELVE, data, **columns)
    return server


# ── Interfaces ──────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def attach_interface(actor: Actor, *, server_id: str, nic: interfaces.Nic | None) -> str:
    """Another interface: a port of the user's, or a new one. Returns the port's id at once.

    Raises: WrongState, PortTaken, NetworkUnknown, and what the network service raises.
    """
    server = find(actor, server_id, "compute:server:attach_interface", lock=True)
    require(actor, server, "attach_interface")
    wanted = interfaces.resolve(actor, [nic] if nic else "auto")
    port_id, is_own = interfaces.plug(actor, server, wanted[0], None)
    own = [*server.own_ports, port_id] if is_own else server.own_ports
    run(actor, server, "attach_interface", flows_change.ATTACH_INTERFACE, {"port_id": port_id}, own_ports=own)
    return port_id


@transaction.atomic
def detach_interface(actor: Actor, *, server_id: str, port_id: str) -> None:
    """Raises: PortNotHere, WrongState."""
    server = find(actor, server_id, "compute:server:detach_interface", lock=True)
    row = Port.objects.of_server(server).filter(id=port_id)
    found = row.values("id", "network_id", "mac_address", "network__mtu").first()
    if found is None:
        raise PortNotHere(id=port_id)
    port = {
        "port_id": port_id,
        "network_id": found["network_id"],
        "mac": found["mac_address"],
        "mtu": found["network__mtu"],
    }
    data = {"port_id": port_id, "port": port}
    run(actor, server, "detach_interface", flows_change.DETACH_INTERFACE, data)


@transaction.atomic
def send_network_again(actor: Actor, *, server_id: str) -> None:
    """Have the host plug the server's ports anew."""
    server = find(actor, server_id, "compute:server:reset_state")
    touch(*(f"port:{port_id}" for port_id in Port.objects.of_server(server).values_list("id", flat=True)))


@transaction.atomic
def add_fixed_ip(actor: Actor, *, server_id: str, network_id: str) -> None:
    """One more address on the server's port in a network. Raises: PortNotHere."""
    server = find(actor, server_id, "compute:server:attach_interface", lock=True)
    require(actor, server, "attach_interface")
    port = Port.objects.of_server(server).filter(network_id=network_id).first()
    if port is None:
        raise PortNotHere(id=network_id)
    have = [{"ip_address": ip} for ip in port.fixed_ips.values_list("ip_address", flat=True)]
    subnet = port.fixed_ips.values_list("subnet_id", flat=True).first() or ""
    internal = Actor.internal("compute", project_id=server.project_id, request_id=actor.request_id)
    port_updates.update(internal, port.id, fixed_ips=[*have, {"subnet_id": subnet}])
    server.change()


@transaction.atomic
def remove_fixed_ip(actor: Actor, *, server_id: str, address: str) -> None:
    """Raises: PortNotHere when no port of the server has the address."""
    server = find(actor, server_id, "compute:server:detach_interface", lock=True)
    require(actor, server, "detach_interface")
    port = Port.objects.of_server(server).filter(fixed_ips__ip_address=address).first()
    if port is None:
        raise PortNotHere(id=address)
    rest = port.fixed_ips.exclude(ip_address=address).values_list("ip_address", flat=True)
    internal = Actor.internal("compute", project_id=server.project_id, request_id=actor.request_id)
    port_updates.update(internal, port.id, fixed_ips=[{"ip_address": ip} for ip in rest])
    server.change()


# ── Security groups ─────────────────────────────────────────────────────────────────────────────────────────────────


def groups_of(server: Server) -> list[dict[str, Any]]:
    """The groups of the server's ports, as Nova's proxy shows them (without their rules)."""
    ids = PortGroup.objects.filter(port__in=Port.objects.of_server(server)).values("group_id")
    rows = SecurityGroup.objects.filter(id__in=ids).order_by("name", "id")
    return [
        {"id": g.id, "name": g.name, "description": g.description, "tenant_id": g.project_id, "rules": []} for g in rows
    ]


def _ports_and_group(actor: Actor, server: Server, name: str) -> tuple[list[Port], str]:
    groups = SecurityGroup.objects.filter(project_id=server.project_id)
    group = groups.filter(id=name).first() or groups.filter(name=name).first()
    if group is None:
        raise SecurityGroupMissing(name=name, project=server.project_id)
    ports = list(Port.objects.of_server(server).filter(port_security_enabled=True))
    if not ports:
        raise NoPorts()
    return ports, group.id


class SecurityGroupMissing(NotFound):
    formerly = ("GroupMissing",)
    template = _("Security group %(name)s not found for project %(project)s.")


@transaction.atomic
def add_group(actor: Actor, *, server_id: str, name: str) -> None:
    """Put every port of the server into a group. Raises: SecurityGroupMissing, NoPorts, WrongState."""
    server = find(actor, server_id, "compute:server:security_groups", lock=True)
    require(actor, server, "add_group")
    ports, group_id = _ports_and_group(actor, server, name)
    internal = Actor.internal("compute", project_id=server.project_id, request_id=actor.request_id)
    for port in ports:
        have = list(port.groups.values_list("id", flat=True))
        if group_id not in have:
            port_updates.update(internal, port.id, security_groups=[*have, group_id])
    server.change()


@transaction.atomic
def remove_group(actor: Actor, *, server_id: str, name: str) -> None:
    """Raises: SecurityGroupMissing, GroupNotHere, NoPorts."""
    server = find(actor, server_id, "compute:server:security_groups", lock=True)
    require(actor, server, "remove_group")
    ports, group_id = _ports_and_group(actor, server, name)
    internal = Actor.internal("compute", project_id=server.project_id, request_id=actor.request_id)
    found = False
    for port in ports:
        have = list(port.groups.values_list("id", flat=True))
        if group_id in have:
            found = True
            port_updates.update(internal, port.id, security_groups=[g for g in have if g != group_id])
    if not found:
        raise GroupNotHere(name=name, id=server.id)
    server.change()
