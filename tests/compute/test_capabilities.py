"""What a host's drivers cannot do is refused before it is ordered: by the scheduler, by the API, on the page."""

from collections.abc import Callable
from typing import Any

import pytest

from compute.servers.lifecycle import states
from compute.servers.models import Server
from hostagent.contract.capabilities import CAPABILITIES, KINDS, OLDER
from hosts.models import Host
from operations.models import Operation
from tests.compute.client import Client
from tests.simulated import Cloud

REQUESTS: dict[str, Any] = {
    "pause": {"pause": None},
    "suspend": {"suspend": None},
    "reboot_soft": {"reboot": {"type": "SOFT"}},
    "snapshot": {"createImage": {"name": "copy"}},
}


def without(host: str, *names: str) -> None:
    """The host's agent says hello with drivers that lack these."""
    able = sorted(OLDER - set(names))
    instances = [{"kind": kind, "name": "local", "driver": "small", "capabilities": able} for kind in KINDS]
    Host.objects.filter(name=host).update(driver_instances=instances)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_verb_that_the_host_cannot_do_is_a_409_that_says_which_driver_and_what_next(
    name: str, launch: Callable[..., str], red: Client, world: Cloud
) -> None:
    server = launch()
    without("host1", name)
    before = Operation.objects.count()
    answer = red.ask("post", f"servers/{server}/action", REQUESTS[name])
    assert answer.status_code == 409, answer.content
    said = answer.json()["conflictingRequest"]["message"]
    assert "host1" in said and "hypervisor small" in said and name in said and "ask an administrator" in said
    assert Operation.objects.count() == before and not world.outbox
    without("host1")
    assert red.ask("post", f"servers/{server}/action", REQUESTS[name]).status_code == 202


def test_the_page_greys_a_button_by_the_same_word(launch: Callable[..., str], signed_in: Any) -> None:
    row = Server.objects.get(id=launch())
    without("host1", "suspend")
    refusal = row.refusal_for(states.NEEDS["suspend"])
    assert refusal is not None and refusal.words == "Its host cannot: hypervisor small"


def test_every_need_of_a_verb_is_a_capability() -> None:
    assert states.NEEDS.keys() <= states.VERBS.keys()
    assert {need.name for need in states.NEEDS.values()} <= CAPABILITIES.keys()


def test_a_server_goes_only_where_the_drivers_have_what_it_needs(
    launch: Callable[..., str], world: Cloud, host: Any
) -> None:
    world.host("host2", memory=4096)
    without("host1", "config_drive")
    assert Server.objects.get(id=launch("a", config_drive=True)).host == "host2"
    assert Server.objects.get(id=launch("b")).host == "host1"  # has more room, and nothing keeps it away
    without("host2", "config_drive")
    server = Server.objects.get(id=launch("c", config_drive=True))
    assert server.vm_state == states.ERROR and "config_drive" in server.fault_message
