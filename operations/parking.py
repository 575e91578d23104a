"""Operations that cannot go on by themselves: parked as broken, with an alarm, until an operator retries or abandons them.

A parked operation is never woken again. Its holds are free, for a broken one must not keep its subject for ever: the
subject's app is told at once (`on_broken`), and the subject's other verbs, deletion above all, work again. A retry
takes the holds back, and is refused once something newer has been done to the subject.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit import cadf, records, registry
from common import errors, metrics
from common.clock import now
from common.live import announce
from operations import wakeups
from operations.models import LIVE, Hold, Operation, Phase, State, Subscription
from operations.starting import take, wake

log = logging.getLogger(__name__)

STUMBLES = 6  # how often the engine itself may raise over an operation: 1 + 2 + 4 + 8 + 16 s

OnBroken = Callable[[Operation, errors.CloudError], None]
_on_broken: dict[str, OnBroken] = {}


class EngineFailed(errors.CloudError):
    template = _("The cloud could not go on with this (%(detail)s). Its operators have been told.")


class OperationUnknown(errors.NotFound):
    template = _("There is no operation %(id)s.")


class NotBroken(errors.Conflict):
    template = _("Operation %(id)s is %(state)s, not broken; there is nothing to do.")


class NewerDone(errors.Conflict):
    template = _(
        "Since operation %(id)s broke, %(action)s was done to its subject, so it may no longer be right to go on. "
        "Abandon it, or retry it with --force."
    )


def on_broken(subject_kind: str, fn: OnBroken) -> None:
    """`fn(operation, error)` finalizes the subject of an operation that was parked, in that transaction."""
    _on_broken[subject_kind] = fn


def stumbled(operation_id: str, error: Exception) -> None:
    """Note that advancing an operation raised: it is tried again ever later, and parked after STUMBLES."""
    with transaction.atomic():
        row = Operation.objects.select_for_update().filter(id=operation_id, state__in=LIVE).first()
        if row is None:
            return
        row.attempts += 1
        row.updated_at = now()
        trace = error if row.attempts == 1 else None  # once: a thousand of them must not fill the log
        log.error("%s could not be advanced (try %s): %s", row, row.attempts, error, exc_info=trace)
        if row.attempts < STUMBLES:
            row.wake_at = now() + timedelta(seconds=2 ** (row.attempts - 1))
        else:
            detail = f"{type(error).__name__}: {error}"[:300]
            park(row, error if isinstance(error, errors.CloudError) else EngineFailed(detail=detail))
        row.save()


def park(row: Operation, error: errors.CloudError) -> None:
    """Put a locked operation aside as broken. The caller saves the row.

    Its holds and subscriptions go. Other operations that wait for its end go on.
    """
    flow = row.flow
    transaction.on_commit(lambda: metrics.operations.labels(flow, "broken").inc(), robust=True)
    holds = sorted(Hold.objects.filter(operation=row).values_list("key", flat=True))
    row.parked = {"state": row.state, "holds": holds, "at": now().isoformat()}
    row.state, row.wake_at, row.attempts = State.BROKEN, None, 0
    row.error_code, row.error_data = error.code, errors.stored(error.data)
    records.ended(row.id, row.request_id, outcome=cadf.FAILURE, reason=error.code)
    Hold.objects.filter(operation=row).delete()
    Subscription.objects.filter(operation=row).delete()
    row.has_subscriptions = False
    log.error(
        "operation %s is broken (%s of %s:%s): %s. See manage.py operation_list --broken; then operation_retry or "
        "operation_abandon.",
        row.id,
        row.flow,
        row.subject_kind,
        row.subject_id,
        error,
    )
    finalize = _on_broken.get(row.subject_kind)
    if finalize is not None:
        try:
            with transaction.atomic():
                finalize(row, error)
        except Exception:
            log.exception("operation %s: its subject could not be told", row.id)
    announce("operation", row.id, row.project_id)
    announce(row.subject_kind, row.subject_id, row.project_id)
    wake("operation", row.id)


def _locked(operation_id: str) -> Operation:
    row = Operation.objects.select_for_update().filter(id=operation_id).first()
    if row is None:
        raise OperationUnknown(id=operation_id)
    if row.state != State.BROKEN:
        raise NotBroken(id=operation_id, state=row.state)
    return row


@transaction.atomic
def retry(operation_id: str, *, force: bool = False) -> Operation:
    """Let a broken operation go on where it stood, with its holds.

    Raises: OperationUnknown, NotBroken, Locked, NewerDone (unless `force`).
    """
    row = _locked(operation_id)
    parked = row.parked or {}
    rivals = Operation.objects.filter(subject_kind=row.subject_kind, subject_id=row.subject_id).exclude(id=row.id)
    newer = rivals.filter(created_at__gt=parked.get("at", row.created_at)).order_by("-created_at").first()
    if newer is not None and not force:
        raise NewerDone(id=row.id, action=newer.action)
    for key in parked.get("holds", ()):
        take(row, key)
    row.state, row.parked = parked.get("state", State.RUNNING), None
    if row.state == State.RUNNING:
        row.error_code, row.error_data = "", {}
    row.attempts, row.wake_at, row.updated_at = 0, now(), now()
    row.steps.filter(result="failed", phase=Phase.DO).update(tries=0)
    row.save()
    announce("operation", row.id, row.project_id)
    transaction.on_commit(lambda: wakeups.notify(row.id), robust=True)
    return row


@transaction.atomic
def abandon(operation_id: str) -> Operation:
    """End a broken operation as failed; nothing is undone and nothing asked of any host.

    Raises: OperationUnknown, NotBroken.
    """
    row = _locked(operation_id)
    row.state, row.parked = State.FAILED, None
    row.finished_at = row.updated_at = now()
    row.save()
    announce("operation", row.id, row.project_id)
    return row


def tell(command: str, verb: str, row: Operation) -> None:
    """Record what an operator's command did to an operation as done to its subject."""
    plan = registry.subject(row.subject_kind)
    target = (plan.spec.type if plan else "service/compute/operation", row.subject_id, "")
    records.by_command(command, f"update/{verb}", target=target, project_id=row.project_id or "", operation_id=row.id)


def subject_gone(kind: str, key: str) -> None:
    """Close what is broken of a subject that is deleted: it needs nobody any more. Runs in the caller's transaction."""
    for id in Operation.objects.broken().filter(subject_kind=kind, subject_id=key).values_list("id", flat=True):
        abandon(id)
