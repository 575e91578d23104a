"""What a new cloud holds: every app registers its own piece in its ``apps.py`` and `manage.py seed` runs them in order.

Orders in use: 10 identity · 20 hosts · 30 compute (flavors) · 40 networking · 50 images · 90 portal. A piece runs at every
start, so it must make what is absent and leave what is there untouched.
"""

from collections.abc import Callable
from dataclasses import dataclass

Seed = Callable[[], str | None]


@dataclass(frozen=True, order=True)
class Piece:
    """One app's part. `run` returns what it made in a few words, or None when all was there already."""

    order: int
    name: str
    run: Seed


_pieces: dict[str, Piece] = {}


def register(order: int, name: str, fn: Seed) -> None:
    """Adds a piece. A second registration under the same name replaces the first (apps are loaded again in tests)."""
    _pieces[name] = Piece(order, name, fn)


def pieces() -> list[Piece]:
    """Every piece, in the order in which it must run."""
    return sorted(_pieces.values(), key=lambda piece: (piece.order, piece.name))


def run_all(report: Callable[[str, str], None] = lambda name, made: None) -> None:
    """Runs every piece. `report(name, made)` is called for each one that made something.

    Raises: whatever a piece raises; pieces before it stay done, and running again goes on from there.
    """
    for piece in pieces():
        made = piece.run()
        if made:
            report(piece.name, made)
