"""Many servers as rows: one that was really booted, copied with its port and address. 1,000 boots would only measure boots."""

import ipaddress
from typing import Any

from django.db import transaction

from common.ids import new_id
from compute.servers.models import Server
from networking.networks.models import Network
from networking.networks.segments import free_zone
from networking.ports.models import FixedIP, Port
from networking.subnets.models import Subnet


@transaction.atomic
def fill(project_id: str, count: int) -> dict[str, Any]:
    """Give a project `count` more servers, each with one port and one address, copied from its newest one."""
    model = Server.objects.filter(project_id=project_id, deleted=False).latest("created_at")
    network = Network.objects.create(name="filled", project_id=project_id, kind="local", mtu=1450, zone=free_zone())
    subnet = Subnet.objects.create(network=network, project_id=project_id, ip_version=4, cidr="10.91.0.0/16")
    first = int(ipaddress.ip_address("10.91.0.10"))
    servers, ports, addresses = [], [], []
    plain = {f.attname: getattr(model, f.attname) for f in Server._meta.concrete_fields}
    for number in range(count):
        server = Server(**{**plain, "id": new_id(), "name": f"filled-{number}", "hostname": f"filled-{number}"})
        mac = "fa:16:3f:{:02x}:{:02x}:{:02x}".format(*number.to_bytes(3, "big"))
        port = Port(network=network, project_id=project_id, mac_address=mac, server_id=server.id, status="ACTIVE")
        port.device_id, port.device_owner = server.id, "compute:nova"
        address = str(ipaddress.ip_address(first + number))
        servers.append(server)
        ports.append(port)
        addresses.append(FixedIP(port=port, subnet=subnet, ip_address=address, number=f"{first + number:032x}"))
    Server.objects.bulk_create(servers, batch_size=200)
    Port.objects.bulk_create(ports, batch_size=200)
    FixedIP.objects.bulk_create(addresses, batch_size=200)
    return {"servers": count}
