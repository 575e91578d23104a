"""User texts that reach nft: what is not refused is a ruleset that nft takes, and other ports' rules stay as they were."""

import random
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from common.errors import CloudError
from hostagent.drivers.network.linux_bridge import firewall
from hostagent.drivers.network.linux_bridge.ruleset import render
from networking.ports import checks
from networking.securitygroups import rules
from tests.fuzz.texts import SEEDS, texts

pytestmark = pytest.mark.lab
OTHER = "33333333-0000-4000-8000-000000000000"
VALUES = (
    "tcp",
    "udp",
    "icmp",
    "6",
    "58",
    "255",
    "any",
    22,
    0,
    -1,
    65536,
    None,
    "10.0.0.0/8",
    "fd00::/64",
    "IPv4",
    "IPv6",
)
MACS = ("fa:16:3e:00:00:01", "FA-16-3E-00-00-02", "fa:16:3e:00:00:01\n", "ff:ff:ff:ff:ff:ff")


def checked_rules(seed: int, count: int) -> list[dict[str, Any]]:
    """Rules as an agent is told of them, of requests in which any attribute may be any text."""
    chance, kept = random.Random(seed), []

    def one(text: str, *fitting: Any) -> Any:
        return chance.choice((*fitting, *fitting, chance.choice(VALUES), text))

    for text in texts(seed, count):
        asked = {
            "direction": one(text, "ingress", "egress"), "ethertype": one(text, "IPv4", "IPv6"),
            "protocol": one(text, "tcp", "icmp", None), "remote_ip_prefix": one(text, "10.0.0.0/8", None, "fd00::/64"),
        }  # fmt: skip
        if chance.random() < 0.5:
            asked |= {
                "port_range_min": chance.choice((1, 22, 300, 65536)),
                "port_range_max": chance.choice((22, 255, 65535)),
            }
        try:
            match = rules.check(**asked)
        except CloudError:
            continue
        kept.append(
            {"direction": match.direction, "ethertype": match.ethertype, "protocol": match.protocol or None, "min": match.low,
             "max": match.high, "cidr": match.prefix or None, "group": None}
        )  # fmt: skip
    return kept


def checked_ports(seed: int, count: int) -> list[dict[str, Any]]:
    """Ports whose MAC and address pairs passed the API's checks."""
    chance, kept = random.Random(seed), []
    for number, text in enumerate(texts(seed, count)):
        try:
            mac = checks.mac_address(chance.choice((*MACS[:2], chance.choice(MACS), text)))
            pair = {"ip_address": chance.choice(("10.1.1.1", "10.1.0.0/16", "fd00::1", text))}
            pairs = checks.address_pairs(SimpleNamespace(mac_address=mac), [pair])  # type: ignore[arg-type]
        except CloudError:
            continue
        id_ = f"{number:08x}-{seed:04x}-4000-8000-000000000000"
        kept.append(
            {"id": id_, "mac": mac, "ips": ["10.0.0.5"], "network_id": OTHER, "groups": [id_], "security": True,
             "pairs": [{"ip": p["ip_address"], "mac": p["mac_address"]} for p in pairs]}
        )  # fmt: skip
    return kept


def check_ruleset(seed: int, count: int) -> int:
    """Returns how many texts were let through."""
    ports, every = checked_ports(seed, count), checked_rules(seed, count)
    passed = len(ports) + len(every)
    while ports or every:
        some, ports = ports[:200], ports[200:]
        own, every = every[:1000], every[1000:]
        groups = {p["id"]: {"id": p["id"], "members": [], "rules": own[n::200] or []} for n, p in enumerate(some)}
        other = {"id": OTHER, "mac": "fa:16:3e:ff:00:01", "ips": ["10.9.9.9"], "network_id": OTHER, "groups": [OTHER],
                 "security": True, "pairs": []}  # fmt: skip
        quiet: firewall.Bodies = {
            "network": {OTHER: {"id": OTHER, "zone": 7}},
            "group": {OTHER: {"id": OTHER, "members": ["10.9.9.9"], "rules": []}},
            "port": {OTHER: other},
        }
        loud: firewall.Bodies = {
            "network": quiet["network"],
            "group": {**quiet["group"], **groups},
            "port": {**quiet["port"], **{p["id"]: p for p in some}},
        }
        alone, together = firewall.build(quiet), firewall.build(loud)
        done = subprocess.run(
            ["unshare", "--net", "nft", "-c", "-f", "-"],
            input=render(together),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not done.returncode, done.stderr[:2000]
        for before, after in zip(alone, together, strict=True):
            for name, chain in before.chains.items():
                assert after.chains[name] == chain, name
            for name, found in before.sets.items():
                assert found.elements.items() <= after.sets[name].elements.items(), name
    return passed


def test_some_rules_and_ports() -> None:
    """B6."""
    assert sum(check_ruleset(seed, 400) for seed in SEEDS[:2]) > 200


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_ten_thousand_rules_and_ports(seed: int) -> None:
    """B6."""
    assert check_ruleset(seed, 10_000) > 1000
