"""Playing registered flows: prepare, begin, spoil a step or a message, and check how it ended."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from django.db import transaction

from hosts import debts
from hosts import services as hosts
from hosts.models import Host
from operations import engine, flows
from operations.faults import FaultOnPurpose
from operations.flows import Do, Flow, Step
from operations.models import LIVE, Hold, Operation, OperationStep, State, Subscription
from placement import services as placement
from tests.flows.found import FLOWS
from tests.flows.registry import ALWAYS, CLAIMS, PLAYS, WHOLE, Stage
from tests.simulated import Cloud, Crash

Wrap = Callable[[Step], Step]
S = TypeVar("S", bound=Stage)


# ── The stage ───────────────────────────────────────────────────────────────────────────────────────────────────────


def on_stage(kind: type[S], cloud: Cloud, token: Callable[..., str]) -> S:
    """Make a stage. From then on settle() lets time pass, and every registered `always` check runs after each event."""

    def watch() -> None:
        for check in ALWAYS:
            check(cloud)

    cloud.is_patient, cloud.watch = True, watch
    return kind(cloud, token)


# ── From its beginning to its end ───────────────────────────────────────────────────────────────────────────────────


def prepare(stage: Stage, name: str) -> str:
    """Make a settled subject in the state that the flow begins from; its id, or "" where the flow makes it."""
    before = PLAYS[name].scenario.before
    if not before:
        return ""
    id = stage.make()
    for act in before[1:]:
        act(stage, id)
        stage.cloud.settle()
    return id


def start(stage: Stage, name: str, id: str) -> str:
    """Begin the flow without letting anything arrive; give the subject's id."""
    return PLAYS[name].scenario.begin(stage, id) or id


def begin(stage: Stage, name: str, id: str) -> tuple[str, Operation]:
    """Begin the flow and settle; give the subject's id and the operation."""
    found = start(stage, name, id)
    stage.cloud.settle()
    return found, Operation.objects.filter(flow=FLOWS[name].name).latest("created_at")


def play(stage: Stage, name: str) -> tuple[str, Operation]:
    """Prepare, begin and settle; give the subject's id and the operation."""
    return begin(stage, name, prepare(stage, name))


def run_on(cloud: Cloud) -> None:
    """Run turns until nothing is on its way, without letting time pass."""
    for _ in range(60):
        if not cloud.turn():
            return
    raise AssertionError("no end")


# ── How it must have ended ──────────────────────────────────────────────────────────────────────────────────────────


def ended_well(stage: Stage, name: str, id: str, operation: Operation) -> None:
    """Assert that every step was done in order, the subject rests as the scenario says, and the cloud is whole."""
    assert operation.state == State.DONE, operation.error_data
    done = operation.steps.filter(phase="do", result="done").values_list("name", flat=True)
    assert list(done) == [step.name for step in FLOWS[name].steps]
    stage.check_rests(id, PLAYS[name].scenario.ends)
    check_whole(stage.cloud)


def removed(stage: Stage, id: str) -> None:
    """Delete the subject, and assert that it leaves nothing behind."""
    stage.remove(id)
    check_whole(stage.cloud)


def settled_after_failure(stage: Stage, id: str, operation: Operation) -> None:
    """Assert that the operation failed, was undone, and left the subject and the cloud as they must be.

    A4: each verb that an undo orders is one that a host may come to owe.
    """
    assert (operation.state, operation.error_code) == (State.FAILED, "FaultOnPurpose")
    assert set(operation.steps.filter(phase="undo").exclude(verb="").values_list("verb", flat=True)) <= debts.kinds()
    stage.check_failed(id, operation)
    check_whole(stage.cloud)


def check_whole(cloud: Cloud) -> None:
    """Assert what holds of a cloud in which nothing is under way: nothing half-made, rows and hosts agree."""
    assert not Operation.objects.filter(state__in=LIVE).exists()
    assert list(Hold.objects.all()) == [] and list(Subscription.objects.all()) == []
    claims = {consumer for claimed in CLAIMS for consumer in claimed()}
    assert set(placement.consumers()) == claims, "claims are those of what is on hosts"
    for check in WHOLE:
        check(cloud)


# ── Other steps ─────────────────────────────────────────────────────────────────────────────────────────────────────


def rewrite(monkeypatch: pytest.MonkeyPatch, name: str, wrap: Wrap) -> None:
    """Register the flow anew with each of its steps wrapped."""
    flow: Flow = FLOWS[name]
    monkeypatch.setitem(flows._FLOWS, (flow.name, flow.version), flow)
    Flow(flow.name, flow.version, tuple(map(wrap, flow.steps)), flow.on_failed, flow.label)  # registers itself


def failing(name: str, *, first: bool = False) -> Wrap:
    """Have the step fail after its work, or with `first` instead of it."""

    def wrap(step: Step) -> Step:
        def do(op: engine.Op) -> Any:
            if first or (result := step.do(op)) is None:
                raise FaultOnPurpose(step=step.name)
            return result

        return replace(step, do=do) if step.name == name else step

    return wrap


def twice(do: Do | None) -> Do | None:
    def both(op: engine.Op) -> Any:
        result = do(op)  # type: ignore[misc]
        return do(op) if result is None else result  # type: ignore[misc]

    return None if do is None else both


class Watched:
    """Has a step fail after its work, `times` times, and notes each undo that runs."""

    def __init__(self, step: str, times: int) -> None:
        self.step, self.left, self.undone = step, times, list[str]()

    def __call__(self, step: Step) -> Step:
        def undo(op: engine.Op) -> Any:
            self.undone.append(step.name)
            return step.undo(op) if step.undo else None

        def do(op: engine.Op) -> Any:
            result = step.do(op)
            if result is None and step.name == self.step and self.left:
                self.left -= 1
                raise FaultOnPurpose(step=step.name)
            return result

        return replace(step, do=do, undo=undo)


# ── Who dies ────────────────────────────────────────────────────────────────────────────────────────────────────────


def crash_everywhere(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Have control die once before the commit of every step, both of asking a host and of hearing it."""
    died: list[Any] = []
    run = engine._run_traced

    def dying(row: Operation, flow: Flow, spec: Step, step: Any) -> bool:
        again = run(row, flow, spec, step)
        here = (row.id, step.phase, spec.name, step.answer is not None)
        if here not in died:
            died.append(here)
            raise Crash
        return again

    monkeypatch.setattr(engine, "_run_traced", dying)
    return died


class DeadHost:
    """Silences the host that `step` of `flow` has just asked (any step by default), and calls it down."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, flow: str, step: str = "") -> None:
        self.cloud, self.name = cloud, ""
        run = engine._run_traced

        def dying(row: Operation, found: Any, spec: Any, row_of_step: OperationStep) -> bool:
            again = run(row, found, spec, row_of_step)
            waits = not again and row_of_step.host and row_of_step.answer is None
            if not self.name and row.flow == flow and waits and step in ("", spec.name) and row.state == "running":
                self.name = row_of_step.host
                cloud.cut_off(self.name)
                transaction.on_commit(self.call_down)
            return again

        monkeypatch.setattr(engine, "_run_traced", dying)

    def call_down(self) -> None:
        with transaction.atomic():
            hosts.change_state(Host.objects.get(name=self.name), "down")

    def revive(self) -> None:
        self.cloud.silent.discard(self.name)
        with transaction.atomic():
            hosts.change_state(Host.objects.get(name=self.name), "up")
