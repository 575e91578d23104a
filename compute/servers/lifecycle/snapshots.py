"""Flows that put a server's disk into an image, and bring it back: snapshot, backup, shelving."""

import logging
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError
from compute.servers.create import services as creating
from compute.servers.lifecycle import boot, interfaces, states, steps
from compute.servers.lifecycle.deletion import delete_disk, delete_domain
from compute.servers.lifecycle.rebuild import forget_log
from compute.servers.lifecycle.services import for_verb
from compute.servers.models import Server, WrongState
from hostagent.contract.server import SERVER_SNAPSHOT, ServerSnapshot
from images import services as images
from images.images import filling
from images.images.models import Image
from operations import Flow, Step, Wait, background
from operations.op import Op
from operations.starting import run
from operations.steps import finalizing, to_error, to_stable
from placement import services as placement

log = logging.getLogger(__name__)

# ── Snapshot ────────────────────────────────────────────────────────────────────────────────────────────────────────


def upload_snapshot(op: Op) -> Wait | None:
    """Have the host upload the disk to the image service, which compares its length and checksum with the reply."""
    if op.answer is not None:
        return None
    server = steps.alive(op)
    if server.task_state and server.task_state.startswith("image_"):
        server.change(task_state=states.IMAGE_UPLOADING)
    image_id = op.data[filling.IMAGE]
    body = ServerSnapshot(server_id=server.id, image_id=image_id, upload_path=f"/internal/images/{image_id}")
    return op.cast(server.host, SERVER_SNAPSHOT, body, generation=server.generation)


UPLOAD = Step(
    "upload_snapshot", do=upload_snapshot, undo=filling.drop, deadline=1800, label=_("Copy the disk into an image")
)
SETTLE_IMAGE = Step(
    "settle_image", do=filling.settling("upload_snapshot"), undo=filling.drop, label=_("Check the image")
)

SNAPSHOT = Flow(
    "server.snapshot",
    version=1,
    steps=(UPLOAD, SETTLE_IMAGE, Step("mark", do=finalizing(), label=_("Mark done"))),
    on_failed=to_stable,
    label=_("Create a snapshot"),
)


def rotate_backups(op: Op) -> None:
    """Keep the newest `rotation` backups of one kind, and those that are protected."""
    from images.images.models import Image

    rows = Image.objects.filter(
        project_id=op.project_id,
        properties__instance_uuid=op.subject_id,
        properties__image_type="backup",
        properties__backup_type=op.data["backup_type"],
    )
    for image_id in list(rows.order_by("-created_at", "-id").values_list("id", flat=True))[op.data["rotation"] :]:
        drop_image(image_id)


BACKUP = Flow(
    "server.backup",
    version=1,
    steps=(
        UPLOAD,
        SETTLE_IMAGE,
        Step("rotate", do=rotate_backups, final=True, label=_("Remove older backups")),
        Step("mark", do=finalizing(), label=_("Mark done")),
    ),
    on_failed=to_stable,
    label=_("Create a backup"),
)

# ── Shelving: the disk goes into an image, the place on the host is given back ──────────────────────────────────────


def remove_shelved_domain(op: Op) -> Wait | None:
    """Remove the domain, if the image of its disk exists still. Raises: what images.source raises."""
    images.source(op.data["snapshot_id"])
    return delete_domain(op)


def remove_shelved_disk(op: Op) -> Wait | None:
    """Remove the disk, if the image of it exists still: it is never the only copy. Raises: what images.source raises."""
    if op.answer is None:
        images.source(op.data["snapshot_id"])
    waiting = delete_disk(op)
    if waiting is None:
        forget_log(op)
    return waiting


def leave_host(op: Op) -> None:
    interfaces.unbind_ports(op)
    server = steps.of(op)
    placement.release(server.id)
    server.end("shelve", host="", shelved_image_id=op.data["snapshot_id"])


SHELVE = Flow(
    "server.shelve",
    version=1,
    steps=(
        UPLOAD,
        SETTLE_IMAGE,
        Step("remove_domain", do=remove_shelved_domain, deadline=150, label=_("Remove the machine")),
        Step("remove_disk", do=remove_shelved_disk, deadline=150, final=True, label=_("Remove the disk")),
        Step("leave_host", do=leave_host, label=_("Release its allocation")),
    ),
    on_failed=to_error,
    label=_("Shelve"),
)


def is_image_gone(op: Op) -> bool:
    """Whether the image of an unshelved disk is gone, so that the disk is the only copy."""
    try:
        images.source(op.data["image_id"])
    except CloudError:
        return True
    return False


def remove_unshelved_disk(op: Op) -> Wait | None:
    """Undo: remove the new disk, unless it is the only copy."""
    return None if op.answer is None and is_image_gone(op) else boot.remove_disk(op)


