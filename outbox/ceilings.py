from common.ceilings import elsewhere
from outbox.models import Event, Place


def register() -> None:
    elsewhere(Event, "one a changed object and transaction, kept for a day")
    elsewhere(Place, "readers are named by operators and by code")
