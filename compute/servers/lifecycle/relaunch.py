"""Relaunch: a server whose launch failed is launched again in its place, with its own flavor or another that fits now.

Its id, name, addresses, ports, metadata and user data stay. Nova has no such verb: there one deletes and launches another.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from authorization import policy
from authorization.context import RequestContext
from common.errors import CloudError
from compute.flavors import services as flavors
from compute.flavors.models import Flavor
from compute.servers.block_devices import BlockDevice
from compute.servers.create import limits, scheduling
from compute.servers.create import services as creating
from compute.servers.create.scheduling import Candidate, RequestSpec
from compute.servers.lifecycle import host_needs, states
from compute.servers.lifecycle.boot_volumes import boot_flow
from compute.servers.lifecycle.resize import DiskTooSmall
from compute.servers.lifecycle.services import for_verb, why_not
from compute.servers.models import Server
from compute.servers.rules import RULES
from images.images.models import Image
from operations.starting import run


@transaction.atomic
def relaunch(actor: RequestContext, *, server_id: str, flavor_id: str = "") -> Server:
    """Launch a server again that never ran. `flavor_id`: another flavor for it; "" for its own.

    Raises: WrongState, HasRun, FlavorUnknown, FlavorTooSmall, DiskTooSmall, ImageUnknown, ImageNotActive, QuotaExceeded.
    """
    server = for_verb(actor, server_id, "relaunch")
    size: dict[str, object] = {}
    if flavor_id not in ("", server.flavor_id):
        try:
            flavor = flavors.find(actor, flavor_id)
        except flavors.FlavorNotFound as error:
            raise creating.FlavorUnknown(**error.data) from None
        _require_disks(server, flavor)
        limits.require_growth(server.project_id, server.flavor, flavor.embedded())
        size = {"flavor_id": flavor.id, "flavor": flavor.embedded()}
        server.flavor = flavor.embedded()
    if server.image_id:
        creating.usable_image(actor, server.image_id, int(server.flavor["ram"]), int(server.flavor["disk"]))
    fresh: dict[str, object] = {"vm_state": states.BUILDING, "fault_code": "", "fault_data": {}, "fault_at": None}
    flow = boot_flow(has_volumes=BlockDevice.objects.filter(server=server).exists())
    run(actor, server, "relaunch", flow, None, **fresh, **size)
    return server


def _require_disks(server: Server, flavor: Flavor) -> None:
    """Check that disks which the launch named have room in another flavor. Raises: DiskTooSmall."""
    if server.local_disks is None:
        return
    for name, have in (("ephemeral", flavor.ephemeral), ("swap", flavor.swap)):
        need = int(server.flavor.get(name) or 0)
        if have < need:
            raise DiskTooSmall(need=have, have=need)


# ── What to offer ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class WayOut:
    """What can be done about a launch that failed: again as it was, or with `flavor`, the nearest that fits now."""

    flavor: Flavor | None = None


def ways_out(actor: RequestContext, servers: Iterable[Server]) -> dict[str, WayOut]:
    """Find the ways out of failed launches: id → its way, of those that the actor may launch again now. Launches that ask
    for the same are decided once.

    The flavor is the largest that asks for no more of anything and that the scheduler could place now; None where the server's own
    could be placed, or none can.
    """
    failed = [
        server
        for server in servers
        if why_not(actor, server, "relaunch") is None and policy.allows(actor, RULES["relaunch"], server)
    ]
    if not failed:
        return {}
    sizes = sorted(flavors.visible(actor).filter(disabled=False), key=_size, reverse=True)
    hosts = scheduling.candidates(with_traits=True)
    images = Image.objects.in_bulk({server.image_id for server in failed if server.image_id})
    decided: dict[str, WayOut] = {}
    found = {}
    for one, asked in zip(failed, _asked(failed), strict=True):
        if asked not in decided:
            decided[asked] = WayOut(_nearest(one, images.get(one.image_id or ""), sizes, hosts))
        found[one.id] = decided[asked]
    return found


def _asked(servers: Sequence[Server]) -> list[str]:
    """Sum up all by which the scheduler and the flavors' disks tell one failed launch from another. One query."""
    kinds = host_needs.kinds_of(servers)
    return [
        json.dumps(
            [
                *(one.project_id, one.flavor, one.pinned_availability_zone, one.forced_host, one.scheduler_hints),
                *(one.server_group_id, one.image_id, one.image_meta, one.config_drive, one.local_disks),
                kinds.get(one.id),
            ],
            sort_keys=True,
        )
        for one in servers
    ]


def _nearest(server: Server, image: Image | None, sizes: list[Flavor], hosts: list[Candidate]) -> Flavor | None:
    spec = scheduling.spec_of(server)
    if scheduling.decide(spec, hosts).chosen is not None:
        return None
    most = host_needs.resources_of(server.flavor, boots_from_volume=server.boots_from_volume)
    for flavor in sizes:
        needs = host_needs.resources_of(flavor.embedded(), boots_from_volume=server.boots_from_volume)
        if needs == most or any(needs[name] > most[name] for name in needs):
            continue
        if _suits(server, image, flavor) and scheduling.decide(_with(spec, needs, flavor), hosts).chosen is not None:
            return flavor
    return None


def _with(spec: RequestSpec, needs: dict[str, int], flavor: Flavor) -> RequestSpec:
    resources = {name: amount for name, amount in needs.items() if amount}
    return replace(spec, resources=resources, extra_specs=flavor.extra_specs or {})


def _suits(server: Server, image: Image | None, flavor: Flavor) -> bool:
    try:
        _require_disks(server, flavor)
        if image is not None:
            creating.require_room(image, flavor.ram, flavor.disk)
    except CloudError:
        return False
    return True


def _size(flavor: Flavor) -> tuple[int, int, int]:
    return flavor.ram, flavor.vcpus, flavor.disk
