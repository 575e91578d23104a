"""The RPC client: casts (on the wire: orders) to hosts, their replies and reports back, each signed and encrypted with the host's own key.

This app knows no hosts: `hosts` registers how to find a host's key and what to do with what agents say on their own.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple, TypedDict

from django.conf import settings
from django.db import transaction

from common.clock import now
from common.database import tried_again
from common.errors import CloudError, reported
from hostagent.contract import VERBS, Verb
from hostagent.contract.host import Cloud
from hostagent.contract.messages import CAST_LIFE, CAST_TASK, CONTROL_QUEUE, REPORT_TASK, WELCOME, host_queue, sign
from hostagent.contract.reports import ANSWERS, Event, Kind
from hostagent.messaging import broker, envelope
from hostagent.process import logs
from operations import arrivals, queue, wakeups
from operations.models import LIVE, Operation, OperationStep, Phase

__all__ = ["CONTROL_QUEUE", "REPORT_TASK", "Line", "cast", "on_event", "on_report", "receive", "use", "welcome"]

log = logging.getLogger(__name__)

Handler = Callable[[str, dict[str, object]], None]
AnyVerb = Verb[Any, Any]


class Cast(TypedDict, total=False):
    """A message that asks a host for a verb, before it is stamped and signed."""

    verb: str
    operation: str
    step: str
    flow: str
    subject: str
    generation: int
    deadline: float
    turn: float  # Unix time; of two messages about one object the host does the later one
    traceparent: str
    body: object  # of the verb's own type
    cloud: Cloud


class Line(NamedTuple):
    """The state of the connection to a host, read before something is sent to it."""

    speaks: int  # the newest version that its agent and we both speak
    is_down: bool  # nobody reads its queue


_key_of: Callable[[str], str | None] = lambda host: None  # noqa: E731
_line_of: Callable[[str], Line] = lambda host: Line(1, False)  # noqa: E731
_stamp: Callable[[str, AnyVerb], Cloud | None] = lambda host, verb: None  # noqa: E731
_refusal: Callable[[str, AnyVerb], CloudError | None] = lambda host, verb: None  # noqa: E731
_on_report: dict[str, list[Handler]] = {}
_on_event: dict[str, list[Handler]] = {}
_stamping = threading.Lock()
RETRY_SEND = 2.0  # seconds until a cast that found no broker is tried again


def use(
    *,
    key_of: Callable[[str], str | None],
    line_of: Callable[[str], Line],
    stamp: Callable[[str, AnyVerb], Cloud | None],
    refusal: Callable[[str, AnyVerb], CloudError | None],
) -> None:
    """Set by `hosts`: the key of a host in hex, or None for an unknown host; how it is reached; what a cast of a verb says
    of the database it comes from, or None where it may not leave now; why a verb may not be asked of a host, or None."""
    global _key_of, _line_of, _stamp, _refusal
    _key_of, _line_of, _stamp, _refusal = key_of, line_of, stamp, refusal


def refusal(host: str, verb: AnyVerb) -> CloudError | None:
    """Why an operation may not ask this of a host; None where it may."""
    return _refusal(host, verb)


def on_report(kind: Kind, handler: Handler) -> None:
    """`handler(host, body)` for reports of `kind`, which are no replies to casts. A hello's body has its "boot" id too."""
    _on_report.setdefault(kind, []).append(handler)


def on_event(event: Event, handler: Handler) -> None:
    """`handler(host, body)` for reports of this fact."""
    _on_event.setdefault(event, []).append(handler)


def cast(host: str, message: Cast) -> bool:
    """Send one message, of a verb of the contract, now. False when the broker or the key is missing; the operation is then woken soon to
    try again.

    To a host that is down nothing is sent: nobody would take it, and at its hello it is asked for all that still counts.
    """
    key = _key_of(host)
    if key is None:
        log.error("rpc: no key for host %s", host)
        return False
    line = _line_of(host)
    if line.is_down:
        log.info("rpc: %s waits until %s is back", message["verb"], host)
        return True
    if line.speaks < settings.AGENT_CONTRACT:
        log.error("rpc: %s for %s was not sent: its agent speaks version 1. Update it", message["verb"], host)
        return True
    verb = VERBS[message["verb"]]
    # a host takes a message of a lower count only where it left before one of a higher (hostagent.agent.seen)
    with _stamping:
        moment = now().timestamp()
        cloud = _stamp(host, verb)
    if cloud is None:
        log.info("rpc: %s for %s waits until the host is heard", message["verb"], host)
        if message.get("operation"):
            _unsent(message)
        return False
    message = {**message, "cloud": cloud}
    try:
        _publish(host, _signed(host, message, key, line, moment), host_queue(host, bulk=verb.is_bulk))
    except Exception as error:  # noqa: BLE001
        log.warning("rpc: %s for %s was not sent: %s", message["verb"], host, error)
        if message.get("operation"):
            _unsent(message)
        return False
    return True


