"""Troubles: what is wrong with a cloud that no host reports. Apps register checks, `manage.py doctor` lists what those find."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong: its kind, the id it is about, a sentence with what to do, and the host if it is about one.

    `mend` puts it right, for `manage.py doctor --apply`; None where only a person can.
    """

    kind: str
    id: str
    text: str
    host: str = ""
    mend: Callable[[], object] | None = None


Check = Callable[[], Iterable[Trouble]]
_CHECKS: list[Check] = []


def register(check: Check) -> None:
    _CHECKS.append(check)


def found() -> Iterator[Trouble]:
    """Yield all that is wrong now, by every registered check."""
    for check in _CHECKS:
        yield from check()
