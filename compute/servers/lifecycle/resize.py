"""Flows that change what a server is: rebuild, resize, interfaces. Those that make images of it are in snapshots.py."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import CloudError
from compute.consoles import logs
from compute.servers.lifecycle import boot, domain, host_needs, interfaces, owed, states, steps
from compute.servers.models import Migration, Server
from hostagent.contract.disk import DISK_ENSURE, DISK_RESIZE
from hostagent.contract.server import SERVER_ATTACH_PORT, SERVER_DETACH_PORT, ServerPort
from hosts import services as hosts
from networking.ports import services as ports
from operations import Flow, Step, Wait
from operations import steps as base
from operations.flows import Do
from operations.op import Op
from operations.steps import doubt, to_error, to_stable
from placement import services as placement

# ── Rebuild: the same place and addresses, a new disk ───────────────────────────────────────────────────────────────


def retire_domain(op: Op) -> Wait | None:
    """Power off for a new disk, while there is an image to make it of. Raises: what images.source raises."""
    domain.disk(steps.of(op))
    return boot.remove_domain(op)


def remove_old_disk(op: Op) -> Wait | None:
    """The old disk goes, and with it the log of what ran from it."""
    waiting = boot.remove_disk(op)
    if waiting is None:
        forget_log(op)
    return waiting


def forget_log(op: Op) -> None:
    transaction.on_commit(lambda: logs.forget(op.subject_id), robust=True)


def start_unless_off(op: Op) -> Wait | None:
    """Start the machine, but not of a server that was off before."""
    return None if states.is_off(op.data["rest"]) else boot.start_domain(op)


def rest_after(op: Op) -> None:
    """Off stays off; everything else runs now."""
    server = steps.of(op)
    if not server.is_deleting:
        server.finalize(states.STOPPED if states.is_off(op.data["rest"]) else states.ACTIVE, launched_at=now())


REBUILD = Flow(
    "server.rebuild",
    version=1,
    steps=(
        Step("remove_domain", do=retire_domain, label=_("Remove the machine")),
        Step("remove_disk", do=remove_old_disk, final=True, label=_("Remove the old disk")),
        Step("create_disk", do=boot.create_disk, deadline=900, label=_("Create the new disk")),
        Step("wire_network", do=boot.plug_vifs, label=_("Plug the interfaces")),
        Step("start_domain", do=start_unless_off, deadline=180, label=_("Start the machine")),
        Step("mark", do=rest_after, label=_("Note the new state")),
    ),
    on_failed=to_error,
    label=_("Rebuild"),
)

# ── Resize: on the same host, for a disk lies where it lies ─────────────────────────────────────────────────────────


def claim_more(op: Op) -> None:
    """Claim the new size beside the old one, which a revert needs again. Raises: NoHostFits."""
    from compute.servers.create import scheduling

    server = steps.alive(op)
    if not placement.held_by(steps.old_claim(server.id)):
        placement.move(server.id, steps.old_claim(server.id))
    if not placement.held_by(server.id):
        ask = scheduling.Ask(
            resources=_resources(op.data["flavor"]), project_id=server.project_id, forced_host=server.host
        )
        decision = scheduling.decide(ask, scheduling.candidates_for(ask, lock=True))
        op.show(**decision.verdict())
        if decision.host is None or decision.host.room is None:
            raise scheduling.refused(decision)
        placement.promise(
            decision.host.room,
            consumer=server.id,
            project_id=server.project_id,
            user_id=server.user_id,
            resources=ask.resources,
        )
    op.on_host(server.host)


def _resources(flavor: dict[str, Any]) -> dict[str, int]:
    return {name: amount for name, amount in host_needs.resources_of(flavor).items() if amount}


def unclaim_more(op: Op) -> None:
    """Only the old claim stays. Nothing happens when there is none aside."""
    aside = steps.old_claim(op.subject_id)
    if placement.held_by(aside):
        placement.release(op.subject_id)
        placement.move(aside, op.subject_id)


def put_on_new_flavor(op: Op) -> None:
    server = steps.alive(op)
    if server.before_resize is None:
        before = {"flavor_id": server.flavor_id, "flavor": server.flavor, "vm_state": op.data["rest"]}
        server.change(
            before_resize=before,
            flavor_id=op.data["flavor_id"],
            flavor=op.data["flavor"],
            task_state=states.RESIZE_MIGRATING,
        )


def put_on_old_flavor(op: Op) -> None:
    server = steps.of(op)
    before = server.before_resize
    if before is not None:
        server.change(flavor_id=before["flavor_id"], flavor=before["flavor"], before_resize=None)


def resize_disk(op: Op) -> Wait | None:
    server = steps.of(op)
    return base.cast(op, DISK_RESIZE, {"size_gib": int(server.flavor["disk"])}) if _disk_grows(server) else None


def put_disk_back(op: Op) -> Wait | None:
    """The root disk as it was before the resize; what was written since is gone with the larger one, as in Nova."""
    return _end_growth(op, "back")


def forget_old_disk(op: Op) -> Wait | None:
    """The larger root disk stays."""
    return _end_growth(op, "gone")


def _end_growth(op: Op, kept: str) -> Wait | None:
    body = end_of_growth(steps.of(op), kept)
    return base.cast(op, DISK_ENSURE, body) if body else None


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


def migration_status(status: str) -> Any:
    def do(op: Op) -> None:
        rows = Migration.objects.filter(server_id=op.subject_id).order_by("-id")[:1]
        Migration.objects.filter(id__in=[row.id for row in rows]).update(status=status, updated_at=now())

    return do


def mark_resized(op: Op) -> None:
    server = steps.of(op)
    migration_status(states.FINISHED)(op)
    if not server.is_deleting:
        power = states.SHUTDOWN if states.is_off(op.data["rest"]) else states.RUNNING
        server.finalize(states.RESIZED, power_state=power)


def resize_failed(op: Op, error: CloudError) -> None:
    """The old size is back; a machine that ran is off, which the reconciler or its user puts right."""
    migration_status(states.ERROR)(op)
    server = Server.objects.locked().find(op.subject_id)
    was_removed = op.row.steps.filter(name="remove_domain", phase="do").exists()
    server.fail(states.ERROR if was_removed else op.data["rest"], error.code, op.row.error_data)


RESIZE = Flow(
    "server.resize",
    version=1,
    steps=(
        Step("claim_more", do=claim_more, undo=unclaim_more, label=_("Claim the new size")),
        Step("remove_domain", do=boot.remove_domain, deadline=150, label=_("Power the machine off")),
        Step("change_flavor", do=put_on_new_flavor, undo=put_on_old_flavor, label=_("Change the flavor")),
        Step(
            "resize_disk",
            do=resize_disk,
            undo=put_disk_back,
            deadline=1800,  # it is copied first
            label=_("Grow the disk"),
        ),
        Step("wire_network", do=boot.plug_vifs, label=_("Plug the interfaces")),
        Step(
            "start_domain",
            do=start_unless_off,
            undo=boot.remove_domain,  # no machine may use the disk that is put back
            deadline=180,
            label=_("Start the machine"),
        ),
        # final: what the guest has written since it runs on the larger disk is nowhere else
        Step("mark_resized", do=mark_resized, final=True, label=_("Wait for confirmation")),
    ),
    on_failed=resize_failed,
    label=_("Resize"),
)


def forget_disk(op: Op) -> Wait | None:
    """The disk from before the resize goes; a host that is down owes it from now on."""
    server = steps.of(op)
    if op.answer is None and hosts.is_down(server.host):
        owed.end_of_resize(server, end_of_growth(server, "gone"), is_reverted=False)
        return None
    return forget_old_disk(op)


def confirm(op: Op) -> None:
    """The new size is final: give the old claim back."""
    server = steps.of(op)
    placement.release(steps.old_claim(server.id))
    migration_status(states.CONFIRMED)(op)
    was_off = states.is_off((server.before_resize or {}).get("vm_state", states.ACTIVE))
    server.finalize(states.STOPPED if was_off else states.ACTIVE, before_resize=None)


def end_resized(op: Op) -> Wait | None:
    """The machine of the new flavor goes. A host that is down owes that, and the old disk, and no later step asks it."""
    server = steps.of(op)
    if op.answer is None and hosts.is_down(server.host):
        owed.end_of_resize(server, end_of_growth(server, "back"), is_reverted=True)
        op.data["owed"] = True
        return None
    return boot.remove_domain(op)


def unless_owed(do: Do) -> Do:
    """A step that asks a host which owes what came before it waits for the look that follows its debts."""

    def asked(op: Op) -> Wait | None:
        return None if op.data.get("owed") else do(op)

    return asked


def revert_claim(op: Op) -> None:
    unclaim_more(op)
    server = steps.of(op)
    before = server.before_resize or {}
    op.data.setdefault("rest_after", before.get("vm_state", states.ACTIVE))
    put_on_old_flavor(op)


def start_reverted(op: Op) -> Wait | None:
    return None if states.is_off(op.data["rest_after"]) else boot.start_domain(op)


def mark_reverted(op: Op) -> None:
    server = steps.of(op)
    migration_status(states.REVERTED)(op)
    if server.is_deleting:
        return
    server.finalize(op.data["rest_after"])
    if op.data.get("owed") and not hosts.is_down(server.host):
        doubt(server, reconcile=True, reason="a resize was reverted while the host was away")


CONFIRM_RESIZE = Flow(
    "server.confirm_resize",
    version=1,
    steps=(
        Step("forget_disk", do=forget_disk, final=True, label=_("Remove the old disk")),
        Step("confirm", do=confirm, label=_("Give the old claim back")),
    ),
    on_failed=to_stable,
    label=_("Confirm the resize"),
)

REVERT_RESIZE = Flow(
    "server.revert_resize",
    version=1,
    steps=(
        Step("remove_domain", do=end_resized, deadline=150, label=_("Power the machine off")),
        Step("put_disk_back", do=unless_owed(put_disk_back), final=True, label=_("Put the old disk back")),
        Step("change_back", do=revert_claim, label=_("Change the flavor back")),
        Step("wire_network", do=unless_owed(boot.plug_vifs), label=_("Plug the interfaces")),
        Step("start_domain", do=unless_owed(start_reverted), deadline=180, label=_("Start the machine")),
        Step("mark_reverted", do=mark_reverted, label=_("Note the old size")),
    ),
    on_failed=to_error,
    label=_("Revert the resize"),
)

# ── Interfaces ──────────────────────────────────────────────────────────────────────────────────────────────────────


def bind_port(op: Op) -> None:
    op.data["port_ids"] = [op.data["port_id"]]  # the others may wait in line behind this one
    ports.bind(op.data["port_id"], steps.alive(op).host)


def free_port(op: Op) -> None:
    server = steps.of(op)
    if any(p["port_id"] == op.data["port_id"] for p in domain.ports_of(server)):
        interfaces.unplug(server, op.data["port_id"], op.actor)
    server.change(own_ports=[id for id in server.own_ports if id != op.data["port_id"]])


def plug_live(op: Op) -> Wait | None:
    """Only a machine that is there gets the interface now; one that is off has it at its next start."""
    server = steps.of(op)
    if op.answer is not None or states.is_off(op.data["rest"]):
        return None
    spec = next((p for p in domain.ports_of(server) if p["port_id"] == op.data["port_id"]), None)
    if spec is None:
        return None
    body = ServerPort(server_id=server.id, port=spec)
    return op.cast(server.host, SERVER_ATTACH_PORT, body, generation=server.generation)


def unplug_live(op: Op) -> Wait | None:
    server = steps.of(op)
    if op.answer is not None or not server.host or states.is_off(op.data["rest"]):
        return None
    body = ServerPort(server_id=server.id, port=op.data["port"])
    return op.cast(server.host, SERVER_DETACH_PORT, body, generation=server.generation)


ATTACH_INTERFACE = Flow(
    "server.attach_interface",
    version=1,
    steps=(
        Step("bind_port", do=bind_port, undo=free_port, label=_("Bind the port to the host")),
        Step("wire_network", do=boot.plug_vifs, label=_("Plug the interfaces")),
        Step("plug", do=plug_live, undo=unplug_live, label=_("Plug the interface in")),
    ),
    label=_("Attach an interface"),
)

DETACH_INTERFACE = Flow(
    "server.detach_interface",
    version=1,
    steps=(
        Step("unplug", do=unplug_live, label=_("Pull the interface out")),
        Step("free_port", do=free_port, label=_("Free the port")),
    ),
    label=_("Detach an interface"),
)
