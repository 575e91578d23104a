"""Revocation of tokens, and the numbers that tell every process to forget its caches: of everybody, or of one subject.

A process reads two numbers at most once a second. The epoch moves when roles, projects, users or the catalog change: all that
was cached is void. The other moves when something narrow happened, a logout for one: then the process reads what that was of,
and voids only what was cached for it.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max

from common.clock import now
from common.prepared import PreparedMany
from identity.revocation.models import ChangedFact, Epoch, Revocation
from identity.signin.models import PortalSession

#: Seconds between two reads of the numbers: the longest that a revocation may go unseen in another process.
READ_EVERY = 1.0
#: How long a narrow change is kept to be read. A process that was away for half of it forgets all it has.
KEEP_CHANGES = timedelta(minutes=10)
#: Narrow changes that a process reads, or remembers, at most; beyond them it forgets all it has.
READ_AT_MOST, REMEMBERED_AT_MOST = 5_000, 20_000
#: Revocations of single tokens that one user's logouts may leave; then the older half becomes one row.
OWN_AT_MOST = 1_000


class Mark(NamedTuple):
    """The numbers as they were when something was cached."""

    epoch: int
    generation: int
    change: int


class _Process:
    """Knowledge of this process: `change` is the last number up to which it has read all, `seen` that of the database, in a
    transaction perhaps ahead of it. Another `generation` voids all that was cached."""

    def __init__(self) -> None:
        self.epoch = self.change = self.seen = self.generation = 0
        self.read_at = float("-inf")
        self.changed: dict[str, int] = {}
        self.newest: tuple[tuple[int, int], datetime | None] = ((0, 0), None)


_here = _Process()


def _read(*, fresh: bool = False) -> None:
    at = time.monotonic()
    if not fresh and at - _here.read_at < READ_EVERY:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT value, changes FROM identity_epoch WHERE id = 1")
        row = cursor.fetchone()
    value, seen = row or (-time.monotonic_ns(), 0)  # no row yet: nothing stays cached
    was_away = at - _here.read_at > KEEP_CHANGES.total_seconds() / 2
    if was_away or seen < _here.change or value < _here.epoch:
        _forget_all(seen)
    elif seen != _here.change:
        _read_changes(seen)
    _here.epoch, _here.seen, _here.read_at = value, seen, at


def _read_changes(seen: int) -> None:
    rows = ChangedFact.objects.filter(number__gt=_here.change).values_list("fact", "number")[: READ_AT_MOST + 1]
    found = dict(rows)
    if len(found) > READ_AT_MOST or len(_here.changed) + len(found) > REMEMBERED_AT_MOST:
        _here.changed, _here.generation = {}, _here.generation + 1
    _here.changed.update(found)
    if not connection.in_atomic_block:  # a number that is rolled back comes again, for something else
        _here.change = seen


def _forget_all(seen: int) -> None:
    _here.changed, _here.change, _here.generation = {}, seen, _here.generation + 1


def epoch(*, fresh: bool = False) -> int:
    """Return the present epoch; read from the database at most once a second unless `fresh`."""
    _read(fresh=fresh)
    return _here.epoch


def state(*, fresh: bool = False) -> tuple[int, int]:
    """Return both numbers: another pair says that something changed, narrow or not."""
    _read(fresh=fresh)
    return _here.epoch, _here.seen


def mark(*, fresh: bool = False) -> Mark:
    """To be kept with what is cached; taken before it is computed."""
    _read(fresh=fresh)
    return Mark(_here.epoch, _here.generation, _here.change)


def is_current(mark: Mark, facts: Iterable[str], *, fresh: bool = False) -> bool:
    """Whether nothing changed since for everybody, or for one of these facts ("user_id:…")."""
    _read(fresh=fresh)
    if (mark.epoch, mark.generation) != (_here.epoch, _here.generation):
        return False
    if mark.change == _here.seen:
        return True
    return all(_here.changed.get(fact, 0) <= mark.change for fact in facts)


def touch() -> None:
    """Note that something changed which may alter what any token or session may do. Seen here at once, elsewhere within 1 s."""
    _count("value")
    _again()


def note(**match: str) -> None:
    """Note that something changed which may alter what the tokens or sessions of this user, project or credential may do."""
    _count("changes")
    number = Epoch.objects.values_list("changes", flat=True).get(pk=1)
    rows = [ChangedFact(fact=f"{kind}:{subject}", number=number) for kind, subject in match.items()]
    ChangedFact.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["fact"], update_fields=["number", "changed_at"]
    )
    _again()


def _count(column: str) -> None:
    if not Epoch.objects.filter(pk=1).update(**{column: F(column) + 1}):
        Epoch.objects.create(pk=1, value=time.time_ns(), changes=1)  # never an epoch that another database of ours had


def _again() -> None:
    read_soon()
    transaction.on_commit(read_soon)


def read_soon() -> None:
    """Have the next look read the numbers again, however short ago the last was."""
    if _here.read_at > float("-inf"):
        _here.read_at = min(_here.read_at, time.monotonic() - READ_EVERY)


@transaction.atomic
def revoke(*, owner: str = "", token_issued_at: datetime | None = None, **match: str) -> Revocation:
    """Revoke every token issued until now that matches, e.g. ``revoke(user_id=…)`` or ``revoke(audit_id=…)``.

    `owner` is the user of a single token, and `token_issued_at` when it was issued. A revocation of all tokens of a user
    ends the portal sessions too.
    """
    ((kind, subject),) = match.items()
    if kind == "user_id":
        PortalSession.objects.filter(user_id=subject).delete()
    note(**match)  # first: it orders those who revoke at once
    if owner:
        _merge_oldest(owner)
    return _store(kind, subject, now(), owner=owner, token_issued_at=token_issued_at)


def _store(kind: str, subject: str, issued_before: datetime, **more: object) -> Revocation:
    moment = now()
    row = Revocation(
        kind=kind,
        subject=subject,
        issued_before=issued_before,
        revoked_at=moment,
        expires_at=moment + timedelta(seconds=settings.TOKEN_LIFETIME + 60),
        **more,
    )
    times = ["issued_before", "expires_at", "revoked_at"]
    Revocation.objects.bulk_create([row], update_conflicts=True, unique_fields=["subject", "kind"], update_fields=times)
    return row


def _merge_oldest(owner: str) -> None:
    """Replace the older half of a user's rows by one that revokes those tokens together, so that logging in and out fills no table."""
    of = Revocation.objects.exclude(owner="")  # as the index says
    mine = of.filter(owner=owner).exclude(token_issued_at=None).order_by("token_issued_at")
    if mine.count() < OWN_AT_MOST:
        return
    oldest = list(mine.values_list("pk", "token_issued_at")[: OWN_AT_MOST // 2])
    until = oldest[-1][1] or now()
    held = Revocation.objects.filter(kind="user_id", subject=owner).values_list("issued_before", flat=True).first()
    _store("user_id", owner, max(until, held) if held else until)
    note(user_id=owner)
    Revocation.objects.filter(pk__in=[pk for pk, _at in oldest]).delete()


_of_subjects = PreparedMany(
    lambda subjects: Revocation.objects.filter(subject__in=subjects).values_list("kind", "subject", "issued_before")
)


def is_revoked(*, issued_at: datetime, facts: Iterable[str]) -> bool:
    """Whether a token issued then, of which these facts ("user_id:…", "audit_id:…") hold, is revoked.

    One look at an index by what the token says of itself, and none for a token that is younger than every revocation.
    """
    newest = _newest_revocation()
    if newest is None or issued_at > newest:
        return False
    have = set(facts)
    subjects = {fact.split(":", 1)[1] for fact in have}
    return any(before >= issued_at and f"{kind}:{subject}" in have for kind, subject, before in _of_subjects(subjects))


def _newest_revocation() -> datetime | None:
    """When the last revocation was, as of the present numbers: each of them raises one."""
    at = state()
    if _here.newest[0] == at:
        return _here.newest[1]
    moment: datetime | None = Revocation.objects.aggregate(newest=Max("issued_before"))["newest"]
    if not connection.in_atomic_block:  # numbers that are rolled back come again, for other revocations
        _here.newest = at, moment
    return moment


def prune() -> int:
    """Forget revocations older than any token can be, and narrow changes that every process has read. Returns how many."""
    gone = ChangedFact.objects.filter(changed_at__lt=now() - KEEP_CHANGES).delete()[0]
    return gone + Revocation.objects.filter(expires_at__lt=now()).delete()[0]