def _signed(host: str, message: Cast, key: str, line: Line, moment: float) -> dict[str, object]:
    whole = {"host": host, "turn": moment, **message, "sent": moment}
    if line.speaks > 1:
        return envelope.close({**whole, "expires": moment + CAST_LIFE}, key, "order")
    body = message["body"]
    if isinstance(body, Mapping) and any(body.get(name) for name in VERBS[message["verb"]].secret):
        log.warning(
            "rpc: what is secret of %s for %s crosses the broker in the clear: update its agent",
            message["verb"],
            host,
        )
    return sign({"v": 1, **whole}, key)


def _publish(host: str, message: Mapping[str, object], queue_name: str) -> None:
    broker.send(queue.app, CAST_TASK, message, queue_name)


def welcome(host: str, facts: Mapping[str, object]) -> None:
    """Answer an agent of version 2, whatever is known of it: its challenge, our time, `facts`. Its loss is noticed there."""
    key = _key_of(host)
    if key is None:
        return
    moment = now().timestamp()
    message = {
        "host": host,
        "verb": WELCOME,
        "sent": moment,
        "expires": moment + CAST_LIFE,
        "body": {**facts, "time": moment},
    }
    try:
        _publish(host, envelope.close(message, key, "order"), host_queue(host))
    except Exception as error:  # noqa: BLE001
        log.warning("rpc: the welcome for %s was not sent: %s", host, error)


def _phase_and_name(step: str) -> tuple[str, str]:
    phase, _, name = step.rpartition(":")
    return (Phase.UNDO if phase == "undo" else Phase.DO), name


def _unsent(message: Cast) -> None:
    phase, name = _phase_and_name(message["step"])
    OperationStep.objects.filter(operation_id=message["operation"], phase=phase, name=name).update(ordered_at=None)
    Operation.objects.filter(id=message["operation"]).update(wake_at=now() + timedelta(seconds=RETRY_SEND))


def receive(message: dict[str, object]) -> None:
    """Take one report in. Drops and logs one that is not signed by the host it names, or came before."""
    report = arrivals.opened(message, _key_of)
    if report is not None:
        with logs.about(host=str(report["host"]), operation=str(report.get("operation", ""))):
            _take(str(report["host"]), report)


@tried_again
def _take(host: str, message: arrivals.Report) -> None:
    kind = message.get("kind")
    if kind in ANSWERS:
        _answered(host, str(kind), message)
    elif kind == Kind.EVENT:
        for handler in _on_event.get(str(message["body"].get("event", "")), ()):
            handler(host, message["body"])
    else:
        body = {"boot": message.get("boot", ""), **message["body"]} if kind == Kind.HELLO else message["body"]
        try:
            for handler in _on_report.get(str(kind), ()):
                handler(host, body)
        finally:  # after them: what the host owes (hosts.debts) comes before anything else that is ordered there
            if kind == Kind.HELLO:
                ask_again(host)


def _answered(host: str, kind: str, message: arrivals.Report) -> None:
    """Store a host's answer with the step that waits for it, once, and only from the host that was asked."""
    if not message.get("operation"):
        return
    phase, name = _phase_and_name(message["step"])
    with transaction.atomic():
        rows = OperationStep.objects.filter(
            operation_id=message["operation"],
            phase=phase,
            name=name,
            host=host,
            finished_at=None,
            answer__isnull=True,
            error_code="",
        )
        moment = now()
        if kind == Kind.WORKING:
            rows.update(heard_at=moment, progress=message["body"].get("progress"))
            return
        _lock([message["operation"]])
        if kind == Kind.DONE:
            changed = rows.update(heard_at=moment, answer=message["body"])
        else:
            code, data = message["body"].get("code", "internal"), reported(message["body"].get("data", {}))
            changed = rows.update(heard_at=moment, answer={}, error_code=code, error_data=data)
        if not changed:
            return
        Operation.objects.filter(id=message["operation"], state__in=LIVE).update(wake_at=moment)
    wakeups.notify(message["operation"])


def _lock(operation_ids: list[str]) -> None:
    """Operations first, then their steps, as the engine does: the other way round PostgreSQL would have to end one of us."""
    list(Operation.objects.select_for_update().filter(id__in=operation_ids).order_by("id").values_list("id"))


def ask_again(host: str) -> None:
    """Cast every step that waits for a host again at once: its agent began anew."""
    with transaction.atomic():
        steps = OperationStep.objects.filter(host=host, finished_at=None, answer__isnull=True).exclude(ordered_at=None)
        ids = list(steps.values_list("operation_id", flat=True).distinct())
        _lock(ids)
        steps.update(ordered_at=None, heard_at=None)
        Operation.objects.filter(id__in=ids, state__in=LIVE).update(wake_at=now())
    for id in ids:
        wakeups.notify(id)
