"""A7: past its final step a flow only goes forward."""

import pytest

from operations import parking
from operations.models import Hold, State
from tests.flows.found import PAST
from tests.flows.playing import Watched, begin, ended_well, prepare, removed, rewrite
from tests.flows.registry import Stage

past = pytest.mark.parametrize(("name", "step"), PAST, ids=[f"{flow}-{step}" for flow, step in PAST])


@past
def test_past_a_final_step_a_failure_is_tried_again_to_the_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str, step: str
) -> None:
    """A7"""
    id = prepare(stage, name)
    watched = Watched(step, times=3)
    rewrite(monkeypatch, name, watched)
    id, operation = begin(stage, name, id)
    assert (watched.undone, watched.left) == ([], 0)
    ended_well(stage, name, id, operation)
    removed(stage, id)


@past
def test_past_a_final_step_what_never_works_is_parked_and_undoes_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str, step: str
) -> None:
    """A7, B7: its holds are free, its user reads why, an operator's retry ends it well."""
    id = prepare(stage, name)
    watched = Watched(step, times=1000)
    with monkeypatch.context() as patch:
        rewrite(patch, name, watched)
        id, operation = begin(stage, name, id)
    assert (operation.state, operation.error_code, watched.undone) == (State.BROKEN, "FaultOnPurpose", [])
    stage.check_parked(id, operation)
    assert not Hold.objects.exists()
    parking.retry(operation.id)
    stage.cloud.settle()
    operation.refresh_from_db()
    ended_well(stage, name, id, operation)
    removed(stage, id)
