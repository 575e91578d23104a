"""B4: DHCP and routers stay where they are while control is away, leave a dead host, and spread out again."""

import io
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from authorization.context import RequestContext
from common import clock
from hosts import heartbeats, reports, services, silence
from hosts.models import Host
from networking import rebalancing
from networking.agents import scheduling
from networking.networks import services as networks
from networking.networks.models import Network
from networking.routers import services as routers
from networking.routers.models import Router
from networking.subnets import services as subnets


class Cloud:
    """Four hosts that beat, twelve networks, twelve routers, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *actors: RequestContext) -> None:
        self.moment: datetime = clock.now()
        self.dead: set[str] = set()
        for module in (silence, services, reports, heartbeats, rebalancing):
            monkeypatch.setattr(module, "now", lambda: self.moment)
        silence._listening = silence.Listening()
        for n in (3, 4):
            Host.objects.create(
                name=f"host{n}", number=n, state="up", roles=["network", "compute"], underlay_ip=f"10.99.0.{n}"
            )
        Host.objects.update(last_seen_at=self.moment, inventory={"vcpus": 1}, state_changed_at=self.moment)
        for n in range(12):
            actor = actors[n % len(actors)]  # each within its quota
            network = networks.create(actor, name=f"n{n}")
            subnets.create(actor, network_id=network.id, cidr=f"10.0.{n}.0/24")
            routers.create(actor, name=f"r{n}")

    def run(self, seconds: int) -> None:
        for _ in range(seconds // 2):
            self.moment += timedelta(seconds=2)
            for name in Host.objects.values_list("name", flat=True):
                if name not in self.dead:
                    reports.heartbeat(name, {})
            silence.check()

    def away(self, seconds: int) -> None:
        """Control is stopped; what hosts say meanwhile is lost."""
        self.moment += timedelta(seconds=seconds)

    def spread(self) -> tuple[dict[str, int], dict[str, int]]:
        on = Network.objects.values_list("dhcp_host", flat=True), Router.objects.values_list("host", flat=True)
        return dict(Counter(on[0])), dict(Counter(on[1]))


@pytest.fixture
def cloud(agents: Any, demo: RequestContext, other: RequestContext, monkeypatch: pytest.MonkeyPatch) -> Any:
    yield Cloud(monkeypatch, demo, other)
    silence._listening = silence.Listening()


def test_control_that_was_away_for_a_minute_moves_nothing(cloud: Cloud) -> None:
    """B4"""
    before = list(Router.objects.values_list("id", "host")), list(Network.objects.values_list("id", "dhcp_host"))
    cloud.run(10)
    cloud.away(60)
    cloud.run(60)
    after = list(Router.objects.values_list("id", "host")), list(Network.objects.values_list("id", "dhcp_host"))
    assert after == before


def test_what_a_dead_host_carried_moves_and_nothing_else(cloud: Cloud) -> None:
    """B4"""
    before = dict(Router.objects.values_list("id", "host"))
    cloud.run(10)
    cloud.dead = {"host1"}
    cloud.run(60)
    assert "host1" not in cloud.spread()[0] and "host1" not in cloud.spread()[1]
    after = dict(Router.objects.values_list("id", "host"))
    assert {id for id in before if before[id] != after[id]} == {id for id in before if before[id] == "host1"}


def test_it_spreads_out_again_slowly_by_itself(cloud: Cloud) -> None:
    """B4: one network and one router a run, and only once no host has come or gone for a while."""
    cloud.dead = {"host1", "host2"}
    cloud.run(60)
    cloud.dead = set()
    cloud.run(60)
    rebalancing.move_some()
    assert cloud.spread()[1].get("host1", 0) == 0, "the hosts have only just come back"
    cloud.run(int(rebalancing.CALM))
    rebalancing.move_some()
    assert sum(cloud.spread()[1].get(name, 0) for name in ("host1", "host2")) == 1
    for _ in range(20):
        rebalancing.move_some()
    for spread in cloud.spread():
        assert max(spread.values()) - min(spread.values()) <= 1 and len(spread) == 4
    settled = cloud.spread()
    rebalancing.move_some()
    assert cloud.spread() == settled


def test_an_operator_spreads_it_out_at_once_and_empties_a_host(cloud: Cloud) -> None:
    """B4"""
    Network.objects.update(dhcp_host="host4")
    Router.objects.update(host="host4")
    call_command("network_rebalance", stdout=io.StringIO())
    assert [sorted(spread.values()) for spread in cloud.spread()] == [[3, 3, 3, 3]] * 2
    with pytest.raises(CommandError, match="Disable it first"):
        call_command("network_rebalance", "--drain", "host2")
    Host.objects.filter(name="host2").update(enabled=False)
    call_command("network_rebalance", "--drain", "host2", stdout=io.StringIO())
    assert [sorted(spread.values()) for spread in cloud.spread()] == [[4, 4, 4]] * 2


def test_with_nobody_to_take_them_they_stay(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    """B4: the sibling: an operator calls the only hosts down. The log says what stays and why, and tells of no move."""
    before = cloud.spread()
    cloud.dead = {"host1", "host2", "host3", "host4"}
    cloud.run(60)
    call_command("host_down", "--silent", stdout=io.StringIO())
    assert set(Host.objects.values_list("state", flat=True)) == {"down"} and cloud.spread() == before
    assert "DHCP and routers of host1, which is down, stay there: no host that is up may carry them" in caplog.text
    assert "away from host4" not in caplog.text


def test_what_an_operator_placed_by_hand_stays_there(cloud: Cloud, admin: RequestContext) -> None:
    """B4, sibling: rebalancing took routers away from the host that an operator had chosen."""
    host = Host.objects.get(name="host1")
    for router in Router.objects.exclude(host="host1").order_by("id")[:5]:
        scheduling.place_router(admin, host, router.id)
    for network in Network.objects.exclude(dhcp_host="host1").order_by("id")[:5]:
        scheduling.place_network(admin, host, network.id)
    chosen = set(Router.objects.filter(placed=True).values_list("id", flat=True))
    call_command("network_rebalance", stdout=io.StringIO())
    cloud.run(int(rebalancing.CALM) + 10)
    for _ in range(10):
        rebalancing.move_some()
    assert set(Router.objects.filter(host="host1").values_list("id", flat=True)) == chosen, "the others made room"
    assert cloud.spread()[0]["host1"] == 5
    cloud.dead = {"host1"}
    cloud.run(60)
    assert "host1" not in cloud.spread()[1], "but for a host that is down"
    assert not Router.objects.filter(placed=True).exists() and not Network.objects.filter(dhcp_placed=True).exists()
