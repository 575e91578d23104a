"""The registry of flows under test. Each app registers its own in `tests/<app>/flows.py`; every such file is read.

An app gives

- a stage: what its flows change, how one is made and removed, and what has to be true of it afterwards;
- a scenario a flow: what is done before it, and what begins it;
- what must hold of its rows and hosts whenever nothing is under way (`whole`, `claims`), and at every moment (`always`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.models import Operation
from tests.simulated import Cloud

TESTS = Path(__file__).parents[1]
Check = Callable[[Cloud], None]
#: Takes a stage and a subject's id ("" where there is none yet); returns the id of a subject that it makes.
Act = Callable[[Any, str], str | None]


class Stage(ABC):
    """One app's things in a simulated cloud. `token("red")` makes a token of a member of project red."""

    def __init__(self, cloud: Cloud, token: Callable[..., str]) -> None:
        self.cloud = cloud

    @abstractmethod
    def make(self) -> str:
        """Make a subject, wait until it rests, and give its id."""

    @abstractmethod
    def remove(self, id: str) -> None:
        """Delete the subject as its user does, unless it is gone. Raises: AssertionError where anything of it is left."""

    @abstractmethod
    def check_rests(self, id: str, state: str) -> None:
        """Assert that the subject rests in `state` without a fault."""

    @abstractmethod
    def check_failed(self, id: str, operation: Operation) -> None:
        """Assert what an operation that failed and is undone leaves of the subject, such as the reason its user reads."""

    @abstractmethod
    def check_parked(self, id: str, operation: Operation) -> None:
        """Assert what an operation that waits for an operator leaves: an error with its reason, and nothing under way."""

    @abstractmethod
    def check_waits_for_nothing(self, id: str) -> None:
        """Assert that nothing is under way with the subject, however the operation ended."""


@dataclass(frozen=True)
class Scenario:
    """How one flow is played: the acts `before` it, each settled, then `begin`; the subject then rests in the state `ends`.

    `before` is empty where the flow makes its subject, and else starts with `begun`. `of_a_host`: the flow is about a whole
    host, and the subject only stands on it. `flow`: which flow, where the scenario is not called as it: one flow may have
    several, each of another subject, as a snapshot is of a server and of an image.
    """

    before: tuple[Act, ...]
    begin: Act
    ends: str
    of_a_host: bool = False
    flow: str = ""


@dataclass(frozen=True)
class Play:
    scenario: Scenario
    stage: type[Stage]


PLAYS: dict[str, Play] = {}
WHOLE: list[Check] = []
ALWAYS: list[Check] = []
CLAIMS: list[Callable[[], set[str]]] = []


def register(
    *,
    stage: type[Stage] | None = None,
    scenarios: dict[str, Scenario] | None = None,
    whole: Check | None = None,
    always: Check | None = None,
    claims: Callable[[], set[str]] | None = None,
) -> None:
    """Register an app's flows and checks; a check raises AssertionError. Called by tests/<app>/flows.py at import.

    `claims` gives the consumers of placement that the app's rows account for, while nothing is under way.
    """
    for name, scenario in (scenarios or {}).items():
        assert stage is not None, f"{name} has no stage"
        assert name not in PLAYS, f"{name} has two scenarios"
        PLAYS[name] = Play(scenario, stage)
    WHOLE.extend([whole] if whole else [])
    ALWAYS.extend([always] if always else [])
    CLAIMS.extend([claims] if claims else [])


def begun(stage: Stage, id: str) -> None:
    """Marks a `before` whose subject exists: the harness makes it, with Stage.make."""
