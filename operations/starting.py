"""Starting operations, taking their holds, and waking those that wait.

A verb with a flow begins in one way, in one transaction: `find` its subject, locked, as the verb's policy rule allows; `run` its flow on it.
`begin` is both. Where a verb has work of its own before its flow, its service calls the two and does that work between them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Final, TypeVar

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common import errors
from common.clock import now
from hostagent.process import tracing
from operations import wakeups
from operations.flows import Flow
from operations.models import LIVE, Hold, Operation, Subscription
from operations.subject import Subject

Found = TypeVar("Found", bound=Subject)

# Keys of an operation's data.
REST: Final = "rest"  # the stable state that the subject had when the verb began
VERB: Final = "verb"  # the verb's name in the lifecycle's table

QUEUE_SECONDS = 120.0  # how long an operation may wait for the holds of others before its first step


class Locked(errors.Conflict):
    """An operation has the hold that another one wants."""

    code = "OperationLocked"
    wire_type = "Held"
    formerly = ("Held",)
    template = _("%(key)s is busy with %(action)s since %(since)s. Wait until that is done.")


def start(
    flow: Flow,
    *,
    subject: tuple[str, str],
    project_id: str | None,
    actor: RequestContext,
    holds: Iterable[str] = (),
    data: Mapping[str, object] | None = None,
    action: str = "",
    delay: float = 0.0,
    behind: Collection[str] = (),
) -> Operation:
    """Write an operation with its holds, in the caller's transaction; it begins after commit (`delay` seconds later).

    Where one with an action in `behind` has a hold, this one waits for that one's end, QUEUE_SECONDS at most.

    Raises: Locked when another operation has one of the holds.
    """
    assert connection.in_atomic_block, "operations.start belongs inside the transaction that states the intent"
    row = Operation(
        flow=flow.name,
        version=flow.version,
        subject_kind=subject[0],
        subject_id=subject[1],
        project_id=project_id,
        user_id=actor.user_id,
        user_name=actor.user_name,
        request_id=actor.request_id,
        traceparent=tracing.traceparent(),
        action=action or flow.name.rpartition(".")[2],
        data=dict(data or {}),
        wake_at=now() + timedelta(seconds=delay),
    )
    row.save(force_insert=True)
    try:
        _take_all(row, holds)
    except Locked as error:
        if error.data["action"] not in behind:
            raise
        row.queued_for = sorted(set(holds))
        row.save(update_fields=["queued_for"])
    if not delay:
        transaction.on_commit(lambda: wakeups.notify(row.id), robust=True)
    return row


@transaction.atomic
def begin(
    actor: RequestContext,
    find: Callable[[RequestContext, str, str], Found],
    id: str,
    name: str,
    flow: Flow,
    /,
) -> Found:
    """Begin a verb on the subject that `find(actor, id, name)` gives, locked. Returns it, busy. Raises: as `find` and run()."""
    found = find(actor, id, name)
    run(actor, found, name, flow)
    return found


def run(
    actor: RequestContext,
    found: Subject,
    name: str,
    flow: Flow,
    data: Mapping[str, object] | None = None,
    others: Iterable[str] = (),
    /,
    **also: object,
) -> Operation:
    """Write a verb's intent on its locked subject and start its flow, in the caller's transaction. `also`: columns to write with it.

    The subject is held until the flow ends, and `others` with it, as "<kind>:<id>"; a verb that preempts others has a hold of its own.

    Raises: what the subject's `refused` and `refusal_besides` say, Locked.
    """
    kind, verbs = found.lifecycle.kind, found.lifecycle.verbs
    before = found.state
    found.begin(name, override=found.may_override(actor), **also)
    return start(
        flow,
        subject=(kind, found.id),
        project_id=found.project_id,
        actor=actor,
        holds=[f"{kind}:{found.id}:{name}" if verbs[name].preempts else f"{kind}:{found.id}", *others],
        data={REST: before, VERB: name, **(data or {})},
        action=verbs[name].action,
        behind=_waited_for(found),
    )


def _waited_for(found: Subject) -> set[str]:
    """List the actions of the verbs behind which the subject's next one waits."""
    return {verb.action for verb in found.lifecycle.verbs.values() if verb.is_waited_for}


def is_held(found: Subject) -> bool:
    """Whether an operation holds the subject so that run() refuses another: also one whose verb has no task and shows in no column."""
    holds = Hold.objects.filter(key=f"{found.lifecycle.kind}:{found.id}")
    return holds.exclude(operation__action__in=_waited_for(found)).exists()


@transaction.atomic
def _take_all(row: Operation, keys: Iterable[str]) -> None:
    """Take all holds or none. Raises: Locked."""
    for key in sorted(set(keys)):
        take(row, key)


def leave_queue(row: Operation) -> Locked | None:
    """Take the holds that a queued operation waits for. Returns why not, while another has one of them."""
    try:
        _take_all(row, row.queued_for or ())
    except Locked as error:
        return error
    row.queued_for = None
    return None


def take(row: Operation, key: str) -> None:
    """Take one more hold for an operation. Raises: Locked."""
    try:
        with transaction.atomic():
            Hold(key=key, operation=row).save(force_insert=True)
    except IntegrityError:
        holder = Hold.objects.select_related("operation").filter(key=key).first()
        if holder is not None and holder.operation_id == row.id:
            return
        other = holder.operation if holder else None
        raise Locked(
            key=key,
            holder=other.id if other else "",
            action=other.action if other else _("another operation"),
            since=other.created_at.isoformat(timespec="seconds") if other else "",
        ) from None


def wake(kind: str, key: str) -> None:
    """Run the operations that wait for `kind` `key` again after commit: something about it changed."""
    ids = list(Subscription.objects.filter(kind=kind, key=key).values_list("operation_id", flat=True).distinct())
    if ids:
        rows = Operation.objects.filter(id__in=ids, state__in=LIVE)
        list(rows.select_for_update().order_by("id").values_list("id"))  # in one order, as everybody who locks several
        rows.update(wake_at=now())
        transaction.on_commit(lambda: wakeups.notify_all(ids), robust=True)
