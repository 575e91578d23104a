"""Volumes of two projects that have nothing to do with each other (tests/tenants)."""

from tests.tenants.things import Kind, Side

VOLUME = "/api/volume/v3"


def _volume(side: Side) -> str:
    return side.make(
        f"{VOLUME}/volumes", {"volume": {"size": 1, "name": f"{side.word}-volume", "metadata": {side.word: "x"}}}
    )


def _snapshot(side: Side) -> str:
    body = {"volume_id": side.one("volume"), "name": f"{side.word}-snapshot", "description": f"{side.word} says"}
    return side.make(f"{VOLUME}/snapshots", {"snapshot": body})


KINDS = (
    Kind("volume", r"volume|source_volid", _volume),
    Kind("volume_snapshot", r"snapshot", _snapshot),
)
