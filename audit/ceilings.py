from audit.models import Event
from common.ceilings import elsewhere


def register() -> None:
    elsewhere(Event, "what a user may ask a second, and STACKLING_AUDIT_DAYS; refusals are counted by the minute")
