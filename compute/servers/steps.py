"""The steps that flows of servers are made of. Each may be repeated; each undo tolerates that nothing had happened."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import CloudError, HostDown, from_report
from compute.servers import domain, scheduling, states
from compute.servers.models import Server, locked
from hostagent.contract import Verb
from hostagent.contract.disk import DISK_ENSURE, DISK_REMOVE, DISK_RESIZE
from hostagent.contract.server import SERVER_ENSURE, SERVER_REMOVE
from networking import wanted
from networking.ports import services as ports
from operations import Wait, start
from operations import flows as registered
from operations.flows import Superseded
from operations.models import LIVE, Operation
from operations.op import Op
from placement import services as placement


class DeletedMeanwhile(Superseded):
    template = _("The instance was deleted while this was going on.")


Result = Wait | None
Do = Callable[[Op], Result]


def of(op: Op) -> Server:
    """The operation's server, locked."""
    return locked(op.subject_id)


def alive(op: Op) -> Server:
    """The same, unless its deletion waits: then the flow unwinds at once, or past a final step does no more for it.

    Raises: DeletedMeanwhile.
    """
    server = of(op)
    if server.is_deleting:
        raise DeletedMeanwhile()
    return server


# ── Where it runs ───────────────────────────────────────────────────────────────────────────────────────────────────


def claim_host(op: Op) -> Result:
    server = alive(op)
    if server.host:
        return None
    avoid = frozenset(op.data.get("avoid", ()))
    host = scheduling.choose(server, op.show, only=op.data.get("to_host", ""), avoid=avoid)
    op.on_host(host.name)
    server.change(host=host.name, availability_zone=host.zone, task_state="networking")
    return None


def old_claim(server_id: str) -> str:
    """The consumer that keeps a server's former claim until a resize is confirmed."""
    return f"{server_id[:30]}-old"


def release_host(op: Op) -> Result:
    placement.release(op.subject_id)
    server = of(op)
    if server.host:
        server.change(host="")
    return None


# ── Its network ─────────────────────────────────────────────────────────────────────────────────────────────────────


def bind_ports(op: Op) -> Result:
    server = alive(op)
    for port in domain.ports_of(server):
        ports.bind(port["port_id"], server.host)
    return None


def unbind_ports(op: Op) -> Result:
    for port in domain.ports_of(of(op)):
        ports.unbind(port["port_id"])
    return None


def wire_network(op: Op) -> Result:
    """Wait until the host's network is as wanted for every port of the server."""
    server = alive(op)
    port_ids = op.data.get("port_ids")
    if port_ids is None:
        port_ids = op.data["port_ids"] = [port["port_id"] for port in domain.ports_of(server)]
    if not port_ids:
        return None
    op.on_host(server.host)
    answer = wanted.in_sync(server.host, port_ids)
    if answer is True:
        return None
    if isinstance(answer, dict):
        raise from_report(server.host, answer.get("code", "network_refused"), answer.get("data", {}))
    return Wait(2.0, on=[("port", port_id) for port_id in port_ids])


# ── Its disk ────────────────────────────────────────────────────────────────────────────────────────────────────────


def create_disk(op: Op) -> Result:
    if op.answer is not None:
        return None
    server = alive(op)
    if not server.task_state or server.vm_state == states.BUILDING:
        server.change(task_state="spawning")
    body = domain.disk(server, op.data.get("image_id"))
    return op.order(server.host, DISK_ENSURE, body, generation=server.generation)


def remove_disk(op: Op) -> Result:
    return _order(op, DISK_REMOVE)


def resize_disk(op: Op) -> Result:
    server = of(op)
    return _order(op, DISK_RESIZE, {"size_gib": int(server.flavor["disk"])}) if _disk_grows(server) else None


def put_disk_back(op: Op) -> Result:
    """The root disk as it was before the resize; what was written since is gone with the larger one, as in Nova."""
    return _end_growth(op, "back")


def forget_old_disk(op: Op) -> Result:
    """The larger root disk stays."""
    return _end_growth(op, "gone")


def _end_growth(op: Op, kept: str) -> Result:
    body = end_of_growth(of(op), kept)
    return _order(op, DISK_ENSURE, body) if body else None


