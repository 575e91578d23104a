"""Faults on purpose, for tests: `STACKLING_TESTING=1 STACKLING_FAULT=<flow>.<step>:fail|hang|kill[:once]`.

An agent acts on faults whose flow is `host`; the step is that of the cast (`host.start_domain:kill:once`). `fail`
answers a failure, `hang` never answers, `kill` ends the agent at once, as SIGKILL would. `once` is remembered in the
host's folder before it is injected, so a restarted agent does not fall again. `STACKLING_FAULT=@<path>` has the fault read
from a file each time.
"""

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

from hostagent.contract.failures import Failure

ACTIONS = ("fail", "hang", "kill")


@dataclass(frozen=True)
class Fault:
    flow: str
    step: str
    action: str
    once: bool

    @classmethod
    def parse(cls, text: str) -> "Fault | None":
        """Raises: ValueError when the text is not a fault."""
        if not text:
            return None
        place, action, *rest = [*text.split(":"), ""]
        flow, dot, step = place.rpartition(".")
        if not dot or action not in ACTIONS or rest not in ([""], ["once", ""]):
            raise ValueError(f"STACKLING_FAULT is {text!r}; it must be <flow>.<step>:{'|'.join(ACTIONS)}[:once]")
        return cls(flow, step, action, "once" in rest)


def given(text: str) -> Fault | None:
    """Return the fault of a setting, or of the file that it names with an @. Raises: ValueError when the text is not a fault."""
    if not text.startswith("@"):
        return Fault.parse(text)
    path = Path(text[1:])
    return Fault.parse(path.read_text().strip()) if path.exists() else None


def inject(text: str, step: str, folder: Path) -> None:
    """Do what the setting says if it means this step of a cast. Raises: Failure."""
    fault = given(text) if text else None
    if fault is None or fault.flow != "host" or fault.step != step:
        return
    if fault.once:
        mark = folder / f"fault-{fault.step}-{fault.action}"
        if mark.exists():
            return
        mark.touch()
    if fault.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.action == "hang":
        threading.Event().wait()
    raise Failure("internal", detail=f"fault on purpose at {step}")
