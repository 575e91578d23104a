"""Every flow of servers: what fails anywhere leaves nothing behind; what is done twice is done once."""

from collections.abc import Callable
from typing import Any

import pytest

from compute.servers.models import Server
from operations import engine
from operations.models import LIVE, Hold, Operation, State
from placement import services as placement
from tests.compute.client import Client
from tests.simulated import Cloud

Launch = Callable[..., str]

#: Verb → (what is done before it, its body, orders that it gives).
VERBS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], tuple[str, ...]]] = {
    "stop": ([], {"os-stop": None}, ("server.stop",)),
    "start": ([{"os-stop": None}], {"os-start": None}, ("server.ensure",)),
    "reboot": ([], {"reboot": {"type": "SOFT"}}, ("server.reboot",)),
    "hard reboot": ([], {"reboot": {"type": "HARD"}}, ("server.remove", "server.ensure")),
    "pause": ([], {"pause": None}, ("server.pause",)),
    "unpause": ([{"pause": None}], {"unpause": None}, ("server.unpause",)),
    "suspend": ([], {"suspend": None}, ("server.suspend",)),
    "resume": ([{"suspend": None}], {"resume": None}, ("server.resume",)),
    "rebuild": (
        [],
        {"rebuild": {"imageRef": "IMAGE"}},
        ("server.remove", "disk.remove", "disk.ensure", "server.ensure"),
    ),
    "resize": ([], {"resize": {"flavorRef": "small"}}, ("server.remove", "disk.resize", "server.ensure")),
    "revert": (
        [{"resize": {"flavorRef": "small"}}],
        {"revertResize": None},
        ("server.remove", "disk.ensure", "server.ensure"),
    ),
    "snapshot": ([], {"createImage": {"name": "s"}}, ("server.snapshot",)),
    "shelve": ([], {"shelve": None}, ("server.snapshot",)),
}
#: Verb → orders past its point of no return: what fails there is tried again, then parked for an operator.
PAST_RETURN = {"rebuild": {"disk.remove", "disk.ensure", "server.ensure"}, "revert": {"disk.ensure", "server.ensure"}}
BROKEN = ("failed", {"code": "hypervisor_refused", "data": {"detail": "on purpose"}})


def act(client: Client, world: Cloud, server_id: str, body: dict[str, Any], image: Any) -> None:
    if "rebuild" in body:
        body = {"rebuild": {"imageRef": image.id}}
    client.ok("post", f"servers/{server_id}/action", body, status=202)
    world.settle()


def try_until_it_is_parked(world: Cloud, server_id: str) -> None:
    """The pauses between the tries pass at once."""
    for _try in range(20):
        live = Operation.objects.filter(subject_id=server_id, state__in=LIVE).values_list("id", flat=True)
        if not live:
            break
        world.jobs += list(live)
        world.settle()
    assert Operation.objects.filter(subject_id=server_id, state=State.BROKEN).exists()


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_whose_host_fails_ends_at_rest_and_can_be_deleted(
    world: Cloud, red: Client, launch: Launch, image: Any, verb: str
) -> None:
    before, body, orders = VERBS[verb]
    for order in orders:
        server_id = launch()
        for earlier in before:
            act(red, world, server_id, earlier, image)
        world.replies[order] = lambda sent: BROKEN
        act(red, world, server_id, body, image)
        if order in PAST_RETURN.get(verb, ()):
            try_until_it_is_parked(world, server_id)
        server = Server.objects.get(id=server_id)
        assert server.task_state is None and "on purpose" in server.fault_message, order
        assert not Hold.objects.exists()
        assert set(placement.consumers()) <= {server_id, f"{server_id[:30]}-old"}
        world.replies.clear()
        red.ok("delete", f"servers/{server_id}", status=204)
        world.settle()
        assert Server.objects.get(id=server_id).deleted
        assert placement.consumers() == {}, order


@pytest.mark.parametrize("order", ["disk.ensure", "server.ensure"])
def test_a_boot_that_fails_anywhere_leaves_nothing_on_the_host(world: Cloud, launch: Launch, order: str) -> None:
    world.replies[order] = lambda sent: BROKEN
    server_id = launch()
    server = Server.objects.get(id=server_id)
    assert (server.vm_state, server.task_state, server.host) == ("error", None, "")
    assert placement.consumers() == {} and world.domains("host1") == {}
    assert world.verbs()[-1] == "disk.remove"


def test_a_boot_advanced_at_every_moment_is_still_one_boot(world: Cloud, launch: Launch) -> None:
    """A wake-up may come any number of times: advance() more often than needed changes nothing."""
    server_id = launch(settle=False)
    operation = Operation.objects.get(subject_id=server_id)
    engine.advance(operation.id)
    world.settle()
    engine.advance(operation.id)
    operation.refresh_from_db()
    assert operation.state == State.DONE
    assert world.verbs() == ["disk.ensure", "server.ensure"]
    assert placement.held_by(server_id)["host1"]["VCPU"] == 1


def test_what_a_host_says_twice_counts_once(world: Cloud, launch: Launch) -> None:
    world.trouble.kinds = {"doubled"}
    server_id = launch()
    assert Server.objects.get(id=server_id).vm_state == "active"
