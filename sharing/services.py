"""The verbs of shares: give, change, withdraw; `collect_garbage` removes what ended."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from audit import context
from authorization import policy
from authorization.context import RequestContext
from authorization.share_levels import FULL, RANK
from common.clock import now
from common.errors import Conflict, Forbidden, Invalid, NotFound
from common.ids import new_hex
from identity.models import Group, User
from identity.revocation import services as revocation
from sharing import live, received, shareable
from sharing.models import TABLES

MOST = 100  # shares of one object: whoever needs more wants a group
SUBJECTS: dict[str, Any] = {"user": User, "group": Group}
LONGEST = timedelta(days=36_525)  # a hundred years; the last days of the calendar overflow in some time zones
UNCHANGED: object = object()


class ShareNotFound(NotFound):
    template = _("Share %(id)s could not be found.")


class NoSuchSubject(Invalid):
    template = _("There is no %(kind)s %(name)s to share with. Name one by id, or by name and domain.")


class LevelMeansNothing(Invalid):
    template = _("%(level)s means nothing for a shared %(kind)s. Choose one of: %(levels)s.")


class EndsInThePast(Invalid):
    template = _("A share must end in the future, or have no end; %(at)s is past.")


class EndsTooLate(Invalid):
    template = _("A share ends within a hundred years, or has no end.")


class WithYourself(Invalid):
    template = _("You can see it already; share it with somebody else.")


class AlreadyShared(Conflict):
    template = _("It is shared with this %(kind)s already. Change that share instead: %(id)s.")


class TooManyShares(Conflict):
    template = _("It is shared %(limit)s times, which is the most. Share it with a group, or withdraw a share first.")


class BeyondYourOwn(Forbidden):
    template = _(
        "You hold this by a share yourself: what you give on must not reach further or last longer than yours."
    )


@dataclass(frozen=True)
class Found:
    """A share with what it is about."""

    row: Any
    subject: str  # user | group
    kind: shareable.Shareable

    @property
    def subject_id(self) -> str:
        return str(getattr(self.row, f"{self.subject}_id"))


_on_cut: list[Callable[[str], None]] = []


def on_cut(step: Callable[[str], None]) -> None:
    """Have `step(key)` run after commit whenever what went by a share's key must end, such as open consoles."""
    if step not in _on_cut:
        _on_cut.append(step)


def _cut(key: str) -> None:
    for step in _on_cut:
        transaction.on_commit(partial(step, key), robust=True)


# ── Finding ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _find(share_id: str, *, lock: bool = False) -> Found:
    for subject, table in TABLES.items():
        rows = table.objects.select_related(subject, "permission").filter(pk=share_id)
        row = (rows.select_for_update(of=("self",)) if lock else rows).first()
        if row is not None:
            return _about(row, subject)
    raise ShareNotFound(id=share_id)


def _about(row: Any, subject: str) -> Found:
    name = shareable.name_of_model(row.content_type.model_class())
    if name is None:
        raise ShareNotFound(id=row.pk)
    return Found(row, subject, shareable.find(name))


def get(actor: RequestContext, share_id: str) -> Found:
    """Find one share, for whoever has it, gave it, or may share the object. Raises: ShareNotFound."""
    found = _find(share_id)
    if not (_is_mine(actor, found) or found.row.given_by == actor.user_id or _may_manage(actor, found)):
        raise ShareNotFound(id=share_id)
    return found


def _is_mine(actor: RequestContext, found: Found) -> bool:
    if found.subject == "user":
        return found.subject_id == actor.user_id
    return bool(User.groups.through.objects.filter(user_id=actor.user_id, group_id=found.subject_id).exists())


def _may_manage(actor: RequestContext, found: Found) -> bool:
    """Whoever may share by a role manages every share; a grantee only those that they gave."""
    row = found.kind.row(found.row.object_pk)
    if row is None:
        return actor.is_admin
    if policy.allows_by_role(actor, found.kind.share, row):
        return True
    return found.row.given_by == actor.user_id and policy.allows(actor, found.kind.share, row)


def of_object(actor: RequestContext, kind_name: str, object_id: str) -> list[Found]:
    """List the live shares of an object that the actor may manage, newest first. Raises: UnknownKind, NotFound, Forbidden."""
    kind = shareable.find(kind_name)
    row = kind.find(actor, object_id)
    policy.require(actor, kind.share, row)
    found = rows_of(kind, str(row.pk))
    if policy.allows_by_role(actor, kind.share, row):
        return found
    return [one for one in found if one.row.given_by == actor.user_id or _is_mine(actor, one)]


