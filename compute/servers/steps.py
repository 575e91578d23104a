"""The steps that flows of servers are made of. Each may be repeated; each undo tolerates that nothing had happened."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

from common.errors import CloudError, HostDown, from_report
from compute.servers import domain, scheduling, states
from compute.servers.models import Server, locked
from hostagent.contract.disk import DISK_ENSURE, DISK_REMOVE, DISK_RESIZE
from hostagent.contract.server import SERVER_ENSURE, SERVER_REMOVE
from networking import wanted
from networking.ports import services as ports
from operations import Wait, start
from operations import flows as registered
from operations import steps as base
from operations.flows import Superseded
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
    return base.order(op, DISK_REMOVE)


def resize_disk(op: Op) -> Result:
    server = of(op)
    return base.order(op, DISK_RESIZE, {"size_gib": int(server.flavor["disk"])}) if _disk_grows(server) else None


def put_disk_back(op: Op) -> Result:
    """The root disk as it was before the resize; what was written since is gone with the larger one, as in Nova."""
    return _end_growth(op, "back")


def forget_old_disk(op: Op) -> Result:
    """The larger root disk stays."""
    return _end_growth(op, "gone")


def _end_growth(op: Op, kept: str) -> Result:
    body = end_of_growth(of(op), kept)
    return base.order(op, DISK_ENSURE, body) if body else None


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
    return base.order(op, SERVER_REMOVE)


# ── How it ends ─────────────────────────────────────────────────────────────────────────────────────────────────────


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


def to_rest(op: Op, error: CloudError) -> None:
    """An `on_failed`: the server rests where it did, with the fault.

    A host that fell silent may have done what it was asked all the same: it is looked at.
    """
    from compute.servers import reconcile

    base.to_rest(op, error)
    server = of(op)
    if server.host:
        reconcile.look(server.host, mend=False, server_id=server.id, reason="a verb failed")
