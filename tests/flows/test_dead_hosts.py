"""C5: what waits for a host that is dead ends at once: a launch goes elsewhere, a deletion is done, all else says why."""

from typing import Any

import pytest
from django.db import transaction

from compute.servers.models import Server
from hosts import services as hosts
from hosts.models import Host, HostDebt
from operations import engine
from operations.models import LIVE, Operation, OperationStep, State
from tests.flows import whole
from tests.flows.scenarios import SCENARIOS, Stage
from tests.flows.test_every_flow import FLOWS
from tests.simulated import Cloud

ORDERING = [
    (name, step)
    for name, steps in {
        "server.boot": ("create_disk", "wire_network", "start_domain"),
        "server.unshelve": ("create_disk", "wire_network", "start_domain"),
    }.items()
    for step in steps
]


class DeadHost:
    """Once `step` of `flow` has asked its host, that host answers nothing any more, and is called down."""

    def __init__(self, world: Cloud, monkeypatch: pytest.MonkeyPatch, flow: str, step: str = "") -> None:
        self.world, self.name = world, ""
        run = engine._run

        def dying(row: Operation, found: Any, spec: Any, row_of_step: OperationStep) -> bool:
            again = run(row, found, spec, row_of_step)
            waits = not again and row_of_step.host and row_of_step.answer is None
            if not self.name and row.flow == flow and waits and step in ("", spec.name) and row.state == "running":
                self.name = row_of_step.host
                world.cut_off(self.name)
                transaction.on_commit(self.call_down)
            return again

        monkeypatch.setattr(engine, "_run", dying)

    def call_down(self) -> None:
        with transaction.atomic():
            hosts.change_state(Host.objects.get(name=self.name), "down")

    def revive(self) -> None:
        self.world.silent.clear()
        with transaction.atomic():
            hosts.change_state(Host.objects.get(name=self.name), "up")


def run_rings(world: Cloud) -> None:
    """Everything that happens without time passing."""
    for _ in range(60):
        if not world.turn():
            return
    raise AssertionError("no end")


@pytest.mark.parametrize(("name", "step"), ORDERING, ids=[f"{flow}-{step}" for flow, step in ORDERING])
def test_what_makes_a_machine_goes_to_another_host_when_its_own_dies(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str, step: str
) -> None:
    """C5: with no second of waiting from when the host is called down; what it had is owed, and goes when it is back."""
    world = stage.world
    server_id = stage.prepare(SCENARIOS[name])
    world.host("host2", number=7)
    dead = DeadHost(world, monkeypatch, name, step)
    server_id = SCENARIOS[name].begin(stage, server_id) or server_id
    run_rings(world)
    server = Server.objects.get(id=server_id)
    assert dead.name and (server.vm_state, server.task_state, server.fault_code) == ("active", None, "")
    assert server.host and server.host != dead.name
    first, second = Operation.objects.filter(flow=name, subject_id=server_id).order_by("created_at")
    assert (first.state, first.error_code, second.state) == (State.FAILED, "HostDown", State.DONE)
    assert (first.action, first.request_id, first.user_id) == (second.action, second.request_id, second.user_id)
    world.agent(dead.name).put_disk(server_id)
    dead.revive()
    world.settle()
    assert not HostDebt.objects.exists() and server_id not in world.disks(dead.name)
    stage.red.ok("delete", f"servers/{server_id}", status=204)
    world.settle()
    whole.check(world)


@pytest.mark.parametrize("step", ["create_disk", "start_domain"])
def test_with_no_other_host_a_launch_fails_at_once_and_says_why(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """C5"""
    dead = DeadHost(stage.world, monkeypatch, "server.boot", step)
    server_id = stage.launch(settle=False)
    run_rings(stage.world)
    server = Server.objects.get(id=server_id)
    assert (dead.name, server.vm_state, server.host) == ("host1", "error", "")
    assert "No valid host" in server.fault_message
    first = Operation.objects.filter(flow="server.boot").earliest("created_at")
    assert "is down" in engine.errors.sentence(first.error_code, first.error_data)


def test_a_launch_that_was_asked_onto_the_dead_host_fails_with_its_reason(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C5: the sibling: nobody's wish for one host is overruled."""
    stage.world.host("host2", number=7)
    DeadHost(stage.world, monkeypatch, "server.boot")
    server_id = stage.launch(settle=False)
    Server.objects.filter(id=server_id).update(forced_host="host1")
    run_rings(stage.world)
    server = Server.objects.get(id=server_id)
    assert server.vm_state == "error" and "host1 is down" in server.fault_message


@pytest.mark.parametrize("when", ["at rest", "while it boots"])
def test_a_server_on_a_dead_host_is_deleted_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """C5, B5: its host owes what it has."""
    world = stage.world
    dead = DeadHost(world, monkeypatch, "server.boot" if when == "while it boots" else "server.stop")
    server_id = stage.launch(settle=when == "at rest")
    if when == "at rest":
        stage.act(server_id, {"os-stop": None})
        run_rings(world)
    else:
        monkeypatch.setattr(dead, "call_down", lambda: None)
        run_rings(world)
    stage.red.ok("delete", f"servers/{server_id}", status=204)
    if when == "while it boots":
        DeadHost.call_down(dead)
    run_rings(world)
    assert Server.objects.get(id=server_id).deleted
    assert HostDebt.objects.filter(host="host1", key=server_id).exists()


@pytest.mark.parametrize("name", sorted(name for name in FLOWS if name.startswith("server.")))
def test_whatever_waits_for_a_host_ends_when_it_dies(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """C5: each flow of a server, at its first order: nobody waits for a deadline, and a copy of its data is left."""
    server_id = stage.prepare(SCENARIOS[name])
    dead = DeadHost(stage.world, monkeypatch, name)
    server_id = SCENARIOS[name].begin(stage, server_id) or server_id
    run_rings(stage.world)
    whole.check_copies(stage.world)
    if not dead.name:
        assert not OperationStep.objects.filter(operation__flow=name).exclude(host="").exclude(answer=None).exists()
        return
    for row in Operation.objects.filter(flow=name, state__in=LIVE):
        step = row.steps.filter(phase="do").latest("id")
        assert step.tries == 1 and step.error_code == "HostDown", "past a final step it is tried again soon"
    for _ in range(12):
        stage.world.time_passes()
        run_rings(stage.world)
    assert not Operation.objects.filter(flow=name, state__in=LIVE).exists()
    server = Server.objects.get(id=server_id)
    assert server.deleted or server.task_state is None
