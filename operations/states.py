"""How far a step of an operation, or a stage of what it brings about, has come: one table for timelines and histories."""

from typing import Final

WAITING: Final = "waiting"  # not begun
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"


def of_step(*, has_ended: bool, result: str) -> str:
    """Return the progress of a step's row, by whether it has ended and its result."""
    if not has_ended:
        return RUNNING
    return FAILED if result == FAILED else DONE


def has_failed(progress: str) -> bool:
    """True if it ended badly; also of a step's result."""
    return progress == FAILED


def has_ended(progress: str) -> bool:
    """True once nothing more will happen to it."""
    return progress in (DONE, FAILED)


def is_waiting(progress: str) -> bool:
    """True before it has begun."""
    return progress == WAITING


def stops_a_list(progress: str) -> bool:
    """True if nothing after it in its list can have begun: it runs, or failed."""
    return progress in (RUNNING, FAILED)
