"""Debts of hosts: casts that could not be sent, or were not carried out, when they had to be.

A host that is down cannot remove what was on it, and an undo may fail on one that is silent. The transaction that gives
up writes down what is still to be done there (`owe`). At the host's next word, be it a hello or a heartbeat, the debts
are worked off before anything else is cast there: one after another, oldest first, with growing pauses after a failure.
An agent that has acted on newer casts about the same subject refuses an old one, and the debt is void.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError, HostNotFound, HostStale, sentence, stored
from hostagent.contract import VERBS, Verb
from hosts import services
from hosts.models import Host, HostDebt
from hosts.states import USABLE, HostState, is_up, state_after
from operations import Flow, Step, Wait, start
from operations.models import LIVE, Operation, OperationStep
from operations.op import Op

log = logging.getLogger(__name__)

FIRST_PAUSE = 30.0  # seconds after a failure; doubled with each further one
LONGEST_PAUSE = 3600.0


class HostAway(CloudError):
    template = _("Host %(host)s is not heard. What it owes waits until it is.")


class UnknownDebt(CloudError):
    template = _("Nothing here knows how to ask a host for %(kind)s.")


@dataclass(frozen=True)
class DebtCast:
    """The cast that works a debt off: verb, body, and the generation of its subject."""

    verb: Verb[Any, Any]
    body: dict[str, object]
    generation: int


CastFor = Callable[[HostDebt], DebtCast | None]
_kinds: dict[str, CastFor] = {}
_on_paid: list[Callable[[HostDebt], None]] = []


def as_written(debt: HostDebt) -> DebtCast | None:
    """Return the cast of a debt as `owe` wrote it: its kind is the name of the verb."""
    return DebtCast(VERBS[debt.kind], debt.body, debt.generation)


def register(kind: str, cast_for: CastFor = as_written) -> None:
    """Register the cast that works off debts of `kind`.

    `cast_for(debt)` gives None where nothing is owed any more, and raises a CloudError where it cannot be cast now.
    """
    _kinds[kind] = cast_for


def on_paid(handler: Callable[[HostDebt], None]) -> None:
    """`handler(debt)` runs in the transaction that has struck the debt out."""
    _on_paid.append(handler)


def kinds() -> frozenset[str]:
    return frozenset(_kinds)


def owe(
    host: str,
    kind: str,
    key: str,
    body: dict[str, Any],
    *,
    subject: str,
    generation: int = 0,
    error: CloudError | None = None,
) -> None:
    """Write down, in the caller's transaction, that `host` must still do `kind` to `key`.

    A second debt about the same thing takes the place of the first, which keeps its age. `subject` and `generation` are
    the cast's own: they make an agent refuse it once it has acted on a newer one.
    """
    assert transaction.get_connection().in_atomic_block, "a debt belongs inside the transaction that gives up"
    code, data = (error.code, stored(error.data)) if error is not None else ("", {})
    HostDebt.objects.update_or_create(
        host=host,
        kind=kind,
        key=key,
        defaults={
            "body": body,
            "subject": subject,
            "generation": generation,
            "due_at": now(),
            "error_code": code,
            "error_data": data,
        },
    )
    log.info("%s owes %s of %s", host, kind, key)


def given_up(row: Operation, step: OperationStep) -> None:
    """Owe the undo that was cast to a host and failed. Called by operations.engine."""
    key, subject = row.subject_id, f"{row.subject_kind}:{row.subject_id}"
    body = step.detail.get("asked", {})
    owe(step.host, step.verb, key, body, subject=subject, generation=step.generation)


def sentence_of(debt: HostDebt) -> str:
    """Say in the active language what is owed, since when, and why it could not be done last time."""
    said = gettext("It still has to do %(kind)s, since %(since)s, tried %(tries)s times.") % {
        "kind": debt.kind, "since": debt.since.isoformat(timespec="seconds"), "tries": debt.tries,
    }  # fmt: skip
    return f"{said} {sentence(debt.error_code, debt.error_data)}" if debt.error_code else said


# ── Working them off ────────────────────────────────────────────────────────────────────────────────────────────────


def on_state(host: str, state: str) -> None:
    """Begin to work off the debts of a host that is up again."""
    if is_up(state):
        work_off(host)


def on_hello(host: Host) -> None:
    """Begin to work off the debts of a host whose agent has restarted."""
    work_off(host.name)


def work_off(host: str) -> None:
    """Have everything worked off that a host owes, as often as it may have failed before. In the caller's transaction.

    All are cast at once, ahead of whatever else waits for the host; then each is cast again until it has a reply.
    """
    if not HostDebt.objects.filter(host=host).update(due_at=now()):
        return
    for debt in HostDebt.objects.filter(host=host):
        with suppress(CloudError):  # a debt that cannot be cast now says so in its turn
            cast = _cast_of(debt)
            if cast is not None:
                services.send(host, cast.verb, cast.body, subject=debt.subject, generation=cast.generation)
    _next(host)


def _cast_of(debt: HostDebt) -> DebtCast | None:
    """Find the cast of a debt, None where it is owed no longer. Raises: UnknownDebt, and as its kind's `cast_for`."""
    if debt.kind not in _kinds:
        raise UnknownDebt(kind=debt.kind)
    return _kinds[debt.kind](debt)


