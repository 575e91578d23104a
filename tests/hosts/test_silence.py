"""B4: silence is a host's only while control listens, and hosts that fall silent together are not down."""

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, transaction

from common import clock
from hosts import heartbeats, reports, services, silence
from hosts.models import Host
from hosts.states import HostState

BEAT = 5  # seconds between two heartbeats of a host
TICK = 2  # seconds between two looks of control


class Hosts:
    """Hosts that beat, a control that looks, and a clock for both. `told` is who became what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment: datetime = clock.now()
        self.dead: set[str] = set()
        self.is_listening = True  # control looks, and what hosts say arrives
        self.is_heard = True  # what hosts say arrives
        self.told: list[tuple[str, str]] = []
        for module in (silence, services, reports, heartbeats):
            monkeypatch.setattr(module, "now", lambda: self.moment)
        self.restart_control()

    def restart_control(self) -> None:
        silence._listening = silence.Listening()

    def make(self, count: int, **more: Any) -> None:
        for n in range(1, count + 1):
            values = {"state": "up", "inventory": {"vcpus": 1}, "last_seen_at": self.moment, "roles": ["network"]}
            Host.objects.create(name=f"host{n}", number=n, underlay_ip=f"10.0.0.{n}", **{**values, **more})

    def run(self, seconds: int) -> None:
        if not self.is_listening:
            self.moment += timedelta(seconds=seconds)
            return
        for _ in range(seconds):
            self.moment += timedelta(seconds=1)
            second = int(self.moment.timestamp())
            for n, host in enumerate(Host.objects.all()):
                if (second + n) % BEAT == 0 and host.name not in self.dead and self.is_heard:
                    reports.heartbeat(host.name, {})
            if second % TICK == 0:
                silence.check()

    def states(self) -> dict[str, str]:
        return dict(Host.objects.values_list("name", "state"))


@pytest.fixture
def hosts(db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    found = Hosts(monkeypatch)
    before = list(services._on_state)
    monkeypatch.setattr(services, "_on_state", [lambda name, state: found.told.append((name, str(state)))])
    yield found
    services._on_state[:] = before
    silence._listening = silence.Listening()


def test_a_silent_host_goes_down_and_its_heartbeat_brings_it_back(hosts: Hosts) -> None:
    hosts.make(3)
    hosts.run(10)
    hosts.dead = {"host1"}
    hosts.run(60)
    assert hosts.told == [("host1", "unreachable"), ("host1", "down")]
    hosts.dead = set()
    hosts.run(10)
    assert hosts.told[2:] == [("host1", "up")]


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("restart", [True, False], ids=["restarted", "stopped"])
def test_control_that_was_away_calls_nobody_down(hosts: Hosts, count: int, restart: bool) -> None:
    """B4: an upgrade, a SIGSTOP, a power cut of control's machine: 60 s, and an hour."""
    hosts.make(count)
    for seconds in (60, 3600):
        hosts.run(10)
        hosts.is_listening = False
        hosts.run(seconds)
        hosts.is_listening = True
        if restart:
            hosts.restart_control()
        hosts.run(60)
        assert hosts.told == []


def test_a_host_that_died_while_control_was_away_goes_down_once_control_has_listened(hosts: Hosts) -> None:
    """B4"""
    hosts.make(4)
    hosts.run(10)
    hosts.is_listening, hosts.dead = False, {"host2"}
    hosts.run(60)
    hosts.is_listening = True
    hosts.run(20)
    assert hosts.told == []
    hosts.run(20)
    assert [name for name, state in hosts.told if state == "down"] == ["host2"]


@pytest.mark.parametrize("count", [2, 3, 4, 12])
def test_control_that_hears_nobody_moves_nothing_until_it_does(hosts: Hosts, count: int) -> None:
    """B4: the broker hangs for two minutes while control itself runs."""
    hosts.make(count)
    hosts.run(10)
    hosts.is_heard = False
    hosts.run(120)
    assert set(hosts.states().values()) == {"unreachable"}
    hosts.is_heard = True
    hosts.run(10)
    assert set(hosts.states().values()) == {"up"} and not any(state == "down" for _name, state in hosts.told)