def mark_unshelved(op: Op) -> None:
    """Set the server active, then delete the image of its shelving in the background."""
    server = steps.of(op)
    if server.shelved_image_id:
        background.enqueue(DROP_IMAGE, server.shelved_image_id)
    if not server.is_deleting:
        server.end("unshelve", shelved_image_id=None, launched_at=now())


DROP_IMAGE = "compute.drop_image"


def drop_image(image_id: str) -> None:
    """Delete an image that the cloud made and needs no more. One that is gone, protected or in use otherwise stays so."""
    try:
        images.delete(RequestContext.internal("compute"), image_id=image_id)
    except CloudError as error:
        log.info("image %s is left as it is: %s", image_id, error)


UNSHELVE = Flow(
    "server.unshelve",
    version=1,
    steps=(
        Step("claim_host", do=boot.claim_host, undo=boot.release_host, label=_("Choose a host")),
        Step(
            "bind_ports", do=interfaces.bind_ports, undo=interfaces.unbind_ports, label=_("Bind the ports to the host")
        ),
        Step(
            "create_disk",
            do=boot.create_disk,
            undo=remove_unshelved_disk,
            deadline=900,
            label=_("Create the disk"),
        ),
        Step("wire_network", do=interfaces.plug_vifs, final=is_image_gone, label=_("Plug the interfaces")),
        Step(
            "start_domain",
            do=boot.start_domain,
            undo=boot.remove_domain,
            deadline=180,
            label=_("Start the machine"),
        ),
        Step("mark_active", do=mark_unshelved, final=True, label=_("Mark active")),
    ),
    on_failed=steps.elsewhere(to_stable),
    label=_("Unshelve"),
)

# ── Services ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _image_of(actor: RequestContext, server: Server, name: str, properties: dict[str, Any]) -> Image:
    """Create the queued image that a snapshot fills, with the properties of the server's own image."""
    inherited = {
        key: value
        for key, value in (server.image_meta.get("properties") or {}).items()
        if not key.startswith(("os_glance", "backup_", "instance_", "image_", "base_"))
    }
    facts = {
        "base_image_ref": server.image_id or "",
        "owner_user_name": actor.user_name,
        "user_id": server.user_id,
        "min_disk": int(server.flavor["disk"]),
        "min_ram": int(server.image_meta.get("min_ram", 0)),
    }
    return images.create_snapshot(
        actor, name=name, server_id=server.id, properties={**inherited, **facts, **properties}
    )


@transaction.atomic
def snapshot(actor: RequestContext, *, server_id: str, name: str, metadata: dict[str, str] | None = None) -> str:
    """Start a snapshot of a server's disk, which may run. Returns the image's id at once.

    Raises: WrongState, QuotaExceeded, Forbidden.
    """
    server = for_verb(actor, server_id, "snapshot")
    image = _image_of(actor, server, name, {"image_type": "snapshot", **(metadata or {})})
    run(actor, server, "snapshot", SNAPSHOT, {"snapshot_id": image.id})
    return image.id


@transaction.atomic
def backup(
    actor: RequestContext,
    *,
    server_id: str,
    name: str,
    backup_type: str,
    rotation: int,
    metadata: dict[str, str] | None = None,
) -> str:
    """Start a snapshot of which only the newest `rotation` of the same `backup_type` are kept. Returns the image's id."""
    server = for_verb(actor, server_id, "backup")
    properties = {**(metadata or {}), "image_type": "backup", "backup_type": backup_type}
    image = _image_of(actor, server, name, properties)
    data = {"snapshot_id": image.id, "backup_type": backup_type, "rotation": rotation}
    run(actor, server, "backup", BACKUP, data)
    return image.id


@transaction.atomic
def shelve(actor: RequestContext, *, server_id: str) -> Server:
    """Put the disk into an image and give the place on the host back."""
    server = for_verb(actor, server_id, "shelve")
    image = _image_of(actor, server, f"{server.name}-shelved"[:255], {"image_type": "snapshot"})
    run(actor, server, "shelve", SHELVE, {"snapshot_id": image.id})
    return server


@transaction.atomic
def unshelve(actor: RequestContext, *, server_id: str, host: str = "", **also: str | None) -> Server:
    """Bring a shelved server back; `availability_zone` (None: any) and `host` say where from now on, and now.

    Raises: WrongState, ZoneUnknown, HostUnknown, HostNotInZone, Forbidden.
    """
    server = for_verb(actor, server_id, "unshelve")
    columns: dict[str, Any] = {}
    if (host or also) and server.host:
        raise WrongState(verb="unshelve", id=server.id, attr="vm_state", state=server.vm_state)
    if "availability_zone" in also:
        columns["pinned_availability_zone"] = creating.check_zone(also["availability_zone"])
    if host:
        zone = columns.get("pinned_availability_zone", server.pinned_availability_zone)
        policy.require(actor, "os_compute_api:os-shelve:unshelve_to_host", server)
        creating.check_host(host, zone)
    data = {"image_id": server.shelved_image_id, "to_host": host}
    run(actor, server, "unshelve", UNSHELVE, data, **columns)
    return server