def rows_of(kind: shareable.Shareable, object_pk: str) -> list[Found]:
    """List the live shares of an object, newest first. Asks no policy."""
    found = []
    for subject, table in TABLES.items():
        rows = table.objects.live().filter(content_type=shareable.content_type(kind), object_pk=object_pk)
        found += [Found(row, subject, kind) for row in rows.select_related(f"{subject}__domain", "permission")]
    return sorted(found, key=lambda one: one.row.created_at, reverse=True)


def with_me(actor: RequestContext) -> list[Found]:
    """Shares that the actor has, newest first."""
    found = []
    for (subject, _table), rows in zip(TABLES.items(), received.rows_of(actor.user_id), strict=True):
        wanted = rows.live().select_related(f"{subject}__domain", "permission", "content_type")
        found += [_about(row, subject) for row in wanted]
    return sorted(found, key=lambda one: one.row.created_at, reverse=True)


def subject_of(actor: RequestContext, kind: str, *, id: str = "", name: str = "", domain: str = "") -> Any:
    """Return the user or group to share with: by id, or by name in a domain (its id or name; without one, the actor's own).

    Raises: NoSuchSubject.
    """
    table = SUBJECTS[kind]
    if id:
        row = table.objects.select_related("domain").filter(pk=id).first()
    else:
        wanted = domain or actor.user_domain_id
        row = (
            table.objects.select_related("domain").filter(name=name, domain_id=wanted).first()
            or table.objects.select_related("domain").filter(name=name, domain__name=wanted).first()
        )
    if row is None:
        raise NoSuchSubject(kind=kind, name=id or name)
    return row


# ── Giving ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def give(
    actor: RequestContext,
    *,
    kind: str,
    object_id: str,
    subject: str,
    to: Any,
    level: str,
    expires_at: datetime | None = None,
) -> Found:
    """Share an object with `to`, a user or group as `subject` says, until `expires_at` (None: without end).

    A grantee whose share is `full` may give on at most what they have; that goes when theirs goes.
    Raises: UnknownKind, NotFound, Forbidden, LevelMeansNothing, EndsInThePast, EndsTooLate, WithYourself, AlreadyShared,
    TooManyShares, BeyondYourOwn.
    """
    about = shareable.find(kind)
    row = about.find(actor, object_id)
    policy.require(actor, about.share, row)
    _check(about, level, expires_at)
    if subject == "user" and to.pk == actor.user_id:
        raise WithYourself()
    own = None if policy.allows_by_role(actor, about.share, row) else received.best(actor, kind, str(row.pk), FULL)
    _check_within(own, level, expires_at)
    where = {"content_type": shareable.content_type(about), "object_pk": str(row.pk)}
    _check_room(subject, to, where)
    try:
        with transaction.atomic():
            made = TABLES[subject].objects.create(
                **where, **{subject: to}, permission=shareable.permission(about, level), expires_at=expires_at,
                given_by=actor.user_id, through=own.id if own else "",
            )  # fmt: skip
    except IntegrityError:
        raise AlreadyShared(kind=subject, id="") from None
    _changed(about, str(row.pk), [(subject, to.pk)], project_id=row.project_id)
    return Found(made, subject, about)


def _check(kind: shareable.Shareable, level: str, expires_at: datetime | None) -> None:
    if level not in kind.levels:
        raise LevelMeansNothing(level=level, kind=kind.name, levels=", ".join(kind.levels))
    if expires_at is not None and expires_at <= now():
        raise EndsInThePast(at=expires_at.isoformat())
    if expires_at is not None and expires_at > now() + LONGEST:
        raise EndsTooLate()


def _check_within(own: received.Received | None, level: str, expires_at: datetime | None) -> None:
    """Raises: BeyondYourOwn. `own` is the share by which the actor gives; None when a role allows it."""
    if own is None:
        return
    too_long = own.expires_at is not None and (expires_at is None or expires_at > own.expires_at)
    if too_long or RANK[level] > RANK[own.level]:
        raise BeyondYourOwn()


def _check_room(subject: str, to: object, where: dict[str, object]) -> None:
    there = TABLES[subject].objects.filter(**where, **{subject: to}).first()
    if there is not None and there.is_live:
        raise AlreadyShared(kind=subject, id=there.pk)
    if there is not None:  # ended, and not removed yet
        there.delete()
    count = sum(table.objects.live().filter(**where).count() for table in TABLES.values())
    if count >= MOST:
        raise TooManyShares(limit=MOST)


