"""The launch of a server. Other flows use its steps too. Each may be repeated; each undo tolerates that nothing had happened."""

from django.utils.translation import gettext_lazy as _

from compute.servers.create import scheduling
from compute.servers.lifecycle import domain, interfaces, states, steps
from hostagent.contract.disk import DISK_ENSURE, DISK_REMOVE
from hostagent.contract.server import SERVER_ENSURE, SERVER_REMOVE
from operations import Flow, Step, Wait
from operations import steps as base
from operations.op import Op
from operations.steps import finalizing, to_error
from placement import services as placement

# ── Where it runs ─────────────────────────────────────────────────────────────────────────────────────────────────────


def claim_host(op: Op) -> Wait | None:
    server = steps.alive(op)
    if server.host:
        return None
    avoid = frozenset(op.data.get("avoid", ()))
    host = scheduling.choose(server, op.show, only=op.data.get("to_host", ""), avoid=avoid)
    op.on_host(host.name)
    server.change(host=host.name, availability_zone=host.zone, task_state=states.NETWORKING)
    return None


def release_host(op: Op) -> Wait | None:
    placement.release(op.subject_id)
    server = steps.of(op)
    if server.host:
        server.change(host="")
    return None


# ── Its disk ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def create_disk(op: Op) -> Wait | None:
    if op.answer is not None:
        return None
    server = steps.alive(op)
    if not server.task_state or states.is_building(server.vm_state):
        server.change(task_state=states.SPAWNING)
    body = domain.disk(server, op.data.get("image_id"))
    return op.cast(server.host, DISK_ENSURE, body, generation=server.generation)


def remove_disk(op: Op) -> Wait | None:
    return base.cast(op, DISK_REMOVE)


# ── Its domain ────────────────────────────────────────────────────────────────────────────────────────────────────────


def start_domain(op: Op) -> Wait | None:
    if op.answer is not None:
        return None
    server = steps.alive(op)
    return op.cast(server.host, SERVER_ENSURE, domain.spec(server), generation=server.generation)


def start_unless_off(op: Op) -> Wait | None:
    """Start the machine, but not of a server that was off before."""
    return None if states.is_off(op.data["rest"]) else start_domain(op)


def remove_domain(op: Op) -> Wait | None:
    return base.cast(op, SERVER_REMOVE)


BOOT = Flow(
    "server.boot",
    version=1,
    steps=(
        Step(
            "claim_host",
            do=claim_host,
            undo=release_host,
            label=_("Choose a host"),
        ),
        Step(
            "bind_ports", do=interfaces.bind_ports, undo=interfaces.unbind_ports, label=_("Bind the ports to the host")
        ),
        Step("create_disk", do=create_disk, undo=remove_disk, deadline=900, label=_("Create the disk")),
        Step("wire_network", do=interfaces.plug_vifs, deadline=120, label=_("Plug the interfaces")),
        Step("start_domain", do=start_domain, undo=remove_domain, deadline=180, label=_("Start the machine")),
        # final: a guest that runs is not taken from its user because noting so failed
        Step("mark_active", do=finalizing(states.ACTIVE), final=True, label=_("Mark active")),
    ),
    on_failed=steps.elsewhere(to_error),
    label=_("Launch"),
)
