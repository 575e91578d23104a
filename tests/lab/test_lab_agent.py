"""The agent's own Host with real networks: sealed orders in, reports out."""

from typing import Any

import pytest

from hostagent.contract.network import piece_hash
from tests.lab.world import LabHost, World, eventually

pytestmark = pytest.mark.lab


def told(world: World, *, full: bool = True) -> dict:
    return {
        "full": full,
        "remove": [],
        "pieces": {k: {"hash": piece_hash(b), "body": b} for k, b in world.pieces("host1").items()},
    }


def apply(host: LabHost, *, kind: str = "network", **order: Any) -> dict[str, Any]:
    """Order it; what the host then reports of its network."""
    host.ask("network.apply", **order)
    [_done] = host.ask("reports", kind="done")
    return dict(host.ask("reports", kind=kind)[-1])


def change(host: LabHost, pieces: dict[str, Any], *remove: str) -> dict[str, Any]:
    """The same as control orders it: what the host says of these pieces, and of what does not stand."""
    return apply(host, kind="network_change", full=False, pieces=pieces, remove=list(remove), only_change=True)


def test_an_agent_answers_with_hashes_reports_leases_and_says_what_it_has_after_a_restart(world: World) -> None:
    host = world.hosts["host1"]
    host.stop_agent(kill=True)
    host.start_agent("tests.lab.whole_agent")
    assert host.ask("reports", kind="network") == [{"hashes": {}, "failed": {}, "left_out": {}}]
    port = world.add_port("host1", "192.168.77.11")
    order = told(world)
    answer = apply(host, **order)
    assert answer == {
        "hashes": {key: piece["hash"] for key, piece in order["pieces"].items()},
        "failed": {},
        "left_out": {},
    }
    guest = world.plug("host1", port)
    assert guest.dhcp()
    [lease] = host.ask("reports", kind="event")
    assert (lease["event"], lease["port_id"], lease["ip"], lease["mac"]) == (
        "lease",
        port["id"],
        "192.168.77.11",
        port["mac"],
    )
    host.stop_agent(kill=True)
    host.start_agent("tests.lab.whole_agent")
    assert host.ask("reports", kind="network") == [answer]


def test_an_agent_says_what_came_of_an_order_and_not_all_that_it_has(world: World) -> None:
    host = world.hosts["host1"]
    host.stop_agent(kill=True)
    host.start_agent("tests.lab.whole_agent")
    world.add_port("host1", "192.168.77.11")
    apply(host, **told(world))
    port = f"port:{world.add_port('host1', '192.168.77.12')['id']}"
    pieces = told(world)["pieces"]
    assert change(host, {port: pieces[port]}) == {"hashes": {port: pieces[port]["hash"]}, "failed": {}, "left_out": {}}
    crooked = {"hash": "0" * 32, "body": {**pieces[port]["body"], "pairs": [{"ip": "nowhere", "mac": None}]}}
    said = change(host, {port: crooked})
    assert said["hashes"] == {port: ""} and set(said["failed"]) == {port}
    router = f"router:{world.router_id}"
    said = change(host, {}, router)
    assert said["hashes"] == {port: "", router: ""} and set(said["failed"]) == {port}
    assert change(host, {port: pieces[port]})["failed"] == {}
    assert change(host, {}, port)["hashes"] == {port: ""}


def test_an_agent_starts_daemons_again_that_have_died(world: World) -> None:
    host = world.hosts["host1"]
    host.stop_agent(kill=True)
    host.start_agent("tests.lab.whole_agent")
    world.add_port("host1", "192.168.77.11")
    apply(host, **told(world))
    host.run("pkill", "-KILL", "-f", f"dnsmasq.*{host.cloud.data}")
    assert eventually(lambda: host.run("pgrep", "-f", f"dnsmasq.*{host.cloud.data}", check=False).stdout)
    heard = [event for event in host.ask("reports", kind="event", count=1) if event["event"] == "daemon"]
    assert [(event["name"].split()[0], event["count"]) for event in heard] == [("dnsmasq", 1)], "control hears of it"


def test_a_failure_is_told_until_its_piece_stands_or_is_wanted_no_more(world: World) -> None:
    host = world.hosts["host1"]
    host.stop_agent(kill=True)
    host.start_agent("tests.lab.whole_agent")
    crooked = world.add_port("host1", "192.168.77.11", pairs=[{"ip": "nowhere", "mac": None}])
    answer = apply(host, **told(world))
    assert list(answer["failed"]) == [f"port:{crooked['id']}"]
    answer = apply(host, full=False, pieces={}, remove=[f"router:{world.router_id}"])
    assert list(answer["failed"]) == [f"port:{crooked['id']}"]
    crooked["pairs"] = []
    answer = apply(host, **told(world))
    assert answer["failed"] == {}
    assert f"port:{crooked['id']}" in answer["hashes"]
