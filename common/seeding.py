"""The seeds of a cloud: each app registers its part in its `seeds.py`, and a start (cloud/run/prepare.py) runs all in order.

Orders in use: 5 hosts (epoch) · 10 identity · 20 hosts · 30 compute (flavors) · 40 networking · 50 images. A part runs at every
start, so it must make what is absent and leave what is there untouched.
"""

from collections.abc import Callable
from dataclasses import dataclass

Seed = Callable[[], str | None]


@dataclass(frozen=True, order=True)
class Part:
    """One app's part. `run` returns what it made in a few words, or None when all was there already."""

    order: int
    name: str
    run: Seed


_parts: dict[str, Part] = {}


def register(order: int, name: str, fn: Seed) -> None:
    """Add a part. A second registration under the same name replaces the first (apps are loaded again in tests)."""
    _parts[name] = Part(order, name, fn)


def parts() -> list[Part]:
    """List every part, in the order in which it must run."""
    return sorted(_parts.values(), key=lambda part: (part.order, part.name))


def run_all(report: Callable[[str, str], None] = lambda name, made: None) -> None:
    """Run every part. `report(name, made)` is called for each one that made something.

    Raises: whatever a part raises; parts before it stay done, and running again goes on from there.
    """
    for part in parts():
        made = part.run()
        if made:
            report(part.name, made)
