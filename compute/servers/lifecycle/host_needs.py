"""The needs of a server: resources of its host, and capabilities of the drivers there."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from common.prepared import Prepared
from compute.servers.models import Server
from hostagent.contract.capabilities import CAPABILITIES, CONFIG_DRIVE, KERNEL_IMAGES, Capability
from networking.ports.models import Port

EVERYWHERE: Final = ("vxlan", "flat", "local")  # kinds of networks that every driver makes

_kinds = Prepared(
    lambda server, project: (
        Port.objects.filter(server_id=server, project_id=project)
        .exclude(network__kind__in=EVERYWHERE)
        .values_list("network__kind")
    )
)


def resources_of(flavor: Mapping[str, Any], *, boots_from_volume: bool = False) -> dict[str, int]:
    """Count what an embedded flavor takes from a host. Ephemeral and swap lie on the host's disk too (swap is in MiB)."""
    root = 0 if boots_from_volume else int(flavor["disk"])
    disk = root + int(flavor.get("ephemeral") or 0) + -(-int(flavor.get("swap") or 0) // 1024)
    return {"MEMORY_MB": int(flavor["ram"]), "VCPU": int(flavor["vcpus"]), "DISK_GB": disk}


def needs_of(server: Server, flavor: Mapping[str, Any] | None = None) -> dict[str, int]:
    """Count what a server takes from a host, or would with another flavor; of what it takes nothing, nothing is said."""
    needs = resources_of(flavor or server.flavor, boots_from_volume=server.boots_from_volume)
    return {name: amount for name, amount in needs.items() if amount}


def capabilities_of(server: Server) -> tuple[Capability, ...]:
    """Capabilities without which the server cannot start on a host. One query."""
    needs = [CONFIG_DRIVE] if server.config_drive else []
    if (server.image_meta.get("properties") or {}).get("kernel_id"):
        needs.append(KERNEL_IMAGES)
    kinds = sorted({kind for (kind,) in _kinds(server.id, server.project_id)})
    return (*needs, *(CAPABILITIES[f"network.{kind}"] for kind in kinds))


def kinds_of(servers: Collection[Server]) -> dict[str, list[str]]:
    """Server id → kinds of its networks that not every driver makes, sorted; nothing for one without. One query."""
    owners = {server.id: server.project_id for server in servers}
    rows = Port.objects.filter(server_id__in=owners).exclude(network__kind__in=EVERYWHERE)
    found: dict[str, set[str]] = {}
    for id, project, kind in rows.values_list("server_id", "project_id", "network__kind"):
        if id is not None and owners[id] == project:
            found.setdefault(id, set()).add(kind)
    return {id: sorted(kinds) for id, kinds in found.items()}
