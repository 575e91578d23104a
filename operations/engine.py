"""Runs operations: one step a transaction, waits written down, failures undone in reverse.

`advance(id)` may be called any number of times, by anyone, at any moment. Everything that leaves this process (orders to
hosts, rings of the doorbell) leaves after commit, and its loss is repaired by `operations.sweep`.
"""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from common import errors
from common.actor import Actor
from common.clock import now
from common.database import tried_again
from common.live import announce
from common.prepared import Prepared
from hostagent.contract import SILENCE
from operations import doorbell, faults, flows, hostlink
from operations.flows import Flow, Step, Wait
from operations.models import LIVE, Hold, Operation, OperationStep, Phase, State, Waiter

log = logging.getLogger(__name__)

TRIES = 3  # how often a step may raise something unexpected
BACKOFF = (0.2, 1.0, 3.0)  # seconds before each further try
TURN = 0.03  # seconds of steps in one transaction: SQLite has one writer, and others want their turn


GivenUp = Callable[[Operation, OperationStep], None]
_on_given_up: list[GivenUp] = []


def on_given_up(handler: GivenUp) -> None:
    """`handler(operation, step)` runs in the transaction in which an undo is given up that a host was asked for: it may
    not be done, or be done later. `step.detail["asked"]` is the body of the order."""
    _on_given_up.append(handler)


_operation = Prepared(lambda id: Operation.objects.select_for_update().filter(id=id))
_step = Prepared(lambda id, phase, name: OperationStep.objects.filter(operation_id=id, phase=phase, name=name))


class Held(errors.Conflict):
    template = _("%(key)s is busy with %(action)s since %(since)s. Wait until that is done.")


# ── What a step sees ────────────────────────────────────────────────────────────────────────────────────────────────


class Op:
    """An operation as its step sees it. `data` is saved with the step; what is put there survives a crash."""

    def __init__(self, row: Operation, step: OperationStep, spec: Step) -> None:
        self.row = row
        self._step = step
        self._spec = spec
        self.data: dict[str, Any] = row.data
        self._orders: list[dict[str, Any]] = []

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def subject_id(self) -> str:
        return self.row.subject_id

    @property
    def project_id(self) -> str | None:
        return self.row.project_id

    @property
    def request_id(self) -> str:
        return self.row.request_id

    @property
    def actor(self) -> Actor:
        """The cloud itself, acting for whoever started this."""
        return Actor.internal(
            self.row.user_name or "stackling", project_id=self.row.project_id, request_id=self.row.request_id
        )

    @property
    def undoing(self) -> bool:
        return self.row.state == State.UNDOING

    @property
    def answer(self) -> dict[str, Any] | None:
        """What the host answered to this step's order, or None while it has not."""
        return self._step.answer

    @property
    def failure(self) -> errors.CloudError | None:
        """The host's failure; only steps with `catches` ever see one."""
        if not self._step.error_code:
            return None
        return errors.from_report(self._step.host, self._step.error_code, self._step.error_data)

    @property
    def error(self) -> errors.CloudError | None:
        """Why the flow is being undone."""
        if not self.row.error_code:
            return None
        kind = errors.BY_CODE.get(self.row.error_code, errors.CloudError)
        return kind(**self.row.error_data)

    @property
    def seconds(self) -> float:
        """How long this step has been going on."""
        return (now() - self._step.started_at).total_seconds()

    def show(self, **detail: Any) -> None:
        """Facts for the timeline, such as each host's numbers while scheduling."""
        self._step.detail = {**self._step.detail, **detail}

    def on_host(self, host: str) -> None:
        """Name the host this step is about, for the timeline."""
        self._step.host = host

    def order(
        self,
        host: str,
        verb: str,
        body: dict[str, Any],
        *,
        generation: int = 0,
        bulk: bool | None = None,
        subject: str = "",
    ) -> Wait:
        """Ask a host, unless it was asked within SILENCE and may still be at it. Return what this returns.

        The order leaves after commit. The same order is sent again after 12 s without a word, and at the host's hello.
        `subject`: what the order is about, where that is not the operation's own subject.
        """
        moment, step = now(), self._step
        heard = max(filter(None, (step.heard_at, step.ordered_at)), default=None)
        if step.host and step.host != host:
            heard, step.answer = None, None
        if heard is None or (moment - heard).total_seconds() >= SILENCE:
            step.host, step.verb, step.generation, step.ordered_at = host, verb, generation, moment
            if step.phase == Phase.UNDO:
                self.show(asked=body)
            order = {
                "verb": verb,
                "operation": self.row.id,
                "step": f"{step.phase}:{step.name}" if step.phase == Phase.UNDO else step.name,
                "flow": self.row.flow,
                "subject": subject or f"{self.row.subject_kind}:{self.row.subject_id}",
                "generation": generation,
                "deadline": self._spec.deadline,
                "body": body,
            }
            self._orders.append(order)
            transaction.on_commit(lambda: hostlink.send_order(host, order, bulk=bulk), robust=True)
        return Wait(SILENCE)


