"""What hosts owe: written by whoever gives up, worked off at a host's next word, never against what came later."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from common.clock import now
from compute.servers.lifecycle import owed
from compute.servers.models import Server
from hosts import debts, reports, silence
from hosts.models import Host, HostDebt
from operations import engine
from operations.models import Operation
from tests.compute.client import Client
from tests.simulated import Cloud

Launch = Callable[..., str]
DOWN = "failed", {"code": "hypervisor_down", "data": {"detail": "libvirtd is away"}}


def fall_silent(name: str) -> None:
    Host.objects.filter(name=name).update(last_seen_at=now() - timedelta(seconds=60))
    silence.call_down([name])
    assert Host.objects.get(name=name).state == "down"


def owes(name: str = "host1") -> list[tuple[str, str]]:
    return list(HostDebt.objects.filter(host=name).values_list("kind", "key"))


def time_passes() -> None:
    HostDebt.objects.update(due_at=now())
    debts.recover()


@pytest.mark.parametrize("word", ["hello", "heartbeat"])
def test_a_server_deleted_while_its_host_was_down_goes_at_the_hosts_first_word(
    world: Cloud, red: Client, launch: Launch, host: Any, word: str
) -> None:
    """B5: it ran on as a ghost where the host came back by a heartbeat; the debt is paid before anything else."""
    server_id = launch()
    fall_silent("host1")
    red.ok("delete", f"servers/{server_id}", status=204)
    world.settle()
    assert Server.objects.get(id=server_id).deleted, "nobody waits for a host that is down"
    assert owes() == [("server.remove", server_id), ("disk.remove", server_id)]
    assert world.domains("host1") == {server_id: "running"}
    world.forget_orders()
    getattr(reports, word)("host1", {"boot": "b2"})
    world.settle()
    assert world.verbs("host1")[:2] == ["server.remove", "disk.remove"]
    assert world.domains("host1") == {} and owes() == []


def test_what_is_owed_is_ordered_before_anything_else(world: Cloud, red: Client, launch: Launch, host: Any) -> None:
    """B5: at the hello the host is looked at and told its networks; the ghost goes before them."""
    ghost = launch("ghost")
    fall_silent("host1")
    red.ok("delete", f"servers/{ghost}", status=204)
    world.settle()
    world.forget_orders()
    world.restart("host1")
    world.settle()
    asked = [verb for _host, verb, _order in world.orders]
    assert asked[:2] == ["server.remove", "disk.remove"]
    assert {"network.apply", "host.read"} <= set(asked[2:])


def test_an_undo_that_fails_is_owed_in_the_transaction_that_gives_up(world: Cloud, launch: Launch) -> None:
    """A4: what a failed undo left is a debt, not an unknown thing of the host."""
    world.replies["server.ensure"] = world.replies["server.remove"] = lambda order: DOWN
    server_id = launch()
    assert Server.objects.get(id=server_id).vm_state == "error"
    assert owes() == [("server.remove", server_id)]
    (debt,) = HostDebt.objects.all()
    assert debt.body == {"server_id": server_id} and debt.subject == f"server:{server_id}"
    time_passes()
    world.settle()
    (debt,) = HostDebt.objects.all()
    assert debt.tries == 1 and debt.error_code == "hypervisor_down" and debt.due_at > now()
    debts.recover()
    world.settle()
    assert HostDebt.objects.get().tries == 1, "its pause is not over"
    del world.replies["server.remove"]
    time_passes()
    world.settle()
    assert owes() == []


def test_a_debt_never_touches_what_the_server_did_later(world: Cloud, launch: Launch, red: Client) -> None:
    """A4: a debt of the past is no order for the server of today."""
    server_id = launch()
    server = Server.objects.get(id=server_id)
    with transaction.atomic():
        owed.removal(server)
    red.ok("post", f"servers/{server_id}/action", {"reboot": {"type": "HARD"}}, status=202)
    world.settle()
    world.forget_orders()
    time_passes()
    world.settle()
    assert world.verbs() == [] and owes() == []
    assert world.domains("host1") == {server_id: "running"}


def test_an_agent_that_has_newer_orders_makes_a_debt_void(world: Cloud, launch: Launch) -> None:
    world.replies["server.remove"] = lambda order: ("failed", {"code": "stale", "data": {"have": 3, "got": 1}})
    with transaction.atomic():
        debts.owe("host1", "server.remove", "x", {"server_id": "x"}, subject="server:x", generation=1)
    launch()
    time_passes()
    world.settle()
    assert owes() == []


def test_a_disk_that_should_have_come_back_is_forgotten_once_the_server_went_on(
    world: Cloud, launch: Launch, red: Client
) -> None:
    """C8's sibling: a copy from before a failed resize would come back at a later revert, and be older data."""
    server_id = launch()
    body = {"server_id": server_id, "image": None, "size_gib": 1, "kept": "back"}
    with transaction.atomic():
        debts.owe("host1", "disk.ensure", server_id, body, subject=f"server:{server_id}", generation=0)
    world.forget_orders()
    time_passes()
    world.settle()
    (order,) = [order for _host, verb, order in world.orders if verb == "disk.ensure"]
    assert order["body"]["kept"] == "gone" and order["generation"] == Server.objects.get(id=server_id).generation


