"""Runs operations: one step a transaction, waits written down, failures undone in reverse.

`advance(id)` may be called any number of times, by anyone, at any moment. Everything that leaves this process (casts to
hosts, wake-ups) leaves after commit, and periodic recovery (`operations.recovery`) repairs its loss.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit import cadf, records
from common import errors, metrics
from common.clock import now
from common.database import tried_again
from common.live import Cause, announce, cause
from common.prepared import Prepared
from hostagent.process import logs, tracing
from operations import faults, flows, lost, parking, wakeups
from operations.flows import Flow, Step, Superseded
from operations.models import LIVE, Hold, Operation, OperationStep, Phase, State, Subscription
from operations.op import Op
from operations.starting import QUEUE_SECONDS, Locked, leave_queue, start, take, wake
from operations.waits import Wait

__all__ = ["Locked", "Op", "advance", "start", "take", "wake"]

log = logging.getLogger(__name__)

TRIES = 3  # how often a step may raise something unexpected
BACKOFF = (0.2, 1.0, 3.0)  # seconds before each further try
FORWARD = (1, 5, 15, 60, 180)  # seconds before each further try of a step that failed past a final one
TURN = 0.03  # seconds of steps in one transaction: SQLite has one writer, and others want their turn

GivenUp = Callable[[Operation, OperationStep], None]
_on_given_up: list[GivenUp] = []


def on_given_up(handler: GivenUp) -> None:
    """Have `handler(operation, step)` run in the transaction in which an undo is given up that was cast to a host: it may
    not be done, or be done later. `step.detail["asked"]` is the body of the cast."""
    _on_given_up.append(handler)


_operation = Prepared(lambda id: Operation.objects.select_for_update().filter(id=id))
_step = Prepared(lambda id, phase, name: OperationStep.objects.filter(operation_id=id, phase=phase, name=name))


# ── Advancing ───────────────────────────────────────────────────────────────────────────────────────────────────────


@wakeups.works_off(wakeups.OPERATIONS)
def advance(operation_id: str) -> None:
    """Run an operation's steps until it waits or ends. What the engine itself raises is tried again, then parked."""
    token = cause.set(None)
    try:
        with logs.about(operation=operation_id):
            while _advance_once(operation_id):
                pass
    except Exception as error:  # noqa: BLE001 - whatever it is, parking writes it down
        parking.stumbled(operation_id, error)
    finally:
        cause.reset(token)


@tried_again
def _advance_once(operation_id: str) -> bool:
    """Steps in one transaction until one waits, ends the flow, or TURN is over. True when there is more to do at once.

    What a crash undoes is at most one such turn of database work: steps may be repeated, and what leaves this process
    leaves after commit.
    """
    with transaction.atomic():
        row = _operation.first(operation_id)
        if row is None or row.state not in LIVE:
            return False
        cause.set(Cause(row.user_id, row.request_id))
        flow = flows.find(row.flow, row.version)
        if row.queued_for is not None and _is_queued(row):
            row.save()
            return False
        until = time.monotonic() + TURN
        again = True
        while again and row.state in LIVE:
            if not 0 <= row.step < len(flow.steps):
                if row.state == State.UNDOING:
                    _finalize_failed(row, flow)
                else:
                    _finish(row)
                break
            spec = flow.steps[row.step]
            again = _run_traced(
                row, flow, spec, _step_row(row, spec, Phase.UNDO if row.state == State.UNDOING else Phase.DO)
            )
            if time.monotonic() > until:
                break
        row.updated_at = now()
        row.save()
        return again and row.state in LIVE


def _is_queued(row: Operation) -> bool:
    """Whether an operation still waits for others' holds. One that waited too long is undone from its first step."""
    held = leave_queue(row)
    if held is None:
        return False
    if (now() - row.created_at).total_seconds() > QUEUE_SECONDS:
        row.state, row.queued_for = State.UNDOING, None
        row.error_code, row.error_data = held.code, errors.stored(held.data)
        return False
    row.wake_at = now() + timedelta(seconds=1)
    _unsubscribe(row)
    Subscription.objects.create(operation=row, kind="operation", key=held.data["holder"])
    row.has_subscriptions = True
    return True