# ── Starting and waking ─────────────────────────────────────────────────────────────────────────────────────────────


def start(
    flow: Flow,
    *,
    subject: tuple[str, str],
    project_id: str | None,
    actor: Actor,
    holds: Iterable[str] = (),
    data: dict[str, Any] | None = None,
    action: str = "",
    delay: float = 0.0,
) -> Operation:
    """Write an operation with its holds, in the caller's transaction; it begins after commit (`delay` seconds later).

    Raises: Held when another operation has one of the holds.
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
        action=action or flow.name.rpartition(".")[2],
        data=data or {},
        wake_at=now() + timedelta(seconds=delay),
    )
    row.save(force_insert=True)
    for key in sorted(set(holds)):
        take(row, key)
    if not delay:
        transaction.on_commit(lambda: doorbell.ring(row.id), robust=True)
    return row


def take(row: Operation, key: str) -> None:
    """Take one more hold for an operation. Raises: Held."""
    try:
        with transaction.atomic():
            Hold(key=key, operation=row).save(force_insert=True)
    except IntegrityError:
        holder = Hold.objects.select_related("operation").filter(key=key).first()
        if holder is not None and holder.operation_id == row.id:
            return
        other = holder.operation if holder else None
        raise Held(
            key=key,
            action=other.action if other else "another operation",
            since=other.created_at.isoformat(timespec="seconds") if other else "",
        ) from None


def wake(kind: str, key: str) -> None:
    """Something about `kind` `key` changed: operations that wait for it run again, after commit."""
    ids = list(Waiter.objects.filter(kind=kind, key=key).values_list("operation_id", flat=True).distinct())
    if ids:
        Operation.objects.filter(id__in=ids, state__in=LIVE).update(wake_at=now())
        transaction.on_commit(lambda: doorbell.ring_all(ids), robust=True)


# ── Advancing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def advance(operation_id: str) -> None:
    """Run an operation's steps until it waits or ends."""
    while _advance_once(operation_id):
        pass


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
        flow = flows.find(row.flow, row.version)
        until = time.monotonic() + TURN
        again = True
        while again and row.state in LIVE:
            if not 0 <= row.step < len(flow.steps):
                _finish(row)
                break
            spec = flow.steps[row.step]
            again = _run(row, flow, spec, _step_row(row, spec, Phase.UNDO if row.state == State.UNDOING else Phase.DO))
            if time.monotonic() > until:
                break
        row.updated_at = now()
        row.save()
        return again and row.state in LIVE


def _step_row(row: Operation, spec: Step, phase: str) -> OperationStep:
    """The row of a step; a new one is written only once the step has run, together with how it went."""
    step: OperationStep | None = _step.first(row.id, phase, spec.name)
    return step or OperationStep(operation=row, phase=phase, name=spec.name, index=row.step)


def _run(row: Operation, flow: Flow, spec: Step, step: OperationStep) -> bool:
    op = Op(row, step, spec)
    do = spec.undo if step.phase == Phase.UNDO else spec.do
    if do is None:
        return _passed(row, flow, step)
    point = transaction.savepoint()
    kept = dict(row.data)
    try:
        faults.strike(row, step)
        if step.error_code and not spec.catches:
            raise errors.from_report(step.host, step.error_code, step.error_data)
        result = do(op)
        if result is not None and op.seconds > spec.deadline:
            raise _too_long(step, spec)
    except errors.CloudError as error:
        transaction.savepoint_rollback(point)
        row.data = kept
        return _failed(row, flow, spec, step, error)
    except faults.Hung:
        transaction.savepoint_rollback(point)
        if op.seconds > spec.deadline:
            return _failed(row, flow, spec, step, _too_long(step, spec))
        _wait(row, step, Wait(1.0))
        return False
    except Exception as error:  # noqa: BLE001
        transaction.savepoint_rollback(point)
        row.data = kept
        return _tried(row, flow, spec, step, error)
    transaction.savepoint_commit(point)
    row.data = op.data
    if result is None:
        return _passed(row, flow, step)
    _wait(row, step, result)
    return False