def end_of_growth(server: Server, kept: str) -> dict[str, Any] | None:
    """The order's body that puts the disk from before the resize "back", or makes it be "gone". None: it did not grow."""
    before = server.before_resize
    if before is None or not _disk_grows(server):
        return None
    flavor = before["flavor"] if kept == "back" else server.flavor
    return {"image": None, "size_gib": int(flavor["disk"]), "kept": kept}


def _disk_grows(server: Server) -> bool:
    """Whether the resize that is under way, or waits for a word, made the root disk larger."""
    before = server.before_resize
    return before is not None and int(server.flavor["disk"]) > int(before["flavor"]["disk"])


# ── Its domain ──────────────────────────────────────────────────────────────────────────────────────────────────────


def start_domain(op: Op) -> Result:
    if op.answer is not None:
        return None
    server = alive(op)
    return op.order(server.host, SERVER_ENSURE, domain.spec(server), generation=server.generation)


def remove_domain(op: Op) -> Result:
    return _order(op, SERVER_REMOVE)


def _order(op: Op, verb: Verb[Any, Any], body: dict[str, Any] | None = None) -> Result:
    """Order `verb` of the server's host once; nothing to do for a server that is on no host."""
    if op.answer is not None:
        return None
    server = of(op)
    if not server.host:
        return None
    full = {"server_id": server.id, **(body or {})}
    return op.order(server.host, verb, full, generation=server.generation)


def ordering(verb: Verb[Any, Any], **body: Any) -> Do:
    """A step that gives one order about the server."""

    def do(op: Op) -> Result:
        return _order(op, verb, body)

    return do


# ── How it ends ─────────────────────────────────────────────────────────────────────────────────────────────────────


def settling(vm_state: str | None = None) -> Do:
    """A last step: the server rests in `vm_state`, or where it rested when the verb began (data "rest")."""

    def do(op: Op) -> Result:
        server = of(op)
        if server.is_deleting:
            return None
        first = {"launched_at": now()} if server.launched_at is None and vm_state == states.ACTIVE else {}
        server.settle(vm_state or op.data["rest"], **first)
        return None

    return do


def to_error(op: Op, error: CloudError) -> None:
    """When a flow has failed and is undone: the server is in ERROR, with the fault."""
    Server.objects.locked().find(op.subject_id).fail(states.ERROR, error.code, op.row.error_data)


MOST_HOSTS = 3  # that one launch may lose before it fails


def elsewhere(settle: Callable[[Op, CloudError], None]) -> Callable[[Op, CloudError], None]:
    """An `on_failed` that begins the flow anew, on another host, where this one's went down; else `settle` settles it.

    What the flow left on the lost host is owed by it: its undos were given up.
    """

    def settled(op: Op, error: CloudError) -> None:
        server = of(op)
        avoid = sorted({*op.data.get("avoid", ()), str(error.data.get("host", ""))})
        is_bound = server.forced_host or op.data.get("to_host")
        if not isinstance(error, HostDown) or server.is_deleting or is_bound or len(avoid) > MOST_HOSTS:
            settle(op, error)
            return
        server.change(generation=server.generation + 1)
        again = start(
            registered.find(op.row.flow, op.row.version),
            subject=("server", server.id),
            project_id=server.project_id,
            actor=op.actor,
            holds=[f"server:{server.id}"],
            data={**{k: v for k, v in op.data.items() if k != "port_ids"}, "avoid": avoid},
            action=op.row.action,
        )
        again.user_id = op.row.user_id
        again.save(update_fields=["user_id"])

    return settled


def broken(operation: Operation, error: CloudError) -> None:
    """An operation on a server was parked: the server is in ERROR and every verb that ERROR allows may be tried."""
    server = Server.objects.living().locked().filter(id=operation.subject_id).first()
    if server is None:
        return
    others = Operation.objects.filter(subject_kind="server", subject_id=server.id, state__in=LIVE)
    if not others.exclude(id=operation.id).exists():
        server.change(task_state=None)  # no deletion waits any more
    server.fail(states.ERROR, error.code, operation.error_data)


def to_rest(op: Op, error: CloudError) -> None:
    """The same for verbs that left the server as it was: it rests where it did before (data "rest").

    A host that fell silent may have done what it was asked all the same: it is looked at.
    """
    from compute.servers import reconcile

    server = of(op)
    server.fail(op.data["rest"], error.code, op.row.error_data)
    if server.host:
        reconcile.look(server.host, mend=False, server_id=server.id, reason="a verb failed")
