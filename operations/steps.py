"""Steps that flows of every subject are made of: cast a verb to its host, finalize it, bring it to error or back to its stable state.

A flow may work on more than one subject, as attaching does on a server and a volume. The operation's own is its `subject`; of another
kind the flow's data names one as `<kind>_id`, and its stable state before as `<kind>_rest`. The service that starts the flow takes a hold of each
(`server:<id>`, `volume:<id>`): keys are texts, so nobody imports another app for one.
"""

import typing
from collections.abc import Callable

from django.db.models import Q

from common.errors import CloudError, Data
from operations import subject
from operations.flows import Do
from operations.models import LIVE, Operation
from operations.op import Op
from operations.rpc import AnyVerb
from operations.starting import REST, VERB
from operations.waits import Wait

_on_doubt: list[Callable[..., None]] = []


def on_doubt(inspect: Callable[..., None]) -> None:
    """Have `inspect(subject, reconcile=…, reason=…)` called for each subject of which `doubt` is said, in that transaction."""
    _on_doubt.append(inspect)


def doubt(found: subject.HostSubject, *, reconcile: bool = False, reason: str = "a verb failed") -> None:
    """Have a subject's host inspected, which may not have what its row says; with `reconcile` the whole host is put right."""
    if found.host:
        for inspect in _on_doubt:
            inspect(found, reconcile=reconcile, reason=reason)


def of(op: Op, kind: str = "") -> subject.HostSubject:
    """Return the operation's subject, or its other one of a kind, locked. Raises: what the model's `locked_by_id` raises."""
    own = op.row.subject_kind
    id = op.subject_id if kind in ("", own) else str(op.data[f"{kind}_id"])
    return typing.cast(subject.HostSubject, subject.model_of(kind or own).locked_by_id(id))


def stable_state_of(op: Op, kind: str = "") -> str:
    """Return the stable state that the subject, or the other one of a kind, had when the verb began."""
    return str(op.data[REST if kind in ("", op.row.subject_kind) else f"{kind}_{REST}"])


def cast(op: Op, verb: AnyVerb, body: Data | None = None, *, about: subject.HostSubject | None = None) -> Wait | None:
    """Cast a verb to the host of the subject, or of what else it is `about`, once; nothing to do where that is on no host."""
    if op.answer is not None:
        return None
    found = about or of(op)
    if not found.host:
        return None
    kind = found.lifecycle.kind
    full = {f"{kind}_id": found.id, **(body or {})}
    return op.cast(found.host, verb, full, generation=found.generation, subject=f"{kind}:{found.id}")


def busy_with(op: Op, *subjects: tuple[str, str]) -> list[tuple[str, str]]:
    """List the channels of other live operations on these subjects, (kind, id): what a step that lets them end first waits for."""
    of_any = Q(*(Q(subject_kind=kind, subject_id=id) for kind, id in subjects), _connector=Q.OR)
    others = Operation.objects.filter(of_any, state__in=LIVE).exclude(id=op.id)
    return [("operation", id) for id in others.values_list("id", flat=True)]


def casting(verb: AnyVerb, **body: object) -> Do:
    """Build a step that casts one verb about the subject."""

    def do(op: Op) -> Wait | None:
        return cast(op, verb, body)

    return do


def end_of(op: Op) -> str:
    """Look up the stable state in which the operation's verb ends: what its table says, else the one that the subject had before."""
    name = str(op.data.get(VERB) or op.row.flow.rpartition(".")[2])  # begun by version 0.1: its flow is called as it
    verb = subject.model_of(op.row.subject_kind).lifecycle.verbs.get(name)
    return (verb.ends if verb else None) or stable_state_of(op)


def finalizing(state: str = "", kind: str = "") -> Do:
    """Make a last step that brings the subject to the stable state in which its verb ends (`Verb.ends` of its table).

    With a `kind` it is the flow's other subject of that kind, and the state is the one it had when the verb began. `state` is for what
    no table says: of another subject, and of a flow that is no verb's. A subject whose deletion waits is left to that.
    """

    def do(op: Op) -> None:
        found = of(op, kind)
        if not found.is_deleting:
            found.finalize(state or (stable_state_of(op, kind) if kind else end_of(op)))

    return do


def to_error(op: Op, error: CloudError) -> None:
    """Bring the subject to error with the fault, others to their stable states of before. An `on_failed`."""
    found = of(op)
    found.fail(found.lifecycle.error, error.code, op.row.error_data)
    _others_to_stable(op)


def to_stable(op: Op, error: CloudError) -> None:
    """Bring the subject back to its stable state of before, with the fault; others too. An `on_failed` of verbs that leave it as it was.

    A host that fell silent may have done what it was asked all the same: it is inspected.
    """
    found = of(op)
    found.fail(stable_state_of(op), error.code, op.row.error_data)
    _others_to_stable(op)
    doubt(found)


def to(state: str) -> Callable[[Op, CloudError], None]:
    """Build an `on_failed` that brings the subject to a state with the fault."""

    def failed(op: Op, error: CloudError) -> None:
        of(op).fail(state, error.code, op.row.error_data)

    return failed


def _others_to_stable(op: Op) -> None:
    for kind in sorted(key.removesuffix(f"_{REST}") for key in op.data if key.endswith(f"_{REST}")):
        finalizing(kind=kind)(op)


def broken(operation: Operation, error: CloudError) -> None:
    """Bring the subject of a parked operation to error (parking.on_broken): every verb that its error allows may be tried."""
    model = typing.cast("type[subject.HostSubject]", subject.model_of(operation.subject_kind))
    found = model._default_manager.select_for_update().filter(id=operation.subject_id).first()
    if found is None or found.state == model.lifecycle.gone:
        return
    others = Operation.objects.filter(subject_kind=operation.subject_kind, subject_id=found.id, state__in=LIVE)
    if model.lifecycle.task_column and not others.exclude(id=operation.id).exists():
        found.change(**{model.lifecycle.task_column: None})  # no deletion waits any more
    found.fail(model.lifecycle.error, error.code, operation.error_data)
