"""Whose samples a host may send: its own, those of the guests on it and of their ports."""

import time
from typing import Final

from compute.servers.models import Server
from networking.ports.models import Port
from telemetry.meters import PORT, SERVER, Kind

KEPT: Final = 60.0  # seconds for which what a host has is known without asking
AGAIN: Final = 5.0  # seconds after which it is asked again for what it did not have

_known: dict[tuple[str, int], tuple[float, frozenset[str]]] = {}


def of(host: str, kind: Kind, wanted: set[str]) -> frozenset[str]:
    """List the ids of this kind that lie on the host, as of at most KEPT seconds ago; of AGAIN where some of `wanted` are missing."""
    key, moment = (host, kind.number), time.monotonic()
    when, ids = _known.get(key, (0.0, frozenset()))
    if moment - when > (KEPT if wanted <= ids else AGAIN) or key not in _known:
        ids = frozenset(_read(host, kind))
        _known[key] = (moment, ids)
    return ids


def forget() -> None:
    """Ask anew for all (tests)."""
    _known.clear()


def _read(host: str, kind: Kind) -> list[str]:
    if kind is SERVER:
        return list(Server.objects.living().filter(host=host).values_list("id", flat=True))
    assert kind is PORT, "a host speaks for itself"
    return list(Port.objects.of_guests().filter(host=host).values_list("id", flat=True))