def _step_row(row: Operation, spec: Step, phase: str) -> OperationStep:
    """The row of a step; a new one is written only once the step has run, together with how it went."""
    step: OperationStep | None = _step.first(row.id, phase, spec.name)
    return step or OperationStep(operation=row, phase=phase, name=spec.name, index=row.step)


def _run_traced(row: Operation, flow: Flow, spec: Step, step: OperationStep) -> bool:
    """Run a step, as a span where its request is traced. Returns True when there is more to do at once."""
    if not row.traceparent or not tracing.is_on():
        return _run_step(row, flow, spec, step)
    with tracing.span(
        f"{flow.name} {step.phase} {spec.name}", row.traceparent, stackling__flow=flow.name, stackling__step=spec.name,
        stackling__phase=str(step.phase), stackling__operation=row.id, stackling__request_id=row.request_id,
        stackling__subject=f"{row.subject_kind}:{row.subject_id}",
    ):  # fmt: skip
        again = _run_step(row, flow, spec, step)
        tracing.note(stackling__host=step.host, stackling__result=step.result or "waits")
        if step.result == "failed":
            tracing.failed(step.error_code)
        return again


def _run_step(row: Operation, flow: Flow, spec: Step, step: OperationStep) -> bool:
    """Run a step once, or take what it waited for. Returns True when there is more to do at once."""
    op = Op(row, step, deadline=spec.deadline)
    do = spec.undo if step.phase == Phase.UNDO else spec.do
    if do is None:
        return _passed(row, flow, step)
    if step.result == "failed":
        _begin_again(step)
    kept, ordered_at = dict(row.data), step.ordered_at
    try:
        with transaction.atomic():  # what a step did that failed goes, hooks and all, and its transaction goes on
            faults.inject(row, step)
            if step.error_code and not spec.catches:
                raise errors.from_report(step.host, step.error_code, step.error_data)
            result = do(op)
            if result is not None and op.seconds > spec.deadline:
                raise _too_long(step, spec)
            if result is not None and step.answer is None and lost.is_lost(step.host):
                raise errors.HostDown(host=step.host)
    except errors.CloudError as error:
        row.data, step.ordered_at = kept, ordered_at  # what it cast has not left
        if isinstance(error, Superseded) and row.state == State.RUNNING and flow.is_past_return(op, row.step):
            op.show(left_out=error.code)
            return _passed(row, flow, step)
        return _failed(row, flow, spec, step, error)
    except faults.Hung:
        if op.seconds > spec.deadline:
            return _failed(row, flow, spec, step, _too_long(step, spec))
        _wait(row, step, Wait(1.0))
        return False
    except Exception as error:  # noqa: BLE001
        row.data, step.ordered_at = kept, ordered_at
        return _tried(row, flow, spec, step, error)
    row.data = op.data
    if result is None:
        return _passed(row, flow, step)
    _wait(row, step, result)
    return False


def _too_long(step: OperationStep, spec: Step) -> errors.CloudError:
    seconds = int(spec.deadline)
    if step.ordered_at is not None and step.answer is None:
        seen = step.heard_at.isoformat(timespec="seconds") if step.heard_at else _("not since it was asked")
        return errors.HostSilent(host=step.host, seconds=seconds, seen=seen)
    return errors.TimedOut(step=step.name, seconds=seconds)


def _wait(row: Operation, step: OperationStep, wait: Wait) -> None:
    row.wake_at = now() + timedelta(seconds=wait.seconds)
    wanted = set(wait.channels)
    have = (
        set(Subscription.objects.filter(operation=row).values_list("kind", "key")) if row.has_subscriptions else set()
    )
    if wanted != have:
        _unsubscribe(row)
        Subscription.objects.bulk_create([Subscription(operation=row, kind=kind, key=key) for kind, key in wanted])
        row.has_subscriptions = bool(wanted)
    if step.pk is None:
        announce("operation", row.id, row.project_id)
    step.save()


def _unsubscribe(row: Operation) -> None:
    if row.has_subscriptions:
        Subscription.objects.filter(operation=row).delete()
        row.has_subscriptions = False