@pytest.mark.parametrize(("count", "dead", "is_deaf"), [(9, 3, False), (9, 4, True), (8, 3, True), (4, 2, False)])
def test_hosts_that_fall_silent_together_are_not_down(hosts: Hosts, count: int, dead: int, is_deaf: bool) -> None:
    """B4: at least three and over a third."""
    hosts.make(count)
    hosts.run(10)
    hosts.dead = {f"host{n}" for n in range(1, dead + 1)}
    hosts.run(90)
    down = {name for name, state in hosts.states().items() if state == "down"}
    assert down == (set() if is_deaf else hosts.dead)


def test_hosts_that_fall_silent_one_after_another_go_down(hosts: Hosts) -> None:
    """B4: the sibling: three dead hosts of four are dead if they died one by one."""
    hosts.make(4)
    for n in (1, 2, 3):
        hosts.run(60)
        hosts.dead.add(f"host{n}")
    hosts.run(60)
    assert {name for name, state in hosts.states().items() if state == "down"} == hosts.dead


def test_those_that_stay_away_go_down_when_the_others_are_heard_again(hosts: Hosts) -> None:
    """B4: the sibling: a switch comes back without one of its hosts."""
    hosts.make(4)
    hosts.run(10)
    hosts.dead = {"host1", "host2", "host3"}
    hosts.run(60)
    hosts.dead = {"host1"}
    hosts.run(60)
    assert hosts.states() == {"host1": "down", "host2": "up", "host3": "up", "host4": "up"}


def test_deafness_that_passes_does_not_call_those_down_that_are_heard_last(hosts: Hosts) -> None:
    """B4: the sibling: some hosts are heard seconds before others once the broker is back."""
    hosts.make(6)
    hosts.run(10)
    hosts.is_heard = False
    hosts.run(100)
    hosts.is_heard, hosts.dead = True, {"host5", "host6"}
    hosts.run(20)
    hosts.dead = {"host6"}
    hosts.run(60)
    assert [name for name, state in hosts.told if state == "down"] == ["host6"]


def test_an_operators_word_calls_silent_hosts_down(hosts: Hosts) -> None:
    """B4"""
    hosts.make(4)
    hosts.run(10)
    hosts.dead = {"host1", "host2", "host3"}
    hosts.run(60)
    with pytest.raises(CommandError, match="was heard"):
        call_command("host_down", "host1", "host4")
    assert "down" not in hosts.states().values()
    call_command("host_down", "--silent", stdout=io.StringIO())
    assert hosts.states() == {"host1": "down", "host2": "down", "host3": "down", "host4": "up"}
    hosts.dead = set()
    hosts.run(10)
    assert set(hosts.states().values()) == {"up"}


def test_a_heartbeat_between_the_look_and_the_mark_counts(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """B4: the row is read again under its lock."""
    hosts.make(3)
    hosts.run(10)
    mark: Callable[..., None] = silence._mark
    marked: list[str] = []

    def heard_first(name: str, state: str, seen: datetime) -> None:
        marked.append(name)
        with transaction.atomic():
            reports.heartbeat(name, {})
        mark(name, state, seen)

    monkeypatch.setattr(silence, "_mark", heard_first)
    hosts.dead = {"host1"}
    hosts.run(26)
    assert marked and hosts.told == [] and hosts.states()["host1"] == HostState.UP


def test_hosts_whose_inventory_is_still_to_be_read_are_not_silent(hosts: Hosts) -> None:
    """B4: the sibling: 500 agents say hello at once, and control takes a minute to read what they have."""
    hosts.make(4, state="new", inventory={})
    hosts.run(60)
    assert hosts.told == []


def test_what_was_heard_and_found_no_room_on_the_disk_is_no_silence(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C7: control's disk is full for a minute: it hears everybody and can write down nobody. Afterwards only the one that
    died meanwhile goes down, in its time, and not before control has listened for that long."""
    hosts.make(2)
    hosts.run(10)
    working = heartbeats._flush

    def full(*_: Any) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(heartbeats, "_flush", full)
    with suppress(OperationalError):
        heartbeats.note("host1", {})
    hosts.moment += timedelta(seconds=60)
    for _ in range(30):
        hosts.moment += timedelta(seconds=TICK)
        with suppress(OperationalError):
            heartbeats.note("host1", {})
        silence.check()
    assert hosts.told == []
    hosts.dead = {"host2"}
    monkeypatch.setattr(heartbeats, "_flush", working)
    heartbeats.note("host1", {})
    hosts.run(24)
    assert ("host2", "down") not in hosts.told and "host1" not in dict(hosts.told)
    hosts.run(20)
    assert hosts.told[-1] == ("host2", "down") and "host1" not in dict(hosts.told)
