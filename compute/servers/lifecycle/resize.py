"""Resize: another flavor on the same host, for a disk lies where it lies; then confirmed or reverted."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError, Invalid
from compute.flavors import services as flavors
from compute.servers.create import limits, scheduling
from compute.servers.create import services as creating
from compute.servers.lifecycle import boot, host_needs, interfaces, owed, states, steps
from compute.servers.lifecycle.services import for_verb
from compute.servers.models import Migration, Server
from hostagent.contract.disk import DISK_ENSURE, DISK_RESIZE
from hosts import services as hosts
from operations import Flow, Step, Wait
from operations import steps as base
from operations.flows import Do
from operations.op import Op
from operations.starting import begin, run
from operations.steps import doubt, to_error, to_stable
from placement import services as placement


class SameFlavor(Invalid):
    template = _("When resizing, instances must change flavor!")


class DiskTooSmall(Invalid):
    template = _(
        "The flavor's disk of %(need)s GiB is smaller than the %(have)s GiB that the instance has; a disk only grows."
    )


def claim_more(op: Op) -> None:
    """Allocate the new size beside the old one, which a revert needs again. Raises: NoHostFits."""
    server = steps.alive(op)
    if not placement.held_by(steps.old_claim(server.id)):
        placement.move(server.id, steps.old_claim(server.id))
    if not placement.held_by(server.id):
        spec = scheduling.RequestSpec(
            resources=host_needs.needs_of(server, op.data["flavor"]),
            project_id=server.project_id,
            forced_host=server.host,
        )
        decision = scheduling.decide(spec, scheduling.candidates_for(spec, lock=True))
        op.show(**decision.verdict())
        if decision.chosen is None or decision.chosen.provider is None:
            raise scheduling.refused(decision)
        placement.allocate(
            decision.chosen.provider,
            consumer=server.id,
            project_id=server.project_id,
            user_id=server.user_id,
            resources=spec.resources,
        )
    op.on_host(server.host)


def unclaim_more(op: Op) -> None:
    """Undo: release the new claim and restore the old one, if one is kept aside."""
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
    """Restore the root disk from before the resize. Data written since is lost with the larger disk, as in Nova."""
    return _end_growth(op, "back")


def forget_old_disk(op: Op) -> Wait | None:
    """Remove the root disk from before the resize; the larger one stays."""
    return _end_growth(op, "gone")


def _end_growth(op: Op, kept: str) -> Wait | None:
    body = end_of_growth(steps.of(op), kept)
    return base.cast(op, DISK_ENSURE, body) if body else None


def end_of_growth(server: Server, kept: str) -> dict[str, object] | None:
    """Build the body of `disk.ensure` that puts the disk from before the resize "back", or makes it "gone" (`kept`).

    None if the disk did not grow.
    """
    before = server.before_resize
    if before is None or not _disk_grows(server):
        return None
    flavor = before["flavor"] if kept == "back" else server.flavor
    return {"image": None, "size_gib": int(flavor["disk"]), "kept": kept}


def _disk_grows(server: Server) -> bool:
    """Whether the resize that is under way, or waits for a word, made the root disk larger."""
    before = server.before_resize
    if server.boots_from_volume:
        return False
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
        server.end("resize", power_state=power)


def resize_failed(op: Op, error: CloudError) -> None:
    """Set a server whose resize was undone: ERROR if its machine had been removed, else its former state."""
    migration_status(states.ERROR)(op)
    server = Server.objects.locked().find(op.subject_id)
    was_removed = op.row.steps.filter(name="remove_domain", phase="do").exists()
    server.fail(states.ERROR if was_removed else op.data["rest"], error.code, op.row.error_data)


RESIZE = Flow(
    "server.resize",
    version=1,
    steps=(
        Step("claim_more", do=claim_more, undo=unclaim_more, label=_("Allocate the new size")),
        Step("remove_domain", do=boot.remove_domain, deadline=150, label=_("Power the machine off")),
        Step("change_flavor", do=put_on_new_flavor, undo=put_on_old_flavor, label=_("Change the flavor")),
        Step(
            "resize_disk",
            do=resize_disk,
            undo=put_disk_back,
            deadline=1800,  # it is copied first
            label=_("Grow the disk"),
        ),
        Step("wire_network", do=interfaces.plug_vifs, label=_("Plug the interfaces")),
        Step(
            "start_domain",
            do=boot.start_unless_off,
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


@transaction.atomic
def resize(actor: RequestContext, *, server_id: str, flavor_id: str, disk_config: str | None = None) -> Server:
    """Resize a server to another flavor on the same host, to be confirmed or reverted.

    Raises: WrongState, FlavorUnknown, SameFlavor, DiskTooSmall, QuotaExceeded.
    """
    server = for_verb(actor, server_id, "resize")
    try:
        flavor = flavors.find(actor, flavor_id)
    except flavors.FlavorNotFound as error:
        raise creating.FlavorUnknown(**error.data) from None
    if flavor.id == server.flavor_id:
        raise SameFlavor()
    if flavor.disk < int(server.flavor["disk"]):
        raise DiskTooSmall(need=flavor.disk, have=server.flavor["disk"])
    if flavor.ephemeral < int(server.flavor.get("ephemeral") or 0):
        raise DiskTooSmall(need=flavor.ephemeral, have=server.flavor["ephemeral"])
    limits.require_growth(server.project_id, server.flavor, flavor.embedded())
    Migration.objects.create(
        server=server,
        user_id=actor.user_id,
        project_id=server.project_id,
        type="resize",
        status=states.MIGRATING,
        source=server.host,
        destination=server.host,
        old_flavor_id=server.flavor_id,
        new_flavor_id=flavor.id,
    )
    data = {"flavor_id": flavor.id, "flavor": flavor.embedded()}
    run(actor, server, "resize", RESIZE, data, disk_config=disk_config or server.disk_config)
    return server


# ── Confirm ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def forget_disk(op: Op) -> Wait | None:
    """Remove the disk from before the resize. A host that is down owes that."""
    server = steps.of(op)
    if op.answer is None and hosts.is_down(server.host):
        owed.end_of_resize(server, end_of_growth(server, "gone"), is_reverted=False)
        return None
    return forget_old_disk(op)


def confirm(op: Op) -> None:
    """Make the new size final: release the old allocations, end the migration, finalize the server."""
    server = steps.of(op)
    placement.release(steps.old_claim(server.id))
    migration_status(states.CONFIRMED)(op)
    was_off = states.is_off((server.before_resize or {}).get("vm_state", states.ACTIVE))
    server.finalize(states.STOPPED if was_off else states.ACTIVE, before_resize=None)


CONFIRM_RESIZE = Flow(
    "server.confirm_resize",
    version=1,
    steps=(
        Step("forget_disk", do=forget_disk, final=True, label=_("Remove the old disk")),
        Step("confirm", do=confirm, label=_("Release the old allocation")),
    ),
    on_failed=to_stable,
    label=_("Confirm the resize"),
)


def confirm_resize(actor: RequestContext, *, server_id: str) -> Server:
    """Keep the new size for good. Raises: WrongState."""
    return begin(actor, for_verb, server_id, "confirm_resize", CONFIRM_RESIZE)


# ── Revert ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def end_resized(op: Op) -> Wait | None:
    """Remove the domain of the new flavor. A host that is down owes this and the old disk; later steps then skip it."""
    server = steps.of(op)
    if op.answer is None and hosts.is_down(server.host):
        owed.end_of_resize(server, end_of_growth(server, "back"), is_reverted=True)
        op.data["owed"] = True
        return None
    return boot.remove_domain(op)


def unless_owed(do: Do) -> Do:
    """Skip a step if its host owes an earlier one: the inspection that follows the debts makes up for it."""

    def unless(op: Op) -> Wait | None:
        return None if op.data.get("owed") else do(op)

    return unless


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


REVERT_RESIZE = Flow(
    "server.revert_resize",
    version=1,
    steps=(
        Step("remove_domain", do=end_resized, deadline=150, label=_("Power the machine off")),
        Step("put_disk_back", do=unless_owed(put_disk_back), final=True, label=_("Put the old disk back")),
        Step("change_back", do=revert_claim, label=_("Change the flavor back")),
        Step("wire_network", do=unless_owed(interfaces.plug_vifs), label=_("Plug the interfaces")),
        Step("start_domain", do=unless_owed(start_reverted), deadline=180, label=_("Start the machine")),
        Step("mark_reverted", do=mark_reverted, label=_("Mark reverted")),
    ),
    on_failed=to_error,
    label=_("Revert the resize"),
)


def revert_resize(actor: RequestContext, *, server_id: str) -> Server:
    """Take a server back to its old size and its old root disk. Raises: WrongState."""
    return begin(actor, for_verb, server_id, "revert_resize", REVERT_RESIZE)
