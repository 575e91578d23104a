"""Shares that ended are removed by the clock."""

from operations import periodic
from sharing import services


def register() -> None:
    periodic.register(3.0, "identity.shares", services.collect_garbage)
