"""Every registered flow, at every step: it fails, it is repeated, control dies, messages are doubled, lost, reordered."""

from dataclasses import replace

import pytest

from tests.flows.found import BEFORE, FLOWS, REGISTERED, steps_before_final
from tests.flows.playing import (
    begin,
    crash_everywhere,
    ended_well,
    failing,
    play,
    prepare,
    removed,
    rewrite,
    settled_after_failure,
    twice,
)
from tests.flows.registry import PLAYS, Stage


def test_every_flow_has_a_scenario() -> None:
    assert set(PLAYS) == set(FLOWS), "a scenario of a flow that is not registered"
    assert {flow.name for flow in FLOWS.values()} == set(REGISTERED)


@pytest.mark.parametrize(("name", "step"), BEFORE, ids=[f"{flow}-{step}" for flow, step in BEFORE])
def test_a_step_that_fails_unwinds(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str, step: str) -> None:
    for first in (True, False):
        id = prepare(stage, name)
        with monkeypatch.context() as patch:
            rewrite(patch, name, failing(step, first=first))
            id, operation = begin(stage, name, id)
        settled_after_failure(stage, id, operation)
        removed(stage, id)


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_every_step_twice_is_as_once(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    rewrite(monkeypatch, name, lambda step: replace(step, do=twice(step.do), undo=twice(step.undo)))
    id, operation = play(stage, name)
    ended_well(stage, name, id, operation)
    removed(stage, id)


@pytest.mark.parametrize("name", sorted(name for name, flow in FLOWS.items() if any(s.undo for s in flow.steps)))
def test_every_undo_twice_is_as_once(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    last = failing(steps_before_final(FLOWS[name])[-1])
    rewrite(monkeypatch, name, lambda step: replace(last(step), undo=twice(step.undo)))
    id, operation = play(stage, name)
    settled_after_failure(stage, id, operation)
    removed(stage, id)


# ── Control dies, messages go astray ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_control_dies_at_every_step(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    id = prepare(stage, name)
    died = crash_everywhere(monkeypatch)
    id, operation = begin(stage, name, id)
    ended_well(stage, name, id, operation)
    assert {step.name for step in FLOWS[name].steps} <= {where[2] for where in died}


@pytest.mark.parametrize("name", sorted(name for name, flow in FLOWS.items() if steps_before_final(flow)))
def test_control_dies_at_every_step_of_unwinding(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    id = prepare(stage, name)
    rewrite(monkeypatch, name, failing(steps_before_final(FLOWS[name])[-1]))
    crash_everywhere(monkeypatch)
    id, operation = begin(stage, name, id)
    settled_after_failure(stage, id, operation)


@pytest.mark.parametrize("trouble", ["doubled", "reordered", "lost"])
@pytest.mark.parametrize("name", sorted(FLOWS))
def test_messages_go_astray(stage: Stage, name: str, trouble: str) -> None:
    id = prepare(stage, name)
    stage.cloud.trouble.kinds = {trouble}
    id, operation = begin(stage, name, id)
    ended_well(stage, name, id, operation)
