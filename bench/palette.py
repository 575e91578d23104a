"""Run by alone.py with a database of its own: what the palette's answer takes with 100,000 objects; prints one JSON line.

An operator who sees all of them, and a project that has 20,000; each text is asked for several times, the median counts.
"""

import ipaddress
import json
import os
import statistics
import time
from collections.abc import Iterable
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from common import live  # noqa: E402
from compute.flavors.services import seed as seed_flavors  # noqa: E402
from compute.keypairs.models import KeyPair  # noqa: E402
from compute.servers.models import Server  # noqa: E402
from hosts.models import Host  # noqa: E402
from identity import seeds  # noqa: E402
from identity.models import Project, User  # noqa: E402
from images.images.models import Image  # noqa: E402
from networking.floatingips.models import FloatingIP  # noqa: E402
from networking.networks.models import Network  # noqa: E402
from networking.ports.models import FixedIP, Port  # noqa: E402
from networking.routers.models import Router  # noqa: E402
from networking.securitygroups.models import SecurityGroup  # noqa: E402
from networking.subnets.models import Subnet  # noqa: E402
from operations import wakeups  # noqa: E402

PROJECTS, USERS, HOSTS = 2000, 6000, 500
NETWORKS, ROUTERS, GROUPS = 3000, 500, 4000
SERVERS, FLOATING, IMAGES, KEYS = (
    30_000,
    4000,
    9000,
    7000,
)  # with a port and an address each server, a port each floating IP
OURS = 5  # every fifth thing is the project's that asks
TIMES = 5
#: What people type: a common part of names, one thing's name, nothing's, addresses, verbs in both languages.
TEXTS = (
    "", "w", "web", "web-29999", "no such thing", "10.64.117", "10.64.117.47", "fa:16:3f:00:75", "10.2.184.0/24",
    "stop web-12345", "关机web-12345", "launch shop", "create network", "创建用户", "user-5999", "image-8999", "host-499",
)  # fmt: skip


def put(model: Any, rows: Iterable[Any]) -> list[Any]:
    made: list[Any] = model.objects.bulk_create(rows, batch_size=500)
    return made


def fill(own: str) -> int:
    """Fill the database, every fifth thing for the project `own`. Returns how many objects."""
    domain = Project.objects.get(pk="default")
    projects = put(Project, (Project(name=f"project-{n}", domain=domain, parent=domain) for n in range(PROJECTS)))

    def of(n: int) -> str:
        return own if n % OURS == 0 else str(projects[n % PROJECTS].pk)

    users = put(User, (User(name=f"user-{n}", domain=domain, password="!") for n in range(USERS)))
    put(
        Host,
        (
            Host(name=f"host-{n}", number=n + 1000, state="up", underlay_ip=f"10.98.{n >> 8}.{n & 255}")
            for n in range(HOSTS)
        ),
    )
    put(Router, (Router(name=f"router-{n}", project_id=of(n)) for n in range(ROUTERS)))
    put(SecurityGroup, (SecurityGroup(name=f"group-{n}", project_id=of(n)) for n in range(GROUPS)))
    put(
        Image,
        (Image(name=f"image-{n}", project_id=of(n), status="active", visibility="private") for n in range(IMAGES)),
    )
    key = {"public_key": "ssh-ed25519 AAAA", "fingerprint": "00:11"}
    put(KeyPair, (KeyPair(name=f"key-{n}", user_id=users[n % USERS].pk, **key) for n in range(KEYS)))
    networks = put(Network, (
        Network(name=f"network-{n}", project_id=of(n), kind="local", mtu=1450, conntrack_zone=n + 1000) for n in range(NETWORKS)
    ))  # fmt: skip
    subnets = put(Subnet, (
        Subnet(network=network, project_id=network.project_id, ip_version=4, cidr=f"10.{n >> 8}.{n & 255}.0/24")
        for n, network in enumerate(networks)
    ))  # fmt: skip
    machines(of, subnets)
    return sum(model.objects.count() for model in COUNTED)


COUNTED: tuple[Any, ...] = (
    Project, User, Host, Router, SecurityGroup, Image, KeyPair, Network, Subnet, Server, Port, FloatingIP,
)  # fmt: skip


def machines(of: Any, subnets: list[Any]) -> None:
    """Fill servers with a port and an address each, and floating IPs with their ports."""
    flavor = {"vcpus": 1, "ram": 512, "disk": 1, "original_name": "tiny", "extra_specs": {}}
    servers = put(Server, (
        Server(name=f"web-{n}", hostname=f"web-{n}", project_id=of(n), user_id="u", flavor_id="tiny", flavor=flavor,
               host=f"host-{n % HOSTS}", vm_state="active", power_state=1, user_data="x" * 2000)
        for n in range(SERVERS)
    ))  # fmt: skip
    ports = put(Port, (
        Port(network_id=subnets[n % NETWORKS].network_id, project_id=of(n), mac_address=f"fa:16:3f:00:{n >> 8:02x}:{n & 255:02x}",
             server_id=servers[n].pk if n < SERVERS else "", device_id=servers[n].pk if n < SERVERS else "", status="ACTIVE")
        for n in range(SERVERS + FLOATING)
    ))  # fmt: skip
    first = int(ipaddress.ip_address("10.64.0.0"))
    put(FixedIP, (
        FixedIP(port=port, subnet=subnets[n % NETWORKS], ip_address=str(ipaddress.ip_address(first + n)), number=f"{first + n:032x}")
        for n, port in enumerate(ports)
    ))  # fmt: skip
    put(FloatingIP, (
        FloatingIP(network_id=subnets[0].network_id, floating_port=ports[SERVERS + n], project_id=of(n),
                   floating_ip_address=str(ipaddress.ip_address(f"172.24.{n >> 8}.{n & 255}")))
        for n in range(FLOATING)
    ))  # fmt: skip


def asked(client: Client, text: str) -> float:
    """Return the milliseconds of CPU of one answer: SQLite is in this process."""
    taken = []
    for _ in range(TIMES):
        began = time.process_time()
        answer = client.get("/find", {"q": text}, headers={"HX-Request": "true"})
        taken.append((time.process_time() - began) * 1000)
        assert answer.status_code == 200, answer.content[:300]
    if text in ("web-29999", "user-5999", "10.64.117.47"):
        assert b"<a " in answer.content, f"{text} is found"
    return statistics.median(taken)


def main() -> None:
    settings.ALLOWED_HOSTS = ["*"]
    wakeups.notify = lambda job: None
    live._send = lambda: None
    for name in ("admin", "demo"):
        os.environ[f"STACKLING_{name.upper()}_PASSWORD"] = f"{name}'s password"
    call_command("migrate", verbosity=0)
    seeds.seed()
    seed_flavors()
    objects = fill(Project.objects.get(name="demo", is_domain=False).pk)
    found: dict[str, dict[str, float]] = {}
    for name in ("admin", "demo"):
        client = Client()
        assert client.post("/sign-in", {"username": name, "password": f"{name}'s password"}).status_code == 302
        client.get("/find", {"q": "x"}, headers={"HX-Request": "true"})  # what is made once
        texts = [text for text in TEXTS if name == "admin" or text not in ("user-5999", "host-499")]
        found[name] = {text: round(asked(client, text), 1) for text in texts}
    print(json.dumps({"objects": objects, **found}))


if __name__ == "__main__":
    main()
