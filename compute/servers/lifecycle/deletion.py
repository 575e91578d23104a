"""Deletion of a server, also of one that is still being built."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError
from compute.consoles import logs
from compute.consoles.models import end_all
from compute.servers.lifecycle import boot, interfaces, owed, steps, volumes
from compute.servers.lifecycle.services import find, why_not
from compute.servers.models import SECRETS
from compute.servers.rules import RULES
from hosts import services as hosts
from operations import Flow, Step, Wait, parking
from operations.op import Op
from operations.starting import run
from operations.steps import busy_with, to_error
from operations.subject import Why
from placement import services as placement
from sharing import services as sharing


def wait_turn(op: Op) -> Wait | None:
    """Wait until the server's other operations have ended or unwound: a deletion is accepted while they run."""
    others = busy_with(op, ("server", op.subject_id))
    return Wait(1.0, on=others) if others else None


def delete_domain(op: Op) -> Wait | None:
    return boot.remove_domain(op) if is_cast(op) else None


def delete_disk(op: Op) -> Wait | None:
    return boot.remove_disk(op) if is_cast(op) else None


def is_cast(op: Op) -> bool:
    """Whether the removal is cast to the host. A host that is down owes the removal instead."""
    server = steps.of(op)
    if op.answer is not None or not hosts.is_down(server.host):
        return True
    owed.removal(server)
    return False


def forget(op: Op) -> None:
    """Free the ports and the claim; the row stays as history, without what its user keeps secret."""
    server = steps.of(op)
    interfaces.free_ports(server, op.actor)
    volumes.free_all(server, op.actor)
    placement.release(server.id)
    placement.release(steps.old_claim(server.id))
    end_all(server.id)
    transaction.on_commit(lambda: logs.forget(server.id), robust=True)
    server.end("delete", deleted=True, terminated_at=now(), **SECRETS)
    sharing.object_gone("server", server.id)
    parking.subject_gone("server", server.id)


def delete_failed(op: Op, error: CloudError) -> None:
    """Set the server to ERROR without a task, so that it may be deleted again."""
    steps.of(op).change(task_state=None)
    to_error(op, error)


DELETE = Flow(
    "server.delete",
    version=1,
    steps=(
        Step("wait_turn", do=wait_turn, deadline=600, label=_("Wait for what is going on")),
        Step("remove_domain", do=delete_domain, deadline=150, final=True, label=_("Remove the machine")),
        Step("remove_disk", do=delete_disk, deadline=150, label=_("Remove the disk")),
        Step("release", do=forget, label=_("Release its ports and allocation")),
    ),
    on_failed=delete_failed,
    label=_("Delete"),
)


@transaction.atomic
def delete(actor: RequestContext, *, server_id: str, rule: str = RULES["delete"]) -> None:
    """Delete a server, also one that is still being built. Asking again while it goes is no error."""
    server = find(actor, server_id, rule, lock=True)
    refusal = why_not(actor, server, "delete")
    if refusal is not None and refusal.why is Why.DELETING:
        return
    if server.is_deleting:  # by an operation that is no more
        server.change(task_state=None)
    run(actor, server, "delete", DELETE)
