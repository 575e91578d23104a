"""A failed launch is launched again in its place, with its flavor or the nearest that fits now."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from authorization.context import RequestContext
from common.ids import new_id
from compute.flavors.models import Flavor
from compute.servers.create import scheduling
from compute.servers.lifecycle import relaunch
from compute.servers.lifecycle.relaunch import WayOut
from compute.servers.models import HasRun, Server, WrongState
from networking.ports.models import FixedIP
from placement import services as placement
from tests.compute.client import Client
from tests.simulated import Cloud

Launch = Callable[..., str]


def actor_of(server: Server, *roles: str) -> RequestContext:
    return RequestContext(user_id=server.user_id, project_id=server.project_id, roles=frozenset(roles or ("member",)))


def test_the_nearest_flavor_that_fits_is_offered_and_runs_in_its_place(
    world: Cloud, red: Client, launch: Launch
) -> None:
    server_id = launch(flavor="5")
    server = Server.objects.get(id=server_id)
    before = list(FixedIP.objects.filter(port__server_id=server_id).values_list("ip_address", flat=True))
    way = relaunch.ways_out(actor_of(server), [server])[server_id]
    fitting = Flavor.objects.filter(ram__lte=8192, vcpus__lte=server.flavor["vcpus"]).order_by("-ram").first()
    assert way.flavor == fitting
    assert relaunch.ways_out(actor_of(server, "reader"), [server]) == {}
    relaunch.relaunch(actor_of(server), server_id=server_id, flavor_id=way.flavor.id)
    shown = red.ok("get", f"servers/{server_id}")["server"]
    assert (shown["status"], shown.get("fault")) == ("BUILD", None)
    world.settle()
    server.refresh_from_db()
    assert (server.status, server.host, server.flavor_id, server.ram) == (
        "ACTIVE",
        "host1",
        way.flavor.id,
        way.flavor.ram,
    )
    assert list(FixedIP.objects.filter(port__server_id=server_id).values_list("ip_address", flat=True)) == before
    assert placement.held_by(server_id)["host1"]["MEMORY_MB"] == way.flavor.ram
    with pytest.raises(WrongState):
        relaunch.relaunch(actor_of(server), server_id=server_id)


def test_what_fits_now_is_only_tried_again(world: Cloud, red: Client, launch: Launch) -> None:
    world.replies["disk.ensure"] = lambda order: (
        "failed",
        {"code": "no_space", "data": {"path": "/x", "need": 9, "have": 1}},
    )
    server_id = launch()
    server = Server.objects.get(id=server_id)
    assert relaunch.ways_out(actor_of(server), [server]) == {server_id: WayOut(None)}
    world.replies.clear()
    relaunch.relaunch(actor_of(server), server_id=server_id)
    world.settle()
    assert red.ok("get", f"servers/{server_id}")["server"]["status"] == "ACTIVE"


def test_what_has_run_is_not_launched_again(world: Cloud, admin: Client, launch: Launch) -> None:
    server_id = launch()
    admin.ok("post", f"servers/{server_id}/action", {"os-resetState": {"state": "error"}}, status=202)
    server = Server.objects.get(id=server_id)
    assert relaunch.ways_out(actor_of(server), [server]) == {}
    with pytest.raises(HasRun):
        relaunch.relaunch(actor_of(server), server_id=server_id)


def test_an_image_too_large_for_a_flavor_is_not_offered_with_it(launch: Launch, image: Any) -> None:
    server_id = launch(flavor="5")
    server = Server.objects.get(id=server_id)
    image.min_ram = 16384
    image.save(update_fields=["min_ram"])
    assert relaunch.ways_out(actor_of(server), [server]) == {server_id: WayOut(None)}


def test_launches_that_ask_for_the_same_are_decided_once(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of a hundred failed launches of one kind asks the scheduler as often as one of them, in as many queries."""
    first = Server.objects.get(id=launch(flavor="5"))
    decisions: list[object] = []
    decide = scheduling.decide
    monkeypatch.setattr(scheduling, "decide", lambda spec, hosts: decisions.append(spec) or decide(spec, hosts))

    def ways(servers: list[Server]) -> tuple[dict[str, WayOut], int, int]:
        decisions.clear()
        with CaptureQueriesContext(connection) as asked:
            found = relaunch.ways_out(actor_of(first), servers)
        return found, len(decisions), len(asked)

    _one, for_one, queries = ways([first])
    others = [Server.objects.get(id=first.id) for _number in range(99)]
    for other in others:
        other.id = new_id()
    Server.objects.bulk_create(others)
    every, for_all, of_all = ways(list(Server.objects.living()))
    assert len(every) == 100 and len({way.flavor for way in every.values()}) == 1
    assert for_all == for_one > 1 and of_all <= queries
    Server.objects.filter(id=others[0].id).update(forced_host="nowhere")
    assert ways(list(Server.objects.living()))[0][others[0].id] == WayOut(None)
