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
from placement import usage
from placement.models import Allocation, Consumer, Inventory, ResourceProvider


@transaction.atomic
def fill(project_id: str, count: int, *, hosts: int = 0) -> dict[str, Any]:
    """Give a project `count` more servers, each with one port and one address, copied from its newest one.

    With `hosts` they are on so many hosts of their own, with what placement has promised them there.
    """
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
        if hosts:
            server.host = f"filled-{number % hosts}"
        servers.append(server)
        ports.append(port)
        addresses.append(FixedIP(port=port, subnet=subnet, ip_address=address, number=f"{first + number:032x}"))
    Server.objects.bulk_create(servers, batch_size=200)
    Port.objects.bulk_create(ports, batch_size=200)
    FixedIP.objects.bulk_create(addresses, batch_size=200)
    if hosts:
        promise([(server.id, server.host) for server in servers], project_id, model.vcpus, model.ram)
    return {"servers": count}


def promise(placed: list[tuple[str, str]], project_id: str, vcpus: int, ram: int) -> None:
    """What placement holds for these servers, on providers made for their hosts."""
    providers = {name: ResourceProvider.objects.create(name=name).id for name in sorted({name for _id, name in placed})}
    each = {"VCPU": vcpus, "MEMORY_MB": ram, "DISK_GB": 1}
    Inventory.objects.bulk_create(
        Inventory(provider_id=provider, resource_class=name, total=10**6)
        for provider in providers.values()
        for name in each
    )
    Consumer.objects.bulk_create((Consumer(id=id, project_id=project_id) for id, _name in placed), batch_size=2000)
    Allocation.objects.bulk_create(
        (
            Allocation(provider_id=providers[host], consumer_id=id, resource_class=name, used=used)
            for id, host in placed
            for name, used in each.items()
        ),
        batch_size=2000,
    )
    usage.repair()
