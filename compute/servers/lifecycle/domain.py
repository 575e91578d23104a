"""The spec of a server's domain that its host is told, from rows."""

from collections.abc import Sequence

from common.prepared import Prepared
from compute.metadata import documents
from compute.servers import block_devices
from compute.servers.create import local_disks
from compute.servers.lifecycle import record
from compute.servers.models import Server
from hostagent.contract.disk import DiskEnsure
from hostagent.contract.image import ImageSource
from hostagent.contract.location import BlankSource
from hostagent.contract.server import DiskSpec, PortSpec, ServerSpec
from images import services as images
from images.images.errors import ImageNotFound
from networking.ports.models import Port
from volumes.attachments import exports
from volumes.attachments.models import Attachment

_ports = Prepared(
    lambda server, project: (
        Port.objects.filter(server_id=server, project_id=project)
        .order_by("created_at", "id")
        .values("id", "network_id", "mac_address", "network__mtu")
    )
)


def ports_of(server: Server) -> list[PortSpec]:
    """Read the server's ports, in the order in which it got them. One query."""
    return [
        PortSpec(port_id=row["id"], network_id=row["network_id"], mac=row["mac_address"], mtu=row["network__mtu"])
        for row in _ports(server.id, server.project_id)
    ]


def spec(server: Server, *, power: str = "on") -> ServerSpec:
    """Build the body of `server.ensure`. `power`: the desired power state of the domain."""
    ports, volumes = ports_of(server), attached_to(server)
    body = ServerSpec(
        server_id=server.id,
        name=server.instance_name,
        vcpus=int(server.flavor["vcpus"]),
        memory_mib=int(server.flavor["ram"]),
        ports=ports,
        disks=disks_of(server, volumes),
        power=power,
        metadata=record.of(server),
    )
    if server.config_drive:
        body["config_drive"] = documents.config_drive(server)
    if secrets := exports.secrets_of(attachment for attachment, _device in volumes):
        body["secrets"] = secrets
    machine = (server.image_meta.get("properties") or {}).get("hw_machine_type")
    if machine:
        body["machine"] = str(machine)
    body.update(_direct_boot(server))  # type: ignore[typeddict-item]
    return body


def attached_to(server: Server) -> list[tuple[Attachment, str]]:
    """Read a server's volumes, each with what the domain calls it, in the order in which it got them. One query of a server without."""
    devices = {row["attachment_id"]: row["device"] for row in block_devices.of(server) if row["attachment_id"]}
    rows = Attachment.objects.select_related("volume").in_bulk(devices) if devices else {}
    return [(rows[id], device) for id, device in devices.items()]


def disks_of(server: Server, volumes: Sequence[tuple[Attachment, str]]) -> list[DiskSpec]:
    """List the root disk, then ephemeral disks and swap, then volumes."""
    sources = [
        BlankSource(kind="blank", name=disk["name"], size_mib=disk["size_mib"], content=disk["content"])
        for disk in local_disks.of(server)
    ]
    root, *devices = block_devices.own_devices(server)
    own = [
        DiskSpec(device=device, serial=source["name"], source=source)
        for device, source in zip(devices, sources, strict=False)
    ]
    given = [volume_disk(attachment, device) for attachment, device in volumes]
    disks = [] if server.boots_from_volume else [DiskSpec(device=root, serial="root", source={"kind": "root"})]
    return sorted((*disks, *own, *given), key=lambda disk: disk["device"])  # a machine boots from the first


def volume_disk(attachment: Attachment, device: str) -> DiskSpec:
    """Build the disk of a domain that is a volume. Its serial is the volume's id, as far as a serial is long."""
    return DiskSpec(device=device, serial=attachment.volume_id[:20], source=exports.source(attachment))


def _direct_boot(server: Server) -> dict[str, object]:
    """Build the kernel, ramdisk and command line of an image that names them (AKI/ARI); {} of any other."""
    properties = server.image_meta.get("properties") or {}
    kernel, ramdisk = properties.get("kernel_id"), properties.get("ramdisk_id")
    if not kernel:
        return {}
    out: dict[str, object] = {"kernel": _source(server, kernel)}
    if ramdisk:
        out["ramdisk"] = _source(server, ramdisk)
    if properties.get("os_command_line"):
        out["cmdline"] = properties["os_command_line"]
    return out


def _source(server: Server, image_id: str) -> ImageSource:
    """Build the source from which the host reads an image: one checked at the launch, or the server's own of shelving.

    Raises: ImageNotFound, and what images.source raises.
    """
    if image_id not in server.readable_images and image_id != server.shelved_image_id:
        raise ImageNotFound(id=image_id)
    return images.source(image_id)


def disk(server: Server, image_id: str | None = None) -> DiskEnsure:
    """Build the body of `disk.ensure`. `image_id`: a snapshot to unshelve from, instead of the server's own image."""
    source = image_id or server.image_id
    return DiskEnsure(
        server_id=server.id,
        image=_source(server, source) if source else None,
        size_gib=int(server.flavor["disk"]),
    )
