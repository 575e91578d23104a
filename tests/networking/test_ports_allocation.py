"""Addresses: no two ports ever get the same one, and none is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networking.addressing import default_pools, eui64, pool_spans, spans_after, subtract, usable_bounds
from networking.errors import InvalidIpForSubnet, IpAddressAlreadyAllocated, IpAddressGenerationFailure
from networking.ports import services as ports
from networking.ports.models import FixedIP
from networking.subnets import services as subnets
from tests.servers import postgres

RACE = Path(__file__).with_name("race.py")


def race(folder: Path, **more: str) -> str:
    """Real threads and real commits need a database of their own, so the race runs in a process of its own."""
    env = {**os.environ, "STACKLING_DATA": str(folder), "STACKLING_TESTING": "1", "PYTHONPATH": str(Path.cwd()), **more}
    env.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")
    ran = subprocess.run([sys.executable, str(RACE)], env=env, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.process
def test_racing_threads_never_get_the_same_address_or_lose_one(tmp_path: Path) -> None:
    assert "database sqlite ports 61 addresses 61" in race(tmp_path, DATABASE_URL="")


@pytest.mark.process
def test_racing_threads_on_postgresql_never_get_the_same_address_or_lose_one(tmp_path: Path) -> None:
    with postgres() as url:
        assert "database postgresql ports 61 addresses 61" in race(tmp_path, DATABASE_URL=url)


def test_a_full_subnet_says_so_and_a_freed_address_is_given_again(agents, demo, private) -> None:
    small = subnets.create(demo, network_id=private.id, cidr="10.7.0.0/29", enable_dhcp=False)
    asked = [{"subnet_id": small.id}]
    made = [ports.create(demo, network_id=private.id, fixed_ips=asked) for _ in range(5)]
    with pytest.raises(IpAddressGenerationFailure):
        ports.create(demo, network_id=private.id, fixed_ips=asked)
    freed = made[2].fixed_ips.get().ip_address
    ports.delete(demo, made[2].id)
    assert ports.create(demo, network_id=private.id, fixed_ips=asked).fixed_ips.get().ip_address == freed


def test_a_freed_address_is_not_given_to_the_next_port(agents, demo, private) -> None:
    first = ports.create(demo, network_id=private.id)
    freed = first.fixed_ips.get().ip_address
    ports.delete(demo, first.id)
    assert ports.create(demo, network_id=private.id).fixed_ips.get().ip_address != freed


def test_a_taken_or_foreign_address_is_refused_and_leaves_no_port(agents, demo, private) -> None:
    ports.create(demo, network_id=private.id, fixed_ips=[{"ip_address": "10.0.0.9"}])
    subnet = private.subnets.get()
    before = private.ports.count()
    with pytest.raises(IpAddressAlreadyAllocated):
        ports.create(demo, network_id=private.id, fixed_ips=[{"ip_address": "10.0.0.9"}])
    with pytest.raises(InvalidIpForSubnet):
        ports.create(demo, network_id=private.id, fixed_ips=[{"subnet_id": subnet.id, "ip_address": "10.0.1.9"}])
    assert private.ports.count() == before


def test_a_full_subnet_is_passed_over_when_the_network_has_another(agents, demo, private) -> None:
    subnet = private.subnets.get()
    subnets.update(demo, subnet.id, allocation_pools=[{"start": "10.0.0.2", "end": "10.0.0.2"}])
    subnets.create(demo, network_id=private.id, cidr="10.8.0.0/24", enable_dhcp=False)
    assert ports.create(demo, network_id=private.id).fixed_ips.get().ip_address.startswith("10.8.0.")


def test_slaac_addresses_follow_from_the_mac(agents, demo, private) -> None:
    subnets.create(
        demo,
        network_id=private.id,
        ip_version=6,
        cidr="2001:db8::/64",
        ipv6_ra_mode="slaac",
        ipv6_address_mode="slaac",
    )
    port = ports.create(demo, network_id=private.id, mac=None)
    held = set(FixedIP.objects.filter(port=port).values_list("ip_address", flat=True))
    import ipaddress

    assert eui64(ipaddress.IPv6Network("2001:db8::/64"), port.mac_address) in held
    assert len(held) == 2


@given(st.integers(16, 30), st.integers(0, 300))
def test_default_pools_hold_every_usable_address_but_the_gateway(length: int, offset: int) -> None:
    import ipaddress

    network = ipaddress.ip_network(f"10.0.0.0/{length}")
    first, last = usable_bounds(network)
    gateway = min(first + offset, last)
    spans = pool_spans(default_pools(network, str(ipaddress.ip_address(gateway))))
    covered = sum(b - a + 1 for a, b in spans)
    assert covered == last - first
    assert not any(a <= gateway <= b for a, b in spans)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), min_size=1, max_size=4), st.integers(-5, 700))
def test_looking_for_an_address_visits_each_one_once(parts: list[tuple[int, int]], cursor: int) -> None:
    spans, at = [], 0
    for gap, size in parts:
        spans.append((at + gap, at + gap + size))
        at += gap + size + 1
    visited = [n for a, b in spans_after(spans, cursor) for n in range(a, b + 1)]
    assert sorted(visited) == [n for a, b in spans for n in range(a, b + 1)]


@given(st.lists(st.integers(0, 255), max_size=40, unique=True))
def test_a_cut_subnet_overlaps_none_that_were_cut_before(taken: list[int]) -> None:
    import ipaddress

    pool = ipaddress.ip_network("10.5.0.0/16")
    used = [ipaddress.ip_network(f"10.5.{n}.0/24") for n in taken]
    found = subtract(pool, used, 24)
    assert found is not None and found.subnet_of(pool)
    assert not any(found.overlaps(other) for other in used)
    assert subtract(pool, [ipaddress.ip_network("10.5.0.0/16")], 24) is None
