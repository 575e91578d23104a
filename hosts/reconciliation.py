"""Comparing what hosts have with what the rows say: one registry of kinds, which the inspection of a host and the doctor both ask.

An app registers a `Kind` for what hosts report of its resources (its `reconcile.py`). `inspect` starts an operation that has a host
tell all that it has (host.read), and then every kind put right what differs: what should run is started, what stopped by itself is
taken over, orphans are set aside, never destroyed on a suspicion.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from hostagent.contract.host import HOST_READ, HostFound
from hostagent.contract.verb import Nothing
from hosts.models import Host
from hosts.states import is_up
from operations import Flow, Step, Wait, start
from operations.models import LIVE, Operation, State
from operations.op import Op
from operations.subject import HostSubject


@dataclass
class Finding:
    """One difference between a host and the rows. `mended`: something was done about it."""

    host: str
    kind: str
    id: str
    text: str
    mended: bool = False


#: Name of an action → ids of the objects it was done to: {"started": […], "set_aside": […]}.
Done = Mapping[str, list[str]]


@dataclass(frozen=True)
class Kind:
    """One kind of resource that hosts report: a row of the registry. Each function gets the host's name and its answer to host.read.

    `inspect`: the differences; it changes nothing. `orphans`: ids of what the host has and no row places there.
    `reconcile`: put right what differs, in the caller's transaction; with `allowed`, an operator has said that all orphans may be set
    aside, however many. `accept`: take over what the host says of the one with an id, and nothing else.
    """

    name: str
    inspect: Callable[[str, HostFound], list[Finding]]
    reconcile: Callable[[str, HostFound, bool], Done]
    orphans: Callable[[str, HostFound], list[str]] = lambda host, found: []
    accept: Callable[[str, HostFound, str], None] = lambda host, found, id: None


_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _KINDS[kind.name] = kind


def differences(host: str, found: HostFound) -> list[Finding]:
    """List what differs on a host, of every kind."""
    return [finding for kind in _KINDS.values() for finding in kind.inspect(host, found)]


def orphans(host: str, found: HostFound) -> list[str]:
    """Ids of what a host has and no row places there, of every kind."""
    return [id for kind in _KINDS.values() for id in kind.orphans(host, found)]


def reconcile_all(host: str, found: HostFound, *, allowed: bool = False) -> dict[str, list[str]]:
    """Have every kind put right what differs, in the caller's transaction."""
    done: dict[str, list[str]] = {}
    for kind in _KINDS.values():
        done |= kind.reconcile(host, found, allowed)
    return done


# ── The inspection of a host ────────────────────────────────────────────────────────────────────────────────────────


def inspect(
    host: str,
    *,
    reconcile: bool,
    only: HostSubject | None = None,
    reason: str = "host came back",
    allowed: bool = False,
) -> Operation:
    """Have a host tell what it has, and with `reconcile` put right what differs. In the caller's transaction.

    With `only`, what the host says of this one subject is taken over besides. `allowed`: see Kind.
    """
    operation: Operation = start(
        INSPECT,
        subject=("host", host),
        project_id=None,
        actor=RequestContext.internal(reason),
        data={
            "mend": reconcile,
            "kind": only.lifecycle.kind if only else "",
            "id": only.id if only else "",
            "allowed": allowed,
        },
        action="inspect",
    )
    return operation


def inspect_once(host: str) -> None:
    """Inspect and reconcile a host, unless that is under way: host.read is then asked again by itself."""
    if not Operation.objects.filter(flow=INSPECT.name, subject_kind="host", subject_id=host, state__in=LIVE).exists():
        inspect(host, reconcile=True)


def on_hello(host: Host) -> None:
    """Inspect a host whose agent began anew."""
    inspect_once(host.name)


def on_state(host: str, state: str) -> None:
    """Inspect a host that a heartbeat brought back from a silence, in which no cast reached it."""
    if is_up(state):
        inspect_once(host)


def on_doubt(subject: HostSubject, *, reconcile: bool, reason: str) -> None:
    """Inspect the host of a subject of which a flow is in doubt (operations.steps.doubt).

    A host that fell silent may have done what it was asked all the same: without `reconcile` only what it says of this subject is
    taken over.
    """
    if subject.lifecycle.kind in _KINDS:
        inspect(subject.host, reconcile=reconcile, only=None if reconcile else subject, reason=reason)


def found_by(operation: Operation) -> HostFound:
    """Read what the host answered to an operation's step "read"; everything empty where it did not."""
    answer = operation.steps.filter(name="read").values_list("answer", flat=True).first()
    nothing = HostFound(servers={}, disks=[], taps=[], namespaces=[], setaside=[])
    return cast(HostFound, {**nothing, **(answer or {})})


def last_found(host: str) -> HostFound | None:
    """Read what a host said when it was last inspected; None: never."""
    done = Operation.objects.filter(flow=INSPECT.name, subject_kind="host", subject_id=host, state=State.DONE)
    last = done.order_by("-created_at").first()
    return found_by(last) if last else None


def read_host(op: Op) -> Wait | None:
    return op.cast(op.subject_id, HOST_READ, Nothing()) if op.answer is None else None


def reconcile_host(op: Op) -> None:
    """Reconcile the differences. An estranged host knows more than the rows do: they are no measure of what it has."""
    host, found = op.subject_id, found_by(op.row)
    if Host.objects.filter(name=host, estranged=True).exists():
        op.show(estranged=True, unknown=orphans(host, found))
        return
    kind, id = op.data.get("kind", "server"), op.data.get("id", op.data.get("server_id", ""))  # as 0.1.0 began it
    if id and kind in _KINDS:
        _KINDS[kind].accept(host, found, id)
    if op.data["mend"]:
        op.show(**reconcile_all(host, found, allowed=bool(op.data.get("allowed"))))


#: The names of the flow and of its steps are those of older versions, whose operations go on after an upgrade.
INSPECT = Flow(
    "host.look",
    version=1,
    steps=(
        Step("read", do=read_host, deadline=60, label=_("Ask the host what it has")),
        Step("mend", do=reconcile_host, label=_("Reconcile the differences")),
    ),
    label=_("Inspect a host"),
)
