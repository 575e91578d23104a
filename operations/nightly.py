"""The work of a night: purging rows that nobody needs any more (common.purging), and what else was registered."""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils.timezone import localtime

from common import purging
from common.clock import now
from operations import background
from operations.models import Lease

KIND = "purge"
LEASE = "nightly"
HOUR = 3  # of the machine's clock
EVERY = 600.0  # seconds between looks
LATEST = timedelta(hours=26)  # a cloud that is off at night is not spared


_ALSO: dict[str, Callable[[], bool]] = {}


def each_night(kind: str, is_wanted: Callable[[], bool]) -> None:
    """Have background work of this kind run once a night too, with the key "all", where `is_wanted()`."""
    _ALSO[kind] = is_wanted


def look() -> None:
    """Have the purge run in the small hours, once; or when it has not run for longer than a day."""
    moment = now()
    with transaction.atomic():
        row, made = Lease.objects.select_for_update().get_or_create(
            name=LEASE, defaults={"holder": "", "until": moment}
        )
        since = moment - row.until  # `until` is when it ran last
        if made or not (since > LATEST or (localtime(moment).hour == HOUR and since > timedelta(hours=2))):
            return
        Lease.objects.filter(pk=LEASE).update(until=moment)
        background.enqueue(KIND, "all")
        for kind, is_wanted in _ALSO.items():
            if is_wanted():
                background.enqueue(kind, "all")


def purge(_key: str) -> None:
    purging.run()
