"""Failed attempts to prove something, counted by what was attempted *and* where from, and over everything by where from.

A lock-out is of one name for one source, so that guessing at a name locks out the guesser, not its owner. It begins after
LOCKOUT_FAILURES attempts in a row and is twice as long each time, up to LONGEST_PAUSE. A source that goes from name to name runs
into a bound of its own. Names that exist and names that do not are counted alike. One table, which `prune` empties.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from common import metrics
from common.clock import now
from common.errors import Unauthorized
from hostagent.contract import inet
from identity.auth import auditing
from identity.credentials.hashing import keyed_hash
from identity.models import FailedTry

LONGEST_PAUSE = timedelta(days=1)
#: How long the number of pauses is remembered: a second look at the same name is not the first.
MEMORY = timedelta(days=2)
#: Failures of a source in LOCKOUT_SECONDS, in LOCKOUT_FAILURES: an office behind one address has many people.
SOURCE_FACTOR = 10


class WrongPassword(Unauthorized):
    """`left` attempts remain before a pause; a pause that runs has `wait` seconds to go."""

    template = _("The request you have made requires authentication.")

    @property
    def left(self) -> int:
        return int(self.data["left"])

    @property
    def wait(self) -> int:
        return int(self.data["wait"])


def pause(pauses: int = 1) -> timedelta:
    """Length of the `pauses`-th pause."""
    doublings: int = 2 ** min(max(pauses, 1) - 1, 32)
    return min(LONGEST_PAUSE, timedelta(seconds=settings.LOCKOUT_SECONDS) * doublings)


def network_of(source: str) -> str:
    """Return what an address counts as: an IPv4 address, or the /64 of an IPv6 one, of which a client has as many as it likes."""
    try:
        found = inet.ip_address(source)
    except ValueError:
        return source
    mapped = getattr(found, "ipv4_mapped", None)
    if mapped is not None:
        return str(mapped)
    return str(inet.ip_network((int(found) >> 64 << 64, 64)) if found.version == 6 else found)


class FailedAttempts:
    """The failed attempts at one thing from one source. `kind` is what is to be proven ("password", "totp", …), `words` say of what.

    One read, and for a failure two writes, whether or not the thing exists.
    """

    def __init__(self, kind: str, *words: str | None, source: str = "") -> None:
        self.kind, self.words, self.address = kind, words, source
        where = network_of(source)
        # the names under which older rows were hashed
        self.key = keyed_hash("identity.tries", "\0".join((kind, where, *(word or "" for word in words))))
        self.source_key = keyed_hash("identity.tries.source", where)
        rows = FailedTry.objects.in_bulk([self.key, self.source_key])
        self.row = rows.get(self.key) or FailedTry(key=self.key)
        self.source = rows.get(self.source_key) or FailedTry(key=self.source_key)

    @property
    def left(self) -> int:
        return max(0, settings.LOCKOUT_FAILURES - self.row.failures)

    @property
    def wait(self) -> timedelta:
        """Time left of the pause that runs; zero when none does."""
        own = (
            self.row.failed_at + pause(self.row.pauses) - now()
            if self.row.failures >= settings.LOCKOUT_FAILURES
            else None
        )
        return max(own or timedelta(), self._source_wait(), timedelta())

    @property
    def paused(self) -> bool:
        return self.wait > timedelta()

    def failed(self) -> WrongPassword:
        """Count one more, unless a pause runs; a pause that is over begins the count anew."""
        metrics.sign_ins_failed.labels(self.kind).inc()
        auditing.failed(self.kind, self.words, self.address)
        if not self.paused:
            self._count_own()
            self._count_source()
        return WrongPassword(left=self.left, wait=int(self.wait.total_seconds()))

    def forget(self) -> None:
        """Forget the attempts: it was proven, so they were mistakes of the same person."""
        if self.row.failures or self.row.pauses:
            FailedTry.objects.filter(pk=self.key).delete()
            self.row = FailedTry(key=self.key)

    def _count_own(self) -> None:
        row, limit = self.row, settings.LOCKOUT_FAILURES
        row.failures = 1 if row.failures >= limit else row.failures + 1
        row.pauses += row.failures >= limit
        row.failed_at = now()
        values = {"failures": row.failures, "pauses": row.pauses, "failed_at": row.failed_at}
        # two at once both count: the database adds, except where a count begins anew
        added = F("failures") + 1 if row.failures > 1 else row.failures
        with transaction.atomic():
            if not FailedTry.objects.filter(pk=self.key).update(**{**values, "failures": added}):
                FailedTry.objects.bulk_create([FailedTry(key=self.key, **values)], ignore_conflicts=True)

    # A source's count runs off by itself, so many a second: a success of somebody there takes nothing back.

    def _filled(self) -> float:
        rate = SOURCE_FACTOR * settings.LOCKOUT_FAILURES / settings.LOCKOUT_SECONDS
        return max(0.0, self.source.failures - rate * (now() - self.source.failed_at).total_seconds())

    def _source_wait(self) -> timedelta:
        over = self._filled() - SOURCE_FACTOR * settings.LOCKOUT_FAILURES + 1
        return timedelta(seconds=over * settings.LOCKOUT_SECONDS / (SOURCE_FACTOR * settings.LOCKOUT_FAILURES))

    def _count_source(self) -> None:
        self.source.failures, self.source.failed_at = round(self._filled()) + 1, now()
        values = {"failures": self.source.failures, "failed_at": self.source.failed_at}
        with transaction.atomic():
            if not FailedTry.objects.filter(pk=self.source_key).update(**values):
                FailedTry.objects.bulk_create([FailedTry(key=self.source_key, **values)], ignore_conflicts=True)


def prune() -> int:
    """Delete attempts whose pause is over, and later how many pauses there were. Returns how many rows went."""
    moment = now()
    never = FailedTry.objects.filter(pauses=0, failed_at__lt=moment - 2 * pause())
    return never.delete()[0] + FailedTry.objects.filter(failed_at__lt=moment - MEMORY).delete()[0]
