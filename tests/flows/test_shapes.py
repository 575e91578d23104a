"""B7: what a running cloud may hold in its rows is known to the code that comes after it.

An app's `shapes.tsv` has a line for each of its flows that was ever released: name, version, steps. Whoever changes the steps
of a flow gives it a new version and a line, and keeps the old one registered; a line goes when no operation of it can live any
more, which is a release after no cloud of a version that starts it may be upgraded from.
"""

from operations import flows
from tests.flows.registry import TESTS

LINES = [line.split("\t") for path in TESTS.glob("*/shapes.tsv") for line in path.read_text().splitlines()]


def test_every_released_flow_is_registered_with_the_steps_it_had() -> None:
    for name, version, steps in LINES:
        flow = flows.known(name, int(version))
        assert flow is not None, f"{name} version {version} is gone: operations of it would break at an upgrade"
        assert [step.name for step in flow.steps] == steps.split(), f"{name} has other steps: give it a new version"


def test_every_registered_flow_has_its_line() -> None:
    ours = {(name, str(version)) for name, version in flows._FLOWS if not name.startswith("test.")}
    assert ours == {(name, version) for name, version, _steps in LINES}
