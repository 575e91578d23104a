"""Metadata documents of a server, in OpenStack's form and in EC2's. The same documents go onto a config drive."""

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from compute.servers.create import personality
from compute.servers.models import Server
from hostagent.contract import inet
from networking.ports.models import FixedIP, Port
from networking.ports.services import group_names
from networking.subnets.models import Subnet

#: Versions of OpenStack's tree that guests ask for; each shows the same.
OPENSTACK_VERSIONS = (
    "2012-08-10",
    "2013-04-04",
    "2013-10-17",
    "2015-10-15",
    "2016-06-30",
    "2016-10-06",
    "2017-02-22",
    "2018-08-27",
    "2020-10-14",
    "2025-04-04",
)
#: The first version that has a file; what is not here was always there.
FILES_SINCE = {
    "vendor_data.json": "2013-10-17",
    "network_data.json": "2015-10-15",
    "vendor_data2.json": "2016-10-06",
    "password": "2013-04-04",
}
SEED_BYTES = 512  # of random_seed, as nova/api/metadata/base.py has it
EC2_VERSIONS = ("1.0", "2007-01-19", "2007-12-15", "2008-02-01", "2008-09-01", "2009-04-04")


@dataclass
class Facts:
    """A server and its addresses, read once for all documents."""

    server: Server
    fixed: list[dict[str, Any]] = field(default_factory=list)  # {ip, version, subnet_id, port_id}
    floating: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    domain: str = "novalocal"

    @property
    def hostname(self) -> str:
        return f"{self.server.hostname}.{self.domain}"


def facts_of(server: Server) -> Facts:
    """Four queries at most."""
    from networking.floatingips.models import FloatingIP

    ports = Port.objects.of_server(server)
    rows = FixedIP.objects.filter(port__in=ports).order_by("port__created_at", "id")
    fixed = [
        {"ip": ip, "version": inet.ip_address(ip).version, "subnet_id": subnet, "port_id": port}
        for ip, subnet, port in rows.values_list("ip_address", "subnet_id", "port_id")
    ]
    floating = FloatingIP.objects.filter(port__in=ports).values_list("floating_ip_address", flat=True)
    groups = group_names({server.id: server.project_id})[server.id]
    return Facts(server, fixed, list(floating), groups)


def user_data(server: Server) -> bytes | None:
    return base64.b64decode(server.user_data) if server.user_data else None


# ── OpenStack's documents ───────────────────────────────────────────────────────────────────────────────────────────


def meta_data(facts: Facts) -> dict[str, object]:
    server = facts.server
    out: dict[str, object] = {
        "uuid": server.id,
        "name": server.name,
        "hostname": facts.hostname,
        "launch_index": server.launch_index,
        "availability_zone": server.availability_zone,
        "project_id": server.project_id,
        "meta": server.metadata,
        "devices": [],
        "dedicated_cpus": [],
        "random_seed": base64.b64encode(os.urandom(SEED_BYTES)).decode(),
    }
    if server.key_name:
        out["public_keys"] = {server.key_name: server.key_data}
        out["keys"] = [{"name": server.key_name, "type": "ssh", "data": server.key_data}]
    return out


def network_data(facts: Facts) -> dict[str, object]:
    """links, networks and services, as cloud-init reads them."""
    subnets = {s.id: s for s in Subnet.objects.filter(id__in={row["subnet_id"] for row in facts.fixed})}
    ports = Port.objects.of_server(facts.server)
    links: list[dict[str, object]] = []
    networks: list[dict[str, object]] = []
    services: list[dict[str, Any]] = []
    for port_id, network_id, mac, mtu in ports.values_list("id", "network_id", "mac_address", "network__mtu"):
        name = f"tap{port_id[:11]}"
        links.append({"id": name, "vif_id": port_id, "type": "bridge", "mtu": mtu, "ethernet_mac_address": mac})
        for row in _first_of_each_family([r for r in facts.fixed if r["port_id"] == port_id]):
            subnet = subnets[row["subnet_id"]]
            networks.append(_network(f"network{len(networks)}", name, network_id, row, subnet))
            services += [service for service in _dns(subnet) if service not in services]
    return {"links": links, "networks": networks, "services": services}