@transaction.atomic
def change(actor: RequestContext, share_id: str, *, level: str | None = None, expires_at: Any = UNCHANGED) -> Found:
    """Change a share's level or end. A lower level or earlier end takes effect at once, on open consoles too.

    Raises: ShareNotFound, Forbidden, LevelMeansNothing, EndsInThePast, EndsTooLate, BeyondYourOwn.
    """
    found = _find(share_id, lock=True)
    row, kind = found.row, found.kind
    if not _may_manage(actor, found):
        raise _refusal(actor, found)
    wanted, until = level or row.level, row.expires_at if expires_at is UNCHANGED else expires_at
    _check(kind, wanted, until)
    thing = kind.row(row.object_pk)
    if thing is None:
        raise ShareNotFound(id=share_id)
    by_role = policy.allows_by_role(actor, kind.share, thing)
    _check_within(None if by_role else received.best(actor, kind.name, row.object_pk, FULL), wanted, until)
    shrinks = RANK[wanted] < RANK[row.level] or (
        until is not None and (row.expires_at is None or until < row.expires_at)
    )
    if shrinks:
        _cut(row.key)
        row.key = new_hex()
        _withdraw_below([row.pk])
    row.permission, row.expires_at = shareable.permission(kind, wanted), until
    row.save(update_fields=["permission", "expires_at", "key"])
    _changed(
        kind,
        row.object_pk,
        [(found.subject, found.subject_id)],
        project_id=thing.project_id,
    )
    return found


def _refusal(actor: RequestContext, found: Found) -> Exception:
    """Forbidden for callers who know of the share, not found for anyone else."""
    if _is_mine(actor, found) or found.row.given_by == actor.user_id:
        return policy.forbids(actor, found.kind.share, {})
    return ShareNotFound(id=found.row.pk)


@transaction.atomic
def withdraw(actor: RequestContext, share_id: str) -> None:
    """End a share now. A user may also give up what was shared with them. Raises: ShareNotFound, Forbidden."""
    found = _find(share_id, lock=True)
    own = found.subject == "user" and found.subject_id == actor.user_id
    if not own and not _may_manage(actor, found):
        raise _refusal(actor, found)
    _remove([found])


def _remove(gone: Iterable[Found]) -> None:
    """Delete rows, what hangs on them, and whatever is open by them."""
    ids = []
    for found in gone:
        ids.append(found.row.pk)
        _cut(found.row.key)
        type(found.row).objects.filter(pk=found.row.pk).delete()
        project = found.kind.project_of(found.row.object_pk)
        _changed(found.kind, found.row.object_pk, [(found.subject, found.subject_id)], project_id=project)
    if ids:
        _withdraw_below(ids)


def _withdraw_below(share_ids: list[str]) -> None:
    """Remove the shares that grantees gave on by these."""
    below = [
        _about(row, subject)
        for subject, table in TABLES.items()
        for row in table.objects.filter(through__in=share_ids).select_related("permission", "content_type")
    ]
    if below:
        _remove(below)


def _changed(
    kind: shareable.Shareable, object_pk: str, subjects: list[tuple[str, str]], *, project_id: str | None
) -> None:
    """Tokens and sessions of everyone concerned are read anew, and their pages are told."""
    revocation.note(**live.fact(kind.name, object_pk))
    for subject, subject_id in subjects:
        revocation.note(**{f"{subject}_id": subject_id})
    live.tell(kind.name, object_pk, subjects, project_id)


# ── Ends ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def collect_garbage() -> int:
    """Remove shares that ended, and those whose ground is gone: the share by which they were given on. Returns how many."""
    there = [table.objects.filter(pk=OuterRef("through")) for table in TABLES.values()]
    count = 0
    for subject, table in TABLES.items():
        rows = table.objects.select_related("permission", "content_type")
        groundless = ~Q(through="") & ~Exists(there[0]) & ~Exists(there[1])
        for row in rows.filter(Q(expires_at__lte=now()) | groundless)[:500]:
            count += _drop(row, subject)
    return count


@transaction.atomic
def _drop(row: Any, subject: str) -> int:
    if not type(row).objects.filter(pk=row.pk).exists():
        return 0  # went with another
    found = _about(row, subject)
    if context.current() is not None:
        _remove([found])
        return 1
    project = found.kind.project_of(row.object_pk)
    with context.acting(
        RequestContext.internal("end of a share", project_id=project)
    ):  # by the clock, and recorded all the same
        _remove([found])
    return 1


@transaction.atomic
def object_gone(kind_name: str, object_id: str) -> None:
    """End every share of an object that is deleted."""
    kind = shareable.find(kind_name)
    where = {"content_type": shareable.content_type(kind), "object_pk": object_id}
    for subject, table in TABLES.items():
        for row in table.objects.filter(**where).select_related("permission", "content_type"):
            _drop(row, subject)


def member_left(group_id: str, user_id: str) -> None:
    """Cut the consoles that a user who leaves a group opened by its shares."""
    for key in TABLES["group"].objects.filter(group_id=group_id).values_list("key", flat=True):
        _cut(f"{key}-{user_id}")
