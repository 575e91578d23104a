"""Old events go every ten minutes."""

from operations import periodic
from outbox import places


def register() -> None:
    periodic.register(600.0, "outbox.forget", places.forget)
