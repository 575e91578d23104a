"""Flows of power and deletion. The launch is in boot.py, changes to what a server is are in resize.py and snapshots.py."""

from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import CloudError
from compute.consoles import logs
from compute.consoles.models import end_all
from compute.servers.lifecycle import boot, interfaces, owed, states, steps
from compute.servers.models import SECRETS
from hostagent.contract import Verb
from hostagent.contract.server import (
    SERVER_PAUSE,
    SERVER_REBOOT,
    SERVER_RESUME,
    SERVER_STOP,
    SERVER_SUSPEND,
    SERVER_UNPAUSE,
)
from hosts import services as hosts
from operations import Flow, Step, Wait, parking
from operations.models import LIVE, Operation
from operations.op import Op
from operations.steps import casting, finalizing, to_error, to_stable
from placement import services as placement
from sharing import services as sharing

# ── Power ───────────────────────────────────────────────────────────────────────────────────────────────────────────

STOP = Flow(
    "server.stop",
    version=1,
    steps=(
        Step(
            "power_off",
            do=casting(SERVER_STOP, timeout=60),
            deadline=150,
            label=_("Ask the guest to power off, then force it"),
        ),
        Step("mark_stopped", do=finalizing(states.STOPPED), label=_("Note that it is off")),
    ),
    on_failed=to_stable,
    label=_("Stop"),
)

START = Flow(
    "server.start",
    version=1,
    steps=(
        Step("bind_ports", do=boot.bind_ports, label=_("Bind the ports to the host")),
        Step("wire_network", do=boot.plug_vifs, label=_("Plug the interfaces")),
        Step("start_domain", do=boot.start_domain, deadline=180, label=_("Start the machine")),
        Step("mark_active", do=finalizing(states.ACTIVE), label=_("Mark active")),
    ),
    on_failed=to_error,
    label=_("Start"),
)

#: For each server that should run on a host that came back; nothing changes for one that does run. The name is that of older versions.
ENSURE_RUNNING = Flow(
    "server.keep",
    version=1,
    steps=(
        Step("wire_network", do=boot.plug_vifs, label=_("Plug the interfaces")),
        Step("start_domain", do=boot.start_domain, deadline=180, label=_("Start the machine")),
        Step("mark_active", do=finalizing(states.ACTIVE), label=_("Mark active")),
    ),
    on_failed=to_error,
    label=_("Ensure that it runs"),
)

REBOOT_SOFT = Flow(
    "server.reboot_soft",
    version=1,
    steps=(
        Step(
            "reboot",
            do=casting(SERVER_REBOOT, hard=False),
            deadline=200,
            label=_("Ask the guest to reboot"),
        ),
        Step("mark_active", do=finalizing(states.ACTIVE), label=_("Mark active")),
    ),
    on_failed=to_stable,
    label=_("Reboot"),
)

REBOOT_HARD = Flow(
    "server.reboot_hard",
    version=1,
    steps=(
        Step("remove_domain", do=boot.remove_domain, label=_("Power the machine off")),
        Step("bind_ports", do=boot.bind_ports, label=_("Bind the ports to the host")),
        Step("wire_network", do=boot.plug_vifs, label=_("Plug the interfaces")),
        Step("start_domain", do=boot.start_domain, deadline=180, label=_("Start the machine")),
        Step("mark_active", do=finalizing(states.ACTIVE), label=_("Mark active")),
    ),
    on_failed=to_error,
    label=_("Hard reboot"),
)


def _one_order(name: str, verb: Verb[Any, Any], ends: str, label: Promise, *, bulk: bool = False) -> Flow:
    """A flow of one order that changes the power state and nothing else."""
    return Flow(
        f"server.{name}",
        version=1,
        steps=(
            Step(
                name,
                do=casting(verb),
                deadline=320 if bulk else 80,
                label=label,
            ),
            Step("mark", do=finalizing(ends), label=_("Note the new state")),
        ),
        on_failed=to_stable,
        label=label,
    )


PAUSE = _one_order("pause", SERVER_PAUSE, states.PAUSED, _("Pause the machine"))
UNPAUSE = _one_order("unpause", SERVER_UNPAUSE, states.ACTIVE, _("Let the machine go on"))
SUSPEND = _one_order("suspend", SERVER_SUSPEND, states.SUSPENDED, _("Save the memory to disk"), bulk=True)
RESUME = _one_order("resume", SERVER_RESUME, states.ACTIVE, _("Load the memory from disk"), bulk=True)

# ── Deletion ────────────────────────────────────────────────────────────────────────────────────────────────────────


def wait_turn(op: Op) -> Wait | None:
    """A deletion is accepted while something else is going on; it starts when that has ended or unwound."""
    others = Operation.objects.filter(subject_kind="server", subject_id=op.subject_id, state__in=LIVE)
    ids = list(others.exclude(id=op.id).values_list("id", flat=True))
    return Wait(1.0, on=[("operation", id) for id in ids]) if ids else None


def delete_domain(op: Op) -> Wait | None:
    return boot.remove_domain(op) if is_asked(op) else None


def delete_disk(op: Op) -> Wait | None:
    return boot.remove_disk(op) if is_asked(op) else None


def is_asked(op: Op) -> bool:
    """Whether the host is asked to remove what it has. One that is down owes it from now on."""
    server = steps.of(op)
    if op.answer is not None or not hosts.is_down(server.host):
        return True
    owed.removal(server)
    return False


def forget(op: Op) -> None:
    """Free the ports and the claim; the row stays as history, without what its user keeps secret."""
    server = steps.of(op)
    interfaces.free_ports(server, op.actor)
    placement.release(server.id)
    placement.release(steps.old_claim(server.id))
    end_all(server.id)
    transaction.on_commit(lambda: logs.forget(server.id), robust=True)
    server.finalize(states.DELETED, deleted=True, terminated_at=now(), **SECRETS)
    sharing.object_gone("server", server.id)
    parking.subject_gone("server", server.id)


def delete_failed(op: Op, error: CloudError) -> None:
    """The server is in ERROR and nothing waits any more: it may be deleted again."""
    steps.of(op).change(task_state=None)
    to_error(op, error)


DELETE = Flow(
    "server.delete",
    version=1,
    steps=(
        Step("wait_turn", do=wait_turn, deadline=600, label=_("Wait for what is going on")),
        Step("remove_domain", do=delete_domain, deadline=150, final=True, label=_("Remove the machine")),
        Step("remove_disk", do=delete_disk, deadline=150, label=_("Remove the disk")),
        Step("release", do=forget, label=_("Free its ports and its place")),
    ),
    on_failed=delete_failed,
    label=_("Delete"),
)
