"""Flows as data, which the engine runs, the tests walk and the portal draws."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.errors import CloudError, Conflict
from operations.waits import Wait

if TYPE_CHECKING:
    from operations.op import Op


class FlowGone(CloudError):
    template = _(
        "This version of the cloud knows no version %(version)s of the flow %(flow)s. Start the version that began it, "
        "or end it with manage.py operation_abandon."
    )


class Superseded(Conflict):
    """Raised by a step whose purpose is no longer wanted: before a final step the flow unwinds, past one the step is left out."""


Do = Callable[["Op"], Wait | None]


@dataclass(frozen=True)
class Step:
    """One step: `do` and its `undo` may each run any number of times and must then have the same effect as once.

    `deadline` is how long, in seconds, the step may take in all, waits included. With `catches` a host's failure does
    not unwind the flow: `do` runs with `op.failure` set and decides.

    `final` marks the point of no return, such as the removal of an only copy: once this step has begun the flow is never
    undone. What fails then is tried again, ever later, and at last parked for an operator (State.BROKEN). Where only the
    moment can tell, `final` is a function that says so when something has failed.
    """

    name: str
    do: Do
    undo: Do | None = None
    deadline: float = 120.0
    catches: bool = False
    final: "bool | Callable[[Op], bool]" = False
    label: str | Promise = ""


@dataclass(frozen=True)
class Flow:
    """Steps in order. `on_failed(op, error)` finalizes the subject once everything is undone; it runs in the last undo's
    transaction and must not send anything."""

    name: str
    version: int
    steps: tuple[Step, ...]
    on_failed: Callable[["Op", CloudError], None] | None = None
    label: str | Promise = ""
    _index: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if len(set(names)) != len(names):
            raise ValueError(f"Flow {self.name} names a step twice")
        self._index.update({name: number for number, name in enumerate(names)})
        _FLOWS[(self.name, self.version)] = self

    def step(self, name: str) -> Step:
        return self.steps[self._index[name]]

    def is_past_return(self, op: "Op", index: int) -> bool:
        """Whether a failure at step `index` comes too late to undo anything: that step, or one before it, is final."""
        return any(step.final(op) if callable(step.final) else step.final for step in self.steps[: index + 1])


_FLOWS: dict[tuple[str, int], Flow] = {}


def known(name: str, version: int) -> Flow | None:
    return _FLOWS.get((name, version))


def find(name: str, version: int) -> Flow:
    """Raises: FlowGone."""
    flow = known(name, version)
    if flow is None:
        raise FlowGone(flow=name, version=version)
    return flow


def labels(name: str, version: int) -> dict[str, str]:
    """Map each step of a flow to the label that people read; empty for a flow that is gone."""
    flow = known(name, version)
    return {step.name: str(step.label or step.name) for step in flow.steps} if flow else {}


def all_flows() -> Iterator[Flow]:
    """Yield the newest version of every registered flow."""
    newest: dict[str, Flow] = {}
    for (name, version), flow in sorted(_FLOWS.items()):
        if name not in newest or newest[name].version < version:
            newest[name] = flow
    return iter(newest.values())
