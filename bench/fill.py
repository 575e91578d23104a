"""Many servers as rows: one that was really booted, copied with its port and address. 1,000 boots would only measure boots."""

import ipaddress
from typing import Any

from django.db import transaction

from common.ids import new_id
from compute.servers.models import Server
from networking.networks.models import Network
from networking.networks.segments import free_zone
from networking.ports.models import FixedIP, Port, PortGroup
from networking.securitygroups.models import SecurityGroup
from networking.subnets.models import Subnet
from placement import usage
from placement.models import Allocation, Consumer, Inventory, ResourceProvider

BATCH = 1000  # rows of each kind in a transaction: the cloud runs on meanwhile


def fill(project_id: str, count: int, *, hosts: int = 0) -> dict[str, Any]:
    """Give a project `count` more servers, each with one port and one address, copied from its newest one.

    With `hosts` they are on so many hosts of their own, with what placement has promised them there, and in no security
    group (bench/group_member.py measures large groups); else in the model's.
    """
    model = Server.objects.filter(project_id=project_id, deleted=False).latest("created_at")
    with transaction.atomic():
        network = Network.objects.create(
            name="filled", project_id=project_id, kind="local", mtu=1450, conntrack_zone=free_zone()
        )
        subnet = Subnet.objects.create(network=network, project_id=project_id, ip_version=4, cidr="10.91.0.0/16")
    providers = provide(hosts, model) if hosts else []
    for first in range(0, count, BATCH):
        with transaction.atomic():
            servers = copy(model, subnet, range(first, min(first + BATCH, count)), hosts)
            if providers:
                promise([(server.id, providers[int(server.host.partition("-")[2])]) for server in servers], model)
    if hosts:
        usage.repair()
    return {"servers": count}


def copy(model: Server, subnet: Subnet, numbers: range, hosts: int) -> list[Server]:
    servers, ports, addresses = [], [], []
    groups = [] if hosts else list(SecurityGroup.objects.filter(ports__server_id=model.id))
    first = int(ipaddress.ip_address("10.91.0.10"))
    plain = {f.attname: getattr(model, f.attname) for f in Server._meta.concrete_fields}
    for number in numbers:
        server = Server(**{**plain, "id": new_id(), "name": f"filled-{number}", "hostname": f"filled-{number}"})
        mac = "fa:16:3f:{:02x}:{:02x}:{:02x}".format(*number.to_bytes(3, "big"))
        port = Port(network=subnet.network, project_id=model.project_id, mac_address=mac, status="ACTIVE")
        port.server_id = port.device_id = server.id
        port.device_owner = "compute:nova"
        address = str(ipaddress.ip_address(first + number))
        if hosts:
            server.host = f"filled-{number % hosts}"
        servers.append(server)
        ports.append(port)
        addresses.append(FixedIP(port=port, subnet=subnet, ip_address=address, number=f"{first + number:032x}"))
    Server.objects.bulk_create(servers, batch_size=200)
    Port.objects.bulk_create(ports, batch_size=200)
    FixedIP.objects.bulk_create(addresses, batch_size=200)
    PortGroup.objects.bulk_create(
        (PortGroup(port=port, group=group) for port in ports for group in groups), batch_size=200
    )
    return servers


@transaction.atomic
def provide(hosts: int, model: Server) -> list[str]:
    """The ids of providers made for so many hosts."""
    providers = [ResourceProvider.objects.create(name=f"filled-{number}").id for number in range(hosts)]
    Inventory.objects.bulk_create(
        Inventory(provider_id=provider, resource_class=name, total=10**6)
        for provider in providers
        for name in each(model)
    )
    return providers


def each(model: Server) -> dict[str, int]:
    return {"VCPU": model.vcpus, "MEMORY_MB": model.ram, "DISK_GB": 1}


def promise(placed: list[tuple[str, str]], model: Server) -> None:
    """What placement holds for these (server, provider)."""
    Consumer.objects.bulk_create((Consumer(id=id, project_id=model.project_id) for id, _on in placed), batch_size=2000)
    Allocation.objects.bulk_create(
        (
            Allocation(provider_id=provider, consumer_id=id, resource_class=name, used=used)
            for id, provider in placed
            for name, used in each(model).items()
        ),
        batch_size=2000,
    )
