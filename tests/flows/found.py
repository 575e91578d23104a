"""Every registered flow with its scenarios: each app's `tests/<app>/flows.py`, found and read.

Apart from the registry, which those files import.
"""

from importlib import import_module

from operations import all_flows
from operations.flows import Flow
from tests.flows.registry import PLAYS, TESTS

for _path in sorted(TESTS.glob("*/flows.py")):
    import_module(f"tests.{_path.parent.name}.flows")

REGISTERED: dict[str, Flow] = {flow.name: flow for flow in all_flows() if not flow.name.startswith("test.")}
#: Scenario → its flow.
FLOWS: dict[str, Flow] = {
    name: REGISTERED[play.scenario.flow or name]
    for name, play in PLAYS.items()
    if (play.scenario.flow or name) in REGISTERED
}


def steps_before_final(flow: Flow) -> list[str]:
    """Name the steps that a flow unwinds from, whatever the moment."""
    names = []
    for step in flow.steps:
        if step.final is True:
            break
        names.append(step.name)
    return names


#: (scenario, step) of every step that its flow unwinds from when it fails, and of every other one.
BEFORE = [(name, step) for name, flow in FLOWS.items() for step in steps_before_final(flow)]
PAST = [(name, step.name) for name, flow in FLOWS.items() for step in flow.steps if (name, step.name) not in BEFORE]