def _next(host: str, *, after: str = "") -> None:
    """Begin with the oldest due debt of a host, unless one is being worked off. `after`: the operation that has just ended."""
    Host.objects.select_for_update().filter(name=host).first()
    busy = Operation.objects.filter(flow=PAY.name, subject_kind="host", subject_id=host, state__in=LIVE)
    if busy.exclude(id=after).exists():
        return
    debt = HostDebt.objects.filter(host=host, due_at__lte=now()).first()
    if debt is not None:
        start(
            PAY,
            subject=("host", host),
            project_id=None,
            actor=RequestContext.internal("what a host owes"),
            data={"debt": debt.pk, "generation": debt.generation},
            action="pay",
        )


def recover() -> None:
    """Begin with debts that are due: of hosts that never fell silent, and those whose pause is over."""
    due = HostDebt.objects.filter(due_at__lte=now()).values_list("host", flat=True).order_by().distinct()
    for host in Host.objects.filter(name__in=due, state__in=USABLE).values_list("name", flat=True):
        with transaction.atomic():
            _next(host)


def ask(op: Op) -> Wait | None:
    """Cast the debt to its host, unless it is owed no longer. Raises: HostAway, UnknownDebt, and errors that the host replies."""
    debt = HostDebt.objects.filter(pk=op.data["debt"]).first()
    if debt is None or isinstance(op.failure, (HostStale, HostNotFound)):
        return None  # there is nothing there, or newer casts have been acted on
    if op.failure is not None:
        raise op.failure
    if op.answer is not None:
        return None
    heard = Host.objects.filter(name=debt.host).values_list("last_seen_at", flat=True).first()
    if heard is None or state_after((now() - heard).total_seconds()) != HostState.UP:
        raise HostAway(host=debt.host)
    cast = _cast_of(debt)
    if cast is None:
        return None
    return op.cast(debt.host, cast.verb, cast.body, generation=cast.generation, subject=debt.subject)


def strike_out(op: Op) -> None:
    """Delete the debt that was worked off, unless a newer one has replaced it, and begin with the host's next."""
    paid = HostDebt.objects.filter(pk=op.data["debt"], generation=op.data["generation"]).first()
    if paid is not None:
        HostDebt.objects.filter(pk=paid.pk).delete()
        for handler in _on_paid:
            handler(paid)
    _next(op.subject_id, after=op.id)


def note_failure(op: Op, error: CloudError) -> None:
    """Note the error on the debt and put it off, twice as long each time; periodic recovery begins with the next one."""
    debt = HostDebt.objects.filter(pk=op.data["debt"]).first()
    if debt is not None:
        pause = min(FIRST_PAUSE * 2 ** min(debt.tries, 10), LONGEST_PAUSE)
        debt.tries, debt.due_at = debt.tries + 1, now() + timedelta(seconds=pause)
        debt.error_code, debt.error_data = error.code, op.row.error_data
        debt.save(update_fields=["tries", "due_at", "error_code", "error_data"])


PAY = Flow(
    "host.debt",
    version=1,
    steps=(
        Step("ask", do=ask, deadline=180, catches=True, label=_("Ask the host for what it owes")),
        Step("strike_out", do=strike_out, label=_("Mark done")),
    ),
    on_failed=note_failure,
    label=_("Work off what a host owes"),
)