def test_one_debt_that_cannot_be_paid_holds_up_no_other(world: Cloud, host: Any) -> None:
    for number in range(4):
        with transaction.atomic():
            debts.owe("host1", "server.remove", f"s{number}", {"server_id": f"s{number}"}, subject=f"server:s{number}")
    world.replies["server.remove"] = lambda order: DOWN if order["body"]["server_id"] == "s1" else ("done", {})
    for _turn in range(3):
        debts.recover()
        world.settle()
    assert owes() == [("server.remove", "s1")]


def test_a_host_that_is_away_is_not_asked(world: Cloud, launch: Launch, red: Client, host: Any) -> None:
    with transaction.atomic():
        debts.owe("host1", "server.remove", "x", {"server_id": "x"}, subject="server:x")
    fall_silent("host1")
    world.settle()
    time_passes()
    world.settle()
    assert world.verbs() == [] and not Operation.objects.exists()


# ── Resizes that end while the host is down ─────────────────────────────────────────────────────────────────────────


def resized(world: Cloud, red: Client, launch: Launch) -> str:
    """A server that waits for a word about its larger disk, on a host that has gone down."""
    server_id = launch()
    red.ok("post", f"servers/{server_id}/action", {"resize": {"flavorRef": "small"}}, status=202)
    world.settle()
    assert Server.objects.get(id=server_id).vm_state == "resized"
    fall_silent("host1")
    world.settle()
    world.forget_orders()
    return server_id


def bodies(world: Cloud, verb: str) -> list[dict[str, Any]]:
    return [order["body"] for _host, asked, order in world.orders if asked == verb]


@pytest.mark.parametrize("word", ["hello", "heartbeat"])
def test_a_resize_that_is_confirmed_while_the_host_is_down_is_owed(
    world: Cloud, red: Client, launch: Launch, host: Any, word: str
) -> None:
    """B5: it was parked as broken and the server in ERROR; the old disk goes at the host's first word."""
    server_id = resized(world, red, launch)
    red.ok("post", f"servers/{server_id}/action", {"confirmResize": None}, status=204)
    world.settle()
    server = Server.objects.get(id=server_id)
    assert (server.vm_state, server.task_state, server.before_resize) == ("active", None, None)
    assert owes() == [("disk.ensure", server_id)] and not world.verbs()
    getattr(reports, word)("host1", {"boot": "b2"})
    world.settle()
    assert {body["kept"] for body in bodies(world, "disk.ensure")} == {"gone"} and owes() == []
    assert "server.remove" not in world.verbs() and world.domains("host1") == {server_id: "running"}


@pytest.mark.parametrize("word", ["hello", "heartbeat"])
def test_a_resize_that_is_reverted_while_the_host_is_down_is_owed(
    world: Cloud, red: Client, launch: Launch, host: Any, word: str
) -> None:
    """B5: what runs there ends, the disk from before comes back, and only then the machine of the old size starts."""
    server_id = resized(world, red, launch)
    red.ok("post", f"servers/{server_id}/action", {"revertResize": None}, status=202)
    world.settle()
    server = Server.objects.get(id=server_id)
    assert (server.vm_state, server.task_state, server.before_resize, server.flavor_id) == (
        "active",
        None,
        None,
        "tiny",
    )
    assert owes() == [("server.remove", server_id), ("disk.ensure", server_id)] and not world.verbs()
    getattr(reports, word)("host1", {"boot": "b2"})
    world.settle()
    done = [verb for verb in world.verbs() if verb in ("server.remove", "disk.ensure", "server.ensure")]
    assert done[:2] == ["server.remove", "disk.ensure"] and done[-1] == "server.ensure" and owes() == []
    assert {body["kept"] for body in bodies(world, "disk.ensure")} == {"back"}, "never made to be gone"
    assert bodies(world, "server.ensure")[-1]["memory_mib"] == 128
    assert world.domains("host1") == {server_id: "running"}


def test_a_host_that_comes_back_amid_a_revert_is_asked_by_its_debts_alone(
    world: Cloud, red: Client, launch: Launch, host: Any
) -> None:
    """B5: a flow that has left something to the debts orders nothing beside them, so nothing started is removed again."""
    server_id = resized(world, red, launch)
    red.ok("post", f"servers/{server_id}/action", {"revertResize": None}, status=202)
    (job,) = [job for job in world.jobs if not job.startswith("background:")]
    engine.advance(job)
    world.restart("host1")
    world.settle()
    for _turn in range(3):
        time_passes()
        world.settle()
    order = [verb for verb in world.verbs() if verb in ("server.remove", "disk.ensure", "server.ensure")]
    assert "server.remove" not in order[order.index("server.ensure") :] and owes() == []
    assert world.domains("host1") == {server_id: "running"}


def test_a_host_that_cannot_pay_does_not_keep_a_server_off(
    world: Cloud, red: Client, launch: Launch, host: Any
) -> None:
    """B5: the server waits for the first try alone."""
    server_id = resized(world, red, launch)
    red.ok("post", f"servers/{server_id}/action", {"revertResize": None}, status=202)
    world.settle()
    world.replies["disk.ensure"] = lambda order: DOWN
    world.restart("host1")
    world.settle()
    for _turn in range(3):
        time_passes()
        world.settle()
    world.restart("host1")
    world.settle()
    assert world.domains("host1") == {server_id: "running"}
