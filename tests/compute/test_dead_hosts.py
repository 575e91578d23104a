"""C5: a launch whose host dies goes elsewhere, or says why not; a server on a dead host can be deleted."""

import pytest

from compute.servers.models import Server
from hosts.models import HostDebt
from operations import engine
from operations.models import Operation, State
from tests.compute.flows import Servers
from tests.flows.playing import DeadHost, check_whole, prepare, run_on, start

ORDERING = [
    (name, step)
    for name, steps in {
        "server.boot": ("create_disk", "wire_network", "start_domain"),
        "server.unshelve": ("create_disk", "wire_network", "start_domain"),
    }.items()
    for step in steps
]


@pytest.mark.parametrize(("name", "step"), ORDERING, ids=[f"{flow}-{step}" for flow, step in ORDERING])
def test_what_makes_a_machine_goes_to_another_host_when_its_own_dies(
    stage: Servers, monkeypatch: pytest.MonkeyPatch, name: str, step: str
) -> None:
    """C5: with no second of waiting from when the host is called down; what it had is owed, and goes when it is back."""
    cloud = stage.cloud
    server_id = prepare(stage, name)
    cloud.host("host2", number=7)
    dead = DeadHost(cloud, monkeypatch, name, step)
    server_id = start(stage, name, server_id)
    run_on(cloud)
    server = Server.objects.get(id=server_id)
    assert dead.name and (server.vm_state, server.task_state, server.fault_code) == ("active", None, "")
    assert server.host and server.host != dead.name
    first, second = Operation.objects.filter(flow=name, subject_id=server_id).order_by("created_at")
    assert (first.state, first.error_code, second.state) == (State.FAILED, "HostDown", State.DONE)
    assert (first.action, first.request_id, first.user_id) == (second.action, second.request_id, second.user_id)
    cloud.agent(dead.name).put_disk(server_id)
    dead.revive()
    cloud.settle()
    assert not HostDebt.objects.exists() and server_id not in cloud.disks(dead.name)
    stage.red.ok("delete", f"servers/{server_id}", status=204)
    cloud.settle()
    check_whole(cloud)


@pytest.mark.parametrize("step", ["create_disk", "start_domain"])
def test_with_no_other_host_a_launch_fails_at_once_and_says_why(
    stage: Servers, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """C5"""
    dead = DeadHost(stage.cloud, monkeypatch, "server.boot", step)
    server_id = stage.launch()
    run_on(stage.cloud)
    server = Server.objects.get(id=server_id)
    assert (dead.name, server.vm_state, server.host) == ("host1", "error", "")
    assert "No valid host" in server.fault_message
    first = Operation.objects.filter(flow="server.boot").earliest("created_at")
    assert "is down" in engine.errors.sentence(first.error_code, first.error_data)


def test_a_launch_that_was_asked_onto_the_dead_host_fails_with_its_reason(
    stage: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C5: the sibling: nobody's wish for one host is overruled."""
    stage.cloud.host("host2", number=7)
    DeadHost(stage.cloud, monkeypatch, "server.boot")
    server_id = stage.launch()
    Server.objects.filter(id=server_id).update(forced_host="host1")
    run_on(stage.cloud)
    server = Server.objects.get(id=server_id)
    assert server.vm_state == "error" and "host1 is down" in server.fault_message


@pytest.mark.parametrize("when", ["at rest", "while it boots"])
def test_a_server_on_a_dead_host_is_deleted_at_once(stage: Servers, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """C5, B5: its host owes what it has."""
    cloud = stage.cloud
    dead = DeadHost(cloud, monkeypatch, "server.boot" if when == "while it boots" else "server.stop")
    server_id = stage.make() if when == "at rest" else stage.launch()
    if when == "at rest":
        stage.red.act(server_id, {"os-stop": None})
        run_on(cloud)
    else:
        monkeypatch.setattr(dead, "call_down", lambda: None)
        run_on(cloud)
    stage.red.ok("delete", f"servers/{server_id}", status=204)
    if when == "while it boots":
        DeadHost.call_down(dead)
    run_on(cloud)
    assert Server.objects.get(id=server_id).deleted
    assert HostDebt.objects.filter(host="host1", key=server_id).exists()
