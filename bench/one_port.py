"""Run by alone.py with a database of its own: what control sends to 50 hosts for one port of 1,001."""

import json
import time
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402

from common import live  # noqa: E402
from common.clock import now  # noqa: E402
from hostagent.contract.network import PIECE_CHANGES  # noqa: E402
from hosts.models import Host  # noqa: E402
from identity.models import Domain, Project  # noqa: E402
from networking.desired import sync  # noqa: E402
from networking.desired.changes import touch, touch_port  # noqa: E402
from networking.desired.models import Change  # noqa: E402
from networking.networks.models import Network  # noqa: E402
from networking.ports.models import FixedIP, Port, PortGroup  # noqa: E402
from networking.securitygroups.models import SecurityGroup, SecurityGroupRule  # noqa: E402
from networking.subnets.models import Subnet  # noqa: E402
from operations import rpc, wakeups  # noqa: E402

PORTS, HOSTS = 1000, 50


def make(network: Network, subnet: Subnet, group: SecurityGroup, number: int) -> Port:
    port = Port.objects.create(
        network=network,
        project_id=network.project_id,
        mac_address=f"fa:16:3e:01:{number >> 8:02x}:{number & 255:02x}",
        host=f"h{number % HOSTS}",
    )
    address = f"10.1.{number >> 8}.{number & 255}"
    FixedIP.objects.create(port=port, subnet=subnet, ip_address=address, number=f"{number:032x}")
    PortGroup.objects.create(port=port, group=group)
    return port


def main() -> None:
    sent: list[int] = []
    wakeups.notify = lambda job: None
    live._send = lambda: None

    def count(host: str, order: dict[str, Any], **_more: Any) -> bool:
        sent.append(len(json.dumps(order)))
        return True

    rpc.cast = count
    call_command("migrate", verbosity=0)
    domain, _made = Domain.objects.get_or_create(pk="default", defaults={"name": "Default"})
    project = Project.objects.create(name="bench", domain=domain).pk
    Host.objects.bulk_create(
        Host(name=f"h{n}", number=n, state="up", underlay_ip=f"10.98.0.{n}", capabilities=[PIECE_CHANGES])
        for n in range(HOSTS)
    )
    with transaction.atomic():
        network = Network.objects.create(
            name="n", project_id=project, kind="vxlan", segment=1, mtu=1450, conntrack_zone=1
        )
        subnet = Subnet.objects.create(network=network, project_id=project, ip_version=4, cidr="10.1.0.0/16")
        group = SecurityGroup.objects.create(project_id=project, name="g")
        SecurityGroupRule.objects.create(group=group, project_id=project, direction="ingress", remote_group=group)
        for number in range(PORTS):
            make(network, subnet, group, number)
        touch(f"network:{network.id}", f"group:{group.id}")
    sync.drain()
    sent.clear()
    with transaction.atomic():
        port = make(network, subnet, group, PORTS)
        touch_port(port.id, network.id, [group.id])
    began = time.process_time()
    sync.drain()
    Change.objects.update(due=now())  # what would follow within a second
    sync.drain()
    cpu = time.process_time() - began
    print(json.dumps({"bytes": sum(sent), "cpu_ms": round(cpu * 1000, 1), "hosts": len(sent)}))


if __name__ == "__main__":
    main()
