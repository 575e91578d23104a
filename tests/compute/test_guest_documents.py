"""What a guest is told, read by cloud-init's own converter. Its package is fetched and unpacked, not installed."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compute.metadata import documents
from compute.servers.models import Server
from images.demo import packages
from networking.networks.models import Network
from tests.simulated import Cloud, actor

Launch = Callable[..., str]
_CONVERT = """
import json, sys
from cloudinit.sources.helpers import openstack
data = json.load(sys.stdin)
macs = {link["ethernet_mac_address"]: "eth%d" % n for n, link in enumerate(data["links"])}
print(json.dumps(openstack.convert_net_json(data, known_macs=macs)))
"""


@pytest.fixture(scope="session")
def cloud_init(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """`cloud_init(network_data)` is the configuration that cloud-init makes of it."""
    tree = packages.fetch(["cloud-init"], tmp_path_factory.mktemp("cloud-init"))["cloud-init"]
    environment = {**os.environ, "PYTHONPATH": str(tree / "usr" / "lib" / "python3" / "dist-packages")}

    def convert(data: dict[str, Any]) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-c", _CONVERT], input=json.dumps(data), env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    return convert


def _subnet(network: Network, **more: Any) -> None:
    from networking.subnets import services as subnets

    subnets.create(actor("red"), network_id=network.id, **more)


def _drive(server: Server) -> dict[str, bytes]:
    return {name: base64.b64decode(text) for name, text in documents.config_drive(server).items()}


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless", "dhcpv6-stateful"])
def test_ipv6_modes_reach_cloud_init(
    world: Cloud, host: Any, launch: Launch, network: Network, cloud_init: Callable[..., Any], mode: str
) -> None:
    """Case 6: with a mode, the guest listens to announcements and makes no static address of what it was told."""
    _subnet(network, cidr="fd00:9::/64", ip_version=6, ipv6_ra_mode=mode, ipv6_address_mode=mode)
    server = Server.objects.get(id=launch(config_drive=True))
    data = json.loads(_drive(server)["openstack/latest/network_data.json"])
    assert [n["type"] for n in data["networks"]] == ["ipv4_dhcp", f"ipv6_{mode}"]
    (port,) = (c for c in cloud_init(data)["config"] if c["type"] == "physical")
    assert [s["type"] for s in port["subnets"]] == ["dhcp4", f"ipv6_{mode}"]
    assert (
        port.get("accept-ra", mode != "dhcpv6-stateful") is True
    )  # 22.4 says it for stateful only, and False for static


def test_a_static_subnet_brings_its_routes_and_dns_once(
    world: Cloud, host: Any, launch: Launch, network: Network, cloud_init: Callable[..., Any]
) -> None:
    """Case 19: one entry a family, each DNS server once, also where a port has two addresses of one subnet."""
    from networking.ports import updates as ports
    from networking.ports.models import Port
    from networking.subnets.models import Subnet

    Subnet.objects.filter(network=network).update(
        enable_dhcp=False,
        dns_nameservers=["9.9.9.9", "1.1.1.1"],
        host_routes=[{"destination": "10.20.0.0/16", "nexthop": "10.9.0.254"}],
    )
    server = Server.objects.get(id=launch(config_drive=True))
    subnet_id = Subnet.objects.get(network=network).id
    port = Port.objects.get(device_id=server.id)
    two = [{"subnet_id": subnet_id, "ip_address": ip} for ip in ("10.9.0.77", "10.9.0.78")]
    ports.update(actor("red"), port.id, fixed_ips=two)
    data = json.loads(_drive(server)["openstack/latest/network_data.json"])
    assert [(n["type"], n["ip_address"]) for n in data["networks"]] == [("ipv4", "10.9.0.77")]
    assert [s["address"] for s in data["services"]] == ["9.9.9.9", "1.1.1.1"]
    (nic,) = (c for c in cloud_init(data)["config"] if c["type"] == "physical")
    routes = {(r["network"], r["gateway"]) for s in nic["subnets"] for r in s["routes"]}
    assert routes == {("0.0.0.0", "10.9.0.1"), ("10.20.0.0", "10.9.0.254")}


def test_both_trees_have_a_seed_for_the_random_pool(world: Cloud, launch: Launch) -> None:
    """Case 7: base64 of 512 bytes, another one each time."""
    server = Server.objects.get(id=launch(config_drive=True))
    seeds = [json.loads(_drive(server)["openstack/latest/meta_data.json"])["random_seed"] for _ in range(2)]
    assert [len(base64.b64decode(seed)) for seed in seeds] == [512, 512] and seeds[0] != seeds[1]


def test_the_drive_has_every_version_and_each_version_its_files(world: Cloud, launch: Launch) -> None:
    """Case 20: ten dated versions and latest; keys by number."""
    user_data = base64.b64encode(b"#!/bin/sh\n").decode()
    server = Server.objects.get(id=launch(config_drive=True, user_data=user_data))
    Server.objects.filter(id=server.id).update(key_name="mine", key_data="ssh-ed25519 AAAA me")
    drive = _drive(Server.objects.get(id=server.id))
    versions: dict[str, set[str]] = {}
    for name in drive:
        tree, version, file = Path(name).parts
        if tree == "openstack":
            versions.setdefault(version, set()).add(file)
    assert sorted(versions) == [*documents.OPENSTACK_VERSIONS, "latest"] and len(versions) == 11
    assert versions["2012-08-10"] == {"meta_data.json", "user_data"}
    assert versions["2013-10-17"] == versions["2012-08-10"] | {"vendor_data.json"}
    assert versions["2015-10-15"] == versions["2013-10-17"] | {"network_data.json"}
    assert versions["latest"] == versions["2016-10-06"] == versions["2015-10-15"] | {"vendor_data2.json"}
    ec2 = json.loads(drive["ec2/latest/meta-data.json"])
    assert ec2["public-keys"]["0"]["openssh-key"] == "ssh-ed25519 AAAA me\n"