def _passed(row: Operation, flow: Flow, step: OperationStep) -> bool:
    """The step is over: go on to the next, or to the one before when undoing."""
    step.finished_at, step.result = now(), "done"
    step.save()
    row.attempts = 0
    row.wake_at = now()
    _unsubscribe(row)
    announce("operation", row.id, row.project_id)
    announce(row.subject_kind, row.subject_id, row.project_id)
    row.step += -1 if row.state == State.UNDOING else 1
    if row.state == State.UNDOING and row.step < 0:
        _finalize_failed(row, flow)
    elif row.state == State.RUNNING and row.step >= len(flow.steps):
        _finish(row)
    return True


def _failed(row: Operation, flow: Flow, spec: Step, step: OperationStep, error: errors.CloudError) -> bool:
    """A step raised one of our errors: unwind, or past a final step try again; in an undo, write it down and go on."""
    step.finished_at, step.result = now(), "failed"
    step.error_code, step.error_data = error.code, errors.stored(error.data)
    step.save()
    _unsubscribe(row)
    row.attempts, row.wake_at = 0, now()
    if row.state == State.UNDOING:
        log.warning("%s: undo of %s failed: %s", row, spec.name, error)
        for handler in _on_given_up if step.verb else ():
            handler(row, step)
        row.step -= 1
        if row.step < 0:
            _finalize_failed(row, flow)
        return True
    log.info("%s: %s failed: %s", row, spec.name, error)
    if flow.is_past_return(Op(row, step, deadline=spec.deadline), row.step):
        return _again_later(row, step, error)
    row.state = State.UNDOING
    row.error_code, row.error_data = error.code, errors.stored(error.data)
    return True


def _again_later(row: Operation, step: OperationStep, error: errors.CloudError) -> bool:
    """A step failed past the point of no return: again, ever later; at last an operator has to look."""
    if step.tries >= len(FORWARD):
        parking.park(row, error)
        return False
    row.wake_at = now() + timedelta(seconds=FORWARD[step.tries])
    step.tries += 1
    step.save()
    return False


def _begin_again(step: OperationStep) -> None:
    """A failed step as if it had never begun; when it first began, and how often it was tried, stays."""
    step.finished_at, step.result, step.tried_at = None, "", now()
    step.answer, step.error_code, step.error_data = None, "", {}
    step.ordered_at, step.heard_at, step.progress = None, None, None


def _tried(row: Operation, flow: Flow, spec: Step, step: OperationStep, error: Exception) -> bool:
    """A step raised something unexpected: again soon, and after TRIES as a failure."""
    row.attempts += 1
    log.exception("%s: %s raised (try %s)", row, spec.name, row.attempts, exc_info=error)
    if row.attempts < TRIES:
        step.save()
        row.wake_at = now() + timedelta(seconds=BACKOFF[row.attempts - 1])
        return False
    detail = f"{type(error).__name__}: {error}"[:300]
    return _failed(row, flow, spec, step, errors.StepFailed(step=spec.name, detail=detail))


def _finish(row: Operation) -> None:
    row.state = State.DONE
    _counted(row, (now() - row.created_at).total_seconds())
    _release(row)
    records.ended(row.id, row.request_id, outcome=cadf.SUCCESS)


def _finalize_failed(row: Operation, flow: Flow) -> None:
    row.state = State.FAILED
    _counted(row)
    _release(row)  # first: what finalizes its subject may begin something that needs its holds
    records.ended(row.id, row.request_id, outcome=cadf.FAILURE, reason=row.error_code)
    if flow.on_failed is not None:
        step = OperationStep(operation=row, index=-1, name="settle", phase=Phase.UNDO)
        op = Op(row, step, deadline=flow.steps[0].deadline)
        error = op.error or errors.StepFailed(step="?", detail="?")
        flow.on_failed(op, error)


def _counted(row: Operation, seconds: float | None = None) -> None:
    """Count an end once it is committed; of a good one also how long it took."""
    flow, result = row.flow, str(row.state)

    def count() -> None:
        metrics.operations.labels(flow, result).inc()
        if seconds is not None:
            metrics.operation_seconds.labels(flow).observe(seconds)

    transaction.on_commit(count, robust=True)


def _release(row: Operation) -> None:
    row.finished_at = now()
    row.wake_at = None
    Hold.objects.filter(operation=row).delete()
    _unsubscribe(row)
    announce("operation", row.id, row.project_id)
    announce(row.subject_kind, row.subject_id, row.project_id)
    wake("operation", row.id)