def _first_of_each_family(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first IPv4 and the first IPv6 address of a port: cloud-init configures one network a family and link."""
    first: dict[int, dict[str, object]] = {}
    for row in rows:
        first.setdefault(row["version"], row)
    return [first[version] for version in sorted(first)]


def _dns(subnet: Subnet) -> list[dict[str, str]]:
    return [{"type": "dns", "address": str(ip)} for ip in subnet.dns_nameservers or ()]


def _network(name: str, link: str, network_id: str, row: dict[str, Any], subnet: Subnet) -> dict[str, Any]:
    """One entry of `networks`. Source: `_get_nets` of nova/virt/netutils.py."""
    version = row["version"]
    out: dict[str, object] = {"id": name, "link": link, "network_id": network_id}
    mode = subnet.ipv6_address_mode if version == 6 else ""
    if subnet.enable_dhcp and not mode:
        return {**out, "type": f"ipv{version}_dhcp"}
    net = inet.ip_network(subnet.cidr)
    return {
        **out,
        "type": f"ipv{version}{f'_{mode}' if mode else ''}",
        "ip_address": row["ip"],
        "netmask": str(net.netmask),
        "routes": _routes(version, subnet),
        "services": _dns(subnet),
    }


def _routes(version: int, subnet: Subnet) -> list[dict[str, str]]:
    """The default route and the subnet's own host routes."""
    pairs = [("0.0.0.0/0" if version == 4 else "::/0", subnet.gateway_ip)] if subnet.gateway_ip else []
    pairs += [(route["destination"], route["nexthop"]) for route in subnet.host_routes or ()]
    nets = [(inet.ip_network(destination, strict=False), gateway) for destination, gateway in pairs]
    return [
        {"network": str(net.network_address), "netmask": str(net.netmask), "gateway": gateway} for net, gateway in nets
    ]


def files_since(version: str, names: Iterable[str]) -> list[str]:
    """List those of `names` that OpenStack's tree of `version` has; dates sort as text, and "latest" after all."""
    return [name for name in names if version >= FILES_SINCE.get(name, "")]


def config_drive(server: Server) -> dict[str, str]:
    """File name → base64 of its content: what an ISO labelled config-2 holds."""
    facts = facts_of(server)
    data = user_data(server)
    injected = {f"{number:04}": file for number, file in enumerate(server.personality)}
    about = meta_data(facts)
    if injected:
        about["files"] = [{"path": f["path"], "content_path": f"/content/{name}"} for name, f in injected.items()]
    openstack = {
        "meta_data.json": json.dumps(about).encode(),
        "network_data.json": json.dumps(network_data(facts)).encode(),
        "vendor_data.json": b"{}",
        "vendor_data2.json": b"{}",
    }
    ec2 = {"meta-data.json": json.dumps(ec2_document(facts)).encode()}
    if data is not None:
        openstack["user_data"] = ec2["user-data"] = data
    files = {f"openstack/content/{name}": personality.content(file) for name, file in injected.items()}
    for version in (*OPENSTACK_VERSIONS, "latest"):
        files |= {f"openstack/{version}/{name}": openstack[name] for name in files_since(version, openstack)}
    for version in (*EC2_VERSIONS, "latest"):
        files |= {f"ec2/{version}/{name}": content for name, content in ec2.items()}
    return {name: base64.b64encode(content).decode() for name, content in files.items()}


# ── EC2's tree ──────────────────────────────────────────────────────────────────────────────────────────────────────


def ec2_id(kind: str, id: str | None) -> str:
    """``i-1a2b3c4d`` of a uuid."""
    return f"{kind}-{(id or '0' * 8).replace('-', '')[:8]}"


def ec2_document(facts: Facts) -> dict[str, object]:
    """EC2's meta-data as a nested mapping; a mapping is a folder, text a file."""
    server = facts.server
    local = next((row["ip"] for row in facts.fixed if row["version"] == 4), "")
    out: dict[str, object] = {
        "ami-id": ec2_id("ami", server.image_id),
        "ami-launch-index": str(server.launch_index),
        "ami-manifest-path": "",
        "block-device-mapping": {"ami": "vda", "root": "/dev/vda"},
        "hostname": facts.hostname,
        "instance-action": "none",
        "instance-id": ec2_id("i", server.id),
        "instance-type": str(server.flavor.get("original_name", "")),
        "local-hostname": facts.hostname,
        "local-ipv4": local,
        "placement": {"availability-zone": server.availability_zone},
        "public-hostname": facts.hostname,
        "public-ipv4": next(iter(facts.floating), ""),
        "reservation-id": server.reservation_id,
        "security-groups": "\n".join(facts.groups),
    }
    if server.key_name:
        key = {"_name": f"0={server.key_name}", "openssh-key": server.key_data.rstrip("\n") + "\n"}
        out["public-keys"] = {"0": key}  # listed by its `_name` and asked for as 0: EC2's own oddity
    return out
