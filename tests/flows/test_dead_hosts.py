"""C5: what waits for a host that is dead ends at once."""

import pytest

from operations.models import LIVE, Operation, OperationStep
from tests.flows.found import FLOWS
from tests.flows.playing import DeadHost, prepare, run_on, start
from tests.flows.registry import ALWAYS, PLAYS, Stage


@pytest.mark.parametrize("name", sorted(name for name in FLOWS if not PLAYS[name].scenario.of_a_host))
def test_whatever_waits_for_a_host_ends_when_it_dies(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """C5: each flow, at its first order: nobody waits for a deadline, and a copy of its data is left."""
    id, flow = prepare(stage, name), FLOWS[name].name
    dead = DeadHost(stage.cloud, monkeypatch, flow)
    id = start(stage, name, id)
    run_on(stage.cloud)
    for check in ALWAYS:
        check(stage.cloud)
    if not dead.name:
        assert not OperationStep.objects.filter(operation__flow=flow).exclude(host="").exclude(answer=None).exists()
        return
    for row in Operation.objects.filter(flow=flow, state__in=LIVE):
        step = row.steps.filter(phase="do").latest("id")
        assert step.tries == 1 and step.error_code == "HostDown", "past a final step it is tried again soon"
    for _ in range(12):
        stage.cloud.time_passes()
        run_on(stage.cloud)
    assert not Operation.objects.filter(flow=flow, state__in=LIVE).exists()
    stage.check_waits_for_nothing(id)
