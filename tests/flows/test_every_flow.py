"""Every registered flow, at every step: it fails, it is repeated, control dies, messages are doubled, lost, reordered."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from compute.servers.models import Server
from hosts import debts
from operations import all_flows, engine, flows
from operations.faults import FaultOnPurpose
from operations.flows import Do, Flow, Step
from operations.models import Operation, State
from tests.flows import whole
from tests.flows.scenarios import SCENARIOS, Stage
from tests.simulated import Cloud, Crash

FLOWS = {flow.name: flow for flow in all_flows() if not flow.name.startswith("test.")}
Wrap = Callable[[Step], Step]


def steps_before_final(flow: Flow) -> list[str]:
    """The steps that a flow unwinds from, whatever the moment."""
    names = []
    for step in flow.steps:
        if step.final is True:
            break
        names.append(step.name)
    return names


BEFORE = [(flow.name, name) for flow in FLOWS.values() for name in steps_before_final(flow)]


def test_every_flow_has_a_scenario() -> None:
    assert set(FLOWS) == set(SCENARIOS)


def rewrite(monkeypatch: pytest.MonkeyPatch, name: str, wrap: Wrap) -> None:
    """The flow with each of its steps wrapped."""
    flow: Flow = FLOWS[name]
    monkeypatch.setitem(flows._FLOWS, (flow.name, flow.version), flow)
    Flow(flow.name, flow.version, tuple(map(wrap, flow.steps)), flow.on_failed, flow.label)  # registers itself


def play(stage: Stage, name: str) -> tuple[str, Operation]:
    """Prepares, begins, settles. The server's id and the operation."""
    scenario = SCENARIOS[name]
    server_id = stage.prepare(scenario)
    return begin(stage, name, server_id)


def begin(stage: Stage, name: str, server_id: str) -> tuple[str, Operation]:
    found = SCENARIOS[name].begin(stage, server_id) or server_id
    stage.world.settle()
    return found, Operation.objects.filter(flow=name).latest("created_at")


def ended_well(stage: Stage, name: str, server_id: str, operation: Operation) -> None:
    assert operation.state == State.DONE, operation.error_data
    done = operation.steps.filter(phase="do", result="done").values_list("name", flat=True)
    assert list(done) == [step.name for step in FLOWS[name].steps]
    server = Server.objects.get(id=server_id)
    assert (server.vm_state, server.task_state, server.fault_code) == (SCENARIOS[name].ends, None, "")
    whole.check(stage.world)


def delete_leaves_nothing(stage: Stage, server_id: str) -> None:
    if Server.objects.living().filter(id=server_id).exists():
        stage.red.ok("delete", f"servers/{server_id}", status=204)
        stage.world.settle()
    assert Server.objects.get(id=server_id).deleted
    assert not stage.world.where(server_id)
    whole.check(stage.world)


# ── A step fails ────────────────────────────────────────────────────────────────────────────────────────────────────


def failing(name: str, *, first: bool = False) -> Wrap:
    """The step fails after it did its work, or with `first` instead of it."""

    def wrap(step: Step) -> Step:
        def do(op: engine.Op) -> Any:
            if first or (result := step.do(op)) is None:
                raise FaultOnPurpose(step=step.name)
            return result

        return replace(step, do=do) if step.name == name else step

    return wrap


@pytest.mark.parametrize(("name", "step"), BEFORE, ids=[f"{flow}-{step}" for flow, step in BEFORE])
def test_a_step_that_fails_unwinds(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str, step: str) -> None:
    for first in (True, False):
        server_id = stage.prepare(SCENARIOS[name])
        with monkeypatch.context() as patch:
            rewrite(patch, name, failing(step, first=first))
            server_id, operation = begin(stage, name, server_id)
        settled_after_failure(stage, name, server_id, operation)
        delete_leaves_nothing(stage, server_id)


def settled_after_failure(stage: Stage, name: str, server_id: str, operation: Operation) -> None:
    """A4: each verb that an undo orders is one that a host may come to owe."""
    assert (operation.state, operation.error_code) == (State.FAILED, "FaultOnPurpose")
    assert set(operation.steps.filter(phase="undo").exclude(verb="").values_list("verb", flat=True)) <= debts.kinds()
    server = Server.objects.get(id=server_id)
    if SCENARIOS[name].subject == "server" and FLOWS[name].on_failed is not None:
        assert "made the step" in server.fault_message
    whole.check(stage.world)


# ── A step is repeated ──────────────────────────────────────────────────────────────────────────────────────────────


def twice(do: Do | None) -> Do | None:
    def both(op: engine.Op) -> Any:
        result = do(op)  # type: ignore[misc]
        return do(op) if result is None else result  # type: ignore[misc]

    return None if do is None else both


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_every_step_twice_is_as_once(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    rewrite(monkeypatch, name, lambda step: replace(step, do=twice(step.do), undo=twice(step.undo)))
    server_id, operation = play(stage, name)
    ended_well(stage, name, server_id, operation)
    delete_leaves_nothing(stage, server_id)


@pytest.mark.parametrize("name", sorted(name for name, flow in FLOWS.items() if any(s.undo for s in flow.steps)))
def test_every_undo_twice_is_as_once(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    last = failing(steps_before_final(FLOWS[name])[-1])
    rewrite(monkeypatch, name, lambda step: replace(last(step), undo=twice(step.undo)))
    server_id, operation = play(stage, name)
    settled_after_failure(stage, name, server_id, operation)
    delete_leaves_nothing(stage, server_id)


# ── Control dies, messages go astray ────────────────────────────────────────────────────────────────────────────────


def crash_everywhere(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Control dies once before the commit of every step, both of asking a host and of hearing it."""
    died: list[Any] = []
    run = engine._run

    def dying(row: Operation, flow: Flow, spec: Step, step: Any) -> bool:
        again = run(row, flow, spec, step)
        here = (row.id, step.phase, spec.name, step.answer is not None)
        if here not in died:
            died.append(here)
            raise Crash
        return again

    monkeypatch.setattr(engine, "_run", dying)
    return died


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_control_dies_at_every_step(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    server_id = stage.prepare(SCENARIOS[name])
    died = crash_everywhere(monkeypatch)
    server_id, operation = begin(stage, name, server_id)
    ended_well(stage, name, server_id, operation)
    assert {step.name for step in FLOWS[name].steps} <= {where[2] for where in died}


@pytest.mark.parametrize("name", sorted(name for name, flow in FLOWS.items() if steps_before_final(flow)))
def test_control_dies_at_every_step_of_unwinding(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    server_id = stage.prepare(SCENARIOS[name])
    rewrite(monkeypatch, name, failing(steps_before_final(FLOWS[name])[-1]))
    crash_everywhere(monkeypatch)
    server_id, operation = begin(stage, name, server_id)
    settled_after_failure(stage, name, server_id, operation)


@pytest.mark.parametrize("trouble", ["doubled", "reordered", "lost"])
@pytest.mark.parametrize("name", sorted(FLOWS))
def test_messages_go_astray(stage: Stage, world: Cloud, name: str, trouble: str) -> None:
    server_id = stage.prepare(SCENARIOS[name])
    world.trouble.kinds = {trouble}
    server_id, operation = begin(stage, name, server_id)
    ended_well(stage, name, server_id, operation)
