"""Hosts are heard, fall silent, and are believed only under their own seal."""

import time
from typing import Any

import pytest
from django.test import RequestFactory

from hostagent.contract import capabilities
from hostagent.contract.messages import http_signature, sign
from hosts import agents, drivers, services
from hosts.models import Host
from hosts.states import HostState, state_after
from operations import rpc

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(settings: Any, tmp_path: Any) -> Host:
    settings.KEYS = tmp_path
    return services.enrol("h1", roles=["compute"])


INVENTORY = {
    "vcpus": 2,
    "memory_mib": 1024,
    "disk_gib": 10,
    "drivers": {"hypervisor": "fake"},
    "capabilities": ["pause"],
    "underlay_ip": "10.0.0.1",
}


def say(kind: str, body: dict[str, Any], key: str | None = None, name: str = "h1") -> None:
    message = {"v": 1, "host": name, "boot": "b1", "kind": kind, "operation": "", "step": "", "generation": 0}
    key = key or services.key_of(name) or ""
    rpc.receive(sign({**message, "subject": "", "sent": time.time(), "body": body}, key))


def test_a_host_is_usable_once_it_said_what_it_has(host: Host) -> None:
    say("hello", {"version": "1"})
    say("heartbeat", {})
    assert not services.alive().exists()
    say("inventory", INVENTORY)
    assert services.alive().get().underlay_ip == "10.0.0.1"


def test_a_report_under_another_key_is_not_believed(host: Host) -> None:
    say("inventory", INVENTORY, key="00" * 32)
    host.refresh_from_db()
    assert (host.inventory, host.state) == ({}, HostState.NEW)


@pytest.mark.parametrize(("silence", "state"), [(19, "up"), (20, "unreachable"), (30, "down"), (3000, "down")])
def test_silence_has_a_name(silence: float, state: str) -> None:
    assert state_after(silence) == state


@pytest.mark.parametrize("spoil", ["none", "path", "time", "host", "seal"])
def test_an_internal_request_needs_the_hosts_seal(host: Host, spoil: str) -> None:
    at = str(time.time() - (500 if spoil == "time" else 0))
    path = "/internal/images/x?a=1"
    made = http_signature(services.key_of("h1") or "", "GET", path if spoil != "path" else "/internal/images/y", at)
    request = RequestFactory().get(
        path,
        HTTP_X_STACKLING_HOST="h1" if spoil != "host" else "../h1",
        HTTP_X_STACKLING_TIME=at,
        HTTP_X_STACKLING_SEAL=made if spoil != "seal" else "é",
    )
    if spoil == "none":
        assert agents.authenticate_agent(request).name == "h1"
    else:
        with pytest.raises(agents.AgentRefused):
            agents.authenticate_agent(request)


def test_a_disabled_host_takes_nothing_new(host: Host) -> None:
    say("inventory", INVENTORY)
    services.set_enabled("h1", enabled=False, reason="maintenance")
    assert not services.alive().exists()
    assert services.find("h1").disabled_reason == "maintenance"


DRIVERS = {
    "v": 1,
    "instances": [
        {"kind": "hypervisor", "name": "local", "driver": "xen", "capabilities": ["pause", "snapshot", "of a later release"]},
        {"kind": "storage", "name": "local", "driver": "file", "capabilities": ["disk_resize"]},
        {"kind": "storage", "name": "fast", "driver": "file", "capabilities": ["disk_resize"]},
    ],
}  # fmt: skip


def test_a_hello_tells_of_the_hosts_drivers_and_what_each_can_do(host: Host) -> None:
    say("hello", {"drivers": DRIVERS})
    host.refresh_from_db()
    assert [one["name"] for one in host.driver_instances] == ["local", "local", "fast"]
    known = drivers.of("h1")
    assert known.can == {"pause", "disk_resize", "of a later release"}
    assert known.lacking(capabilities.PAUSE) == ""
    assert known.lacking(capabilities.SUSPEND) == "hypervisor xen"
    assert known.lacking(capabilities.SNAPSHOT) == "storage file"  # the hypervisor can, and no pool


def test_an_agent_that_tells_of_no_drivers_can_what_agents_could(host: Host) -> None:
    say("hello", {"version": "1"})
    say("inventory", {**INVENTORY, "capabilities": ["network.piece_changes"]})
    assert drivers.of("h1").can == capabilities.OLDER | {"network.piece_changes"}
    say("hello", {"drivers": DRIVERS})
    say("hello", {"version": "0"})  # the older release again
    assert drivers.of("h1").lacking(capabilities.SUSPEND) == ""


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {"v": 1},
        {"v": 1, "instances": "x"},
        {"v": 1, "instances": [None, {"kind": "tape", "capabilities": []}]},
    ],
)
def test_what_is_no_driver_is_left_out(host: Host, said: Any) -> None:
    say("hello", {"drivers": said})
    host.refresh_from_db()
    assert host.driver_instances == []
