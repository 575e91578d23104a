"""User texts that reach dnsmasq: it takes its file whatever they are, and the lines of others stay as they were."""

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from common.errors import CloudError
from hostagent.drivers.network.dhcp import Dhcp
from hostagent.drivers.network.dnsmasq import Texts
from hostagent.drivers.network.linux_bridge.links import Bridges
from hostagent.machine.daemons import Daemons
from networking.ports import dhcp_options
from networking.subnets import checks
from tests.fuzz.texts import SEEDS, texts

NETWORK = "11111111-2222-4333-8444-555555555555"
NAMES = [
    *(name for table in dhcp_options.TABLES.values() for name, _kind in table.values()),
    *(str(number) for number in range(256)),
    "option:router",
    "tag:x",
    "DNS-Server",
]
#: What each type takes, so that stored values are not only those of untyped options.
FITTING = ("10.0.0.1", "10.0.0.1,10.0.0.2", "[fd00::1]", "1", "true", "1h", "a.example", "10.0.0.0/8,10.0.0.1", "255")


def body(hosts: list[dict[str, Any]], **subnet: Any) -> dict[str, Any]:
    one = {
        "cidr": "10.0.0.0/16", "ip": "10.0.0.2", "ip_version": 4, "gateway": "10.0.0.1", "dns": [], "routes": [],
        "ipv6_mode": None, **subnet,
    }  # fmt: skip
    return {
        "port_id": "99999999-2222-4333-8444-555555555555", "mac": "fa:16:3e:00:00:01", "mtu": 1450, "domain": "a.example",
        "subnets": [one], "hosts": hosts, "metadata": True,
    }  # fmt: skip


def host(number: int, options: list[dict[str, Any]], name: str = "") -> dict[str, Any]:
    mac = f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}"
    ip = f"10.0.{4 + (number >> 8)}.{number & 255}"
    return {"port_id": f"port{number}", "mac": mac, "hostname": name, "ips": [{"ip": ip}], "options": options}


def server(folder: Path) -> Dhcp:
    return Dhcp(folder, NETWORK, folder / "socket", Daemons(folder), Bridges())


def takes(text: str) -> str:
    """What dnsmasq says against a configuration; "" for nothing."""
    done = subprocess.run(
        ["dnsmasq", "--test", "--conf-file=-"], input=text, capture_output=True, text=True, timeout=60
    )
    return done.stderr if done.returncode else ""


def stored(seed: int, count: int) -> list[list[dict[str, Any]]]:
    """Options as the database holds them after a create with these texts: those that are not refused."""
    chance, kept = random.Random(seed), []
    for text in texts(seed, count):
        option = {
            "opt_name": chance.choice(NAMES),
            "opt_value": chance.choice(FITTING) if chance.random() < 0.4 else text,
            "ip_version": chance.choice((4, 4, 4, 6)),
        }
        try:
            kept.append(dhcp_options.checked([option]))
        except CloudError:
            continue
    return kept


def check_options(folder: Path, seed: int, count: int) -> int:
    """Returns how many options were served."""
    kept, served = stored(seed, count), 0
    for start in range(0, len(kept), 500):
        options = [dhcp_options.served(one, {4, 6}) for one in kept[start : start + 500]]
        hosts = [host(number, one) for number, one in enumerate(options)]
        made = Texts(server(folder).folder, body(hosts))
        text, base = made.config(), made.config(own=False)
        said = takes(text)
        assert not said, (
            said,
            text.splitlines()[int(said.split("line ")[1].split()[0]) - 1] if "line " in said else "",
        )
        assert made.left_out == {}
        own = text.removeprefix(base).splitlines()
        assert text.startswith(base) and all(
            line.startswith(("dhcp-host=fa:16", "dhcp-option-force=tag:port-")) for line in own
        )
        assert len(own) == sum(bool(one) + len(one) for one in options)
        served += sum(map(len, options))
    return served


def test_some_options_of_ports(tmp_path: Path) -> None:
    """B6: typed by number; 6, 1, 3, 42 and policy-filter with "not-an-ip" stopped DHCP for a whole network."""
    assert sum(check_options(tmp_path, seed, 600) for seed in SEEDS[:3]) > 200


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_ten_thousand_options_of_ports(tmp_path: Path, seed: int) -> None:
    """B6."""
    assert check_options(tmp_path, seed, 10_000) > 1000


@pytest.mark.parametrize(
    "name", ["6", "1", "3", "42", "policy-filter", "21", "dns-server", "DNS-SERVER", "121", "119", "26"]
)
def test_a_value_of_another_type_is_refused_with_a_sentence(name: str) -> None:
    """B6: numeric aliases are the same option."""
    with pytest.raises(dhcp_options.BadValue, match=r"is not .*Correct it, or leave the option out"):
        dhcp_options.checked([{"opt_name": name, "opt_value": "not an ip"}])