def _too_long(step: OperationStep, spec: Step) -> errors.CloudError:
    seconds = int(spec.deadline)
    if step.ordered_at is not None and step.answer is None:
        seen = step.heard_at.isoformat(timespec="seconds") if step.heard_at else "not since it was asked"
        return errors.HostSilent(host=step.host, seconds=seconds, seen=seen)
    return errors.TimedOut(step=step.name, seconds=seconds)


def _wait(row: Operation, step: OperationStep, wait: Wait) -> None:
    row.wake_at = now() + timedelta(seconds=wait.seconds)
    wanted = set(wait.topics)
    have = set(Waiter.objects.filter(operation=row).values_list("kind", "key")) if row.has_waiters else set()
    if wanted != have:
        _forget_waiters(row)
        Waiter.objects.bulk_create([Waiter(operation=row, kind=kind, key=key) for kind, key in wanted])
        row.has_waiters = bool(wanted)
    if step.pk is None:
        announce("operation", row.id, row.project_id)
    step.save()


def _forget_waiters(row: Operation) -> None:
    if row.has_waiters:
        Waiter.objects.filter(operation=row).delete()
        row.has_waiters = False


def _passed(row: Operation, flow: Flow, step: OperationStep) -> bool:
    """The step is over: go on to the next, or to the one before when undoing."""
    step.finished_at, step.result = now(), "done"
    step.save()
    row.attempts = 0
    row.wake_at = now()
    _forget_waiters(row)
    announce("operation", row.id, row.project_id)
    announce(row.subject_kind, row.subject_id, row.project_id)
    row.step += -1 if row.state == State.UNDOING else 1
    if row.state == State.UNDOING and row.step < 0:
        _settle_failed(row, flow)
    elif row.state == State.RUNNING and row.step >= len(flow.steps):
        _finish(row)
    return True


def _failed(row: Operation, flow: Flow, spec: Step, step: OperationStep, error: errors.CloudError) -> bool:
    """A step raised one of our errors: unwind; in an undo, write it down and go on unwinding."""
    step.finished_at, step.result = now(), "failed"
    step.error_code, step.error_data = error.code, _plain(error.data)
    step.save()
    _forget_waiters(row)
    row.attempts, row.wake_at = 0, now()
    if row.state == State.UNDOING:
        log.warning("%s: undo of %s failed: %s", row, spec.name, error)
        for handler in _on_given_up if step.verb else ():
            handler(row, step)
        row.step -= 1
        if row.step < 0:
            _settle_failed(row, flow)
        return True
    log.info("%s: %s failed: %s", row, spec.name, error)
    row.state = State.UNDOING
    row.error_code, row.error_data = error.code, _plain(error.data)
    return True


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


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    return {k: v if isinstance(v, (str, int, float, bool, list, dict, type(None))) else str(v) for k, v in data.items()}


def _finish(row: Operation) -> None:
    row.state = State.DONE
    _release(row)


def _settle_failed(row: Operation, flow: Flow) -> None:
    row.state = State.FAILED
    if flow.on_failed is not None:
        spec = flow.steps[0]
        step = OperationStep(operation=row, index=-1, name="settle", phase=Phase.UNDO)
        op = Op(row, step, spec)
        error = op.error or errors.StepFailed(step="?", detail="?")
        flow.on_failed(op, error)
    _release(row)


def _release(row: Operation) -> None:
    row.finished_at = now()
    row.wake_at = None
    Hold.objects.filter(operation=row).delete()
    _forget_waiters(row)
    announce("operation", row.id, row.project_id)
    announce(row.subject_kind, row.subject_id, row.project_id)
    wake("operation", row.id)
