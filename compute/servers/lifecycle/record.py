"""The record that a host keeps beside a server's disks: enough to bring it back into a database that lost it.

No secrets: user data and passwords stay in the database alone, and are lost with it.
"""

from typing import Final

from django.db.models import Prefetch

from compute.servers.models import Server
from networking.ports.models import FixedIP, Port

#: Columns that are written down as they are.
COLUMNS: Final = (
    "name", "hostname", "description", "project_id", "user_id", "image_id", "image_meta", "readable_images", "flavor_id", "flavor",
    "availability_zone", "key_name", "key_data", "config_drive", "metadata", "tags", "disk_config",
    "own_ports", "local_disks",
)  # fmt: skip


def of(server: Server) -> dict[str, object]:
    """Build the record of a server, as JSON."""
    addresses = Prefetch("fixed_ips", FixedIP.objects.only("port_id", "ip_address"))
    rows = Port.objects.filter(server_id=server.id, project_id=server.project_id).prefetch_related(addresses, "groups")
    ports = [
        {
            "id": port.id,
            "network_id": port.network_id,
            "mac": port.mac_address,
            "name": port.name,
            "ips": [fixed.ip_address for fixed in port.fixed_ips.all()],
            "groups": [group.pk for group in port.groups.all()],
        }
        for port in rows.order_by("created_at", "id")
    ]
    known = {name: getattr(server, name) for name in COLUMNS}
    return {**known, "created_at": server.created_at.isoformat(), "ports": ports}