def test_what_was_stored_before_is_left_out_alone() -> None:
    rows = [
        {"opt_name": "6", "opt_value": "no", "ip_version": 4},
        {"opt_name": "3", "opt_value": "10.0.0.1", "ip_version": 4},
    ]
    assert [one["opt_name"] for one in dhcp_options.served(rows, {4})] == ["3"]


def test_a_port_has_only_so_many_options() -> None:
    """B6 sibling: an answer of DHCP holds so much, and a row so much."""
    many = [{"opt_name": str(200), "opt_value": "x"}] * (dhcp_options.MAX_OPTIONS + 1)
    with pytest.raises(CloudError, match="at most"):
        dhcp_options.checked(many)
    with pytest.raises(CloudError, match="at most"):
        dhcp_options.merged([{"opt_name": str(n), "ip_version": 4} for n in range(100, 132)], many[:1])


# ── The host alone, if control sent it anything ─────────────────────────────────────────────────────────────────────


def test_the_host_leaves_out_the_ports_whose_options_are_refused(tmp_path: Path) -> None:
    """B6: one bad port's options never take down its network; everybody else's lines are served, and it still has DHCP."""
    bad = {
        3: ("6", "not-an-ip"),
        17: ("no-such-option", "x"),
        18: ("54", "x"),
        40: ("12\nuser=root", "x"),
        41: ("67", "a\nb"),
    }
    good = ("67", "pxelinux.0")
    hosts = [host(n, [{"opt_name": name, "opt_value": value}]) for n in range(50) for name, value in [bad.get(n, good)]]
    dhcp = server(tmp_path)
    made = Texts(dhcp.folder, body(hosts))
    text = dhcp.accepted(made)
    assert not takes(text)
    assert set(made.left_out) == {f"port{n}" for n in bad}
    assert text.count("pxelinux.0") == 45
    assert {line.split(",")[0] for line in made.files()["hosts"].splitlines()} == {hosts[n]["mac"] for n in bad}


def test_the_host_serves_others_when_a_port_has_no_address_that_is_one(tmp_path: Path) -> None:
    """B6 sibling: a MAC or an address that no file may hold takes its own port away and no other."""
    hosts = [host(1, []), host(2, []), host(3, [])]
    hosts[1]["ips"] = [{"ip": "fe80::1%x\ndhcp-script=/bin/sh"}]
    hosts[2]["mac"] = "zz"
    made = Texts(server(tmp_path).folder, body(hosts))
    assert set(made.left_out) == {"port2", "port3"} and [ip for _mac, ip, _name in made.hosts] == ["10.0.4.1"]


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_names_of_ports_are_names_or_made_of_the_address(tmp_path: Path, seed: int) -> None:
    """B6 sibling: "ignore", "infinite" and "120" are words of dnsmasq's lines and no names."""
    names = ["ignore", "Ignore", "infinite", "120", "12h", "static", "web-1", *texts(seed, 1500)]
    hosts = [host(number, [{"opt_name": "67", "opt_value": "x"}], name) for number, name in enumerate(names)]
    made = Texts(server(tmp_path).folder, body(hosts))
    text, base = made.config(), made.config(own=False)
    assert not takes(text) and len(text.removeprefix(base).splitlines()) == 2 * len(names)
    found = [line.rsplit(",", 1)[1] for line in text.splitlines() if line.startswith("dhcp-host=")]
    assert found[6] == "web-1" and all(name.startswith("host-10-0-") for name in found[:6])
    assert len(made.files()["names"].splitlines()) == len(names)


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_name_servers_routes_and_domains_of_subnets(tmp_path: Path, seed: int) -> None:
    """B6 sibling: a zone of an IPv6 address ("fe80::1%x⏎dhcp-script=…") was a line of dnsmasq's file, as root."""
    for text in ("fe80::1%x\ndhcp-script=/bin/sh", "fe80::1%eth0", *texts(seed, 1500)):
        for version in (4, 6):
            try:
                servers = checks.nameservers([text], version)
            except CloudError:
                continue
            assert "\n" not in servers[0] and "%" not in servers[0], text
            assert not takes(Texts(server(tmp_path).folder, body([], dns=servers)).config()), text
        try:
            made = Texts(server(tmp_path).folder, {**body([]), "domain": text})
        except ValueError:
            continue
        assert not takes(made.config()) and "\n" not in made.domain, text
