"""Rebuild: the same place and addresses, a new disk from an image."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from compute.consoles import logs
from compute.servers.create import limits, personality
from compute.servers.create import services as creating
from compute.servers.lifecycle import boot, domain, interfaces, states, steps
from compute.servers.lifecycle.services import for_verb
from compute.servers.models import Server
from operations import Flow, Step, Wait
from operations.op import Op
from operations.starting import run
from operations.steps import to_error


def retire_domain(op: Op) -> Wait | None:
    """Power off for a new disk, while there is an image to make it of. Raises: what images.source raises."""
    domain.disk(steps.of(op))
    return boot.remove_domain(op)


def forget_log(op: Op) -> None:
    transaction.on_commit(lambda: logs.forget(op.subject_id), robust=True)


def remove_old_disk(op: Op) -> Wait | None:
    """Remove the old disk, and the console log of the system on it."""
    waiting = boot.remove_disk(op)
    if waiting is None:
        forget_log(op)
    return waiting


def rest_after(op: Op) -> None:
    """Finalize the server: STOPPED if it was off before the rebuild, else ACTIVE."""
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
        Step("wire_network", do=interfaces.plug_vifs, label=_("Plug the interfaces")),
        Step("start_domain", do=boot.start_unless_off, deadline=180, label=_("Start the machine")),
        Step("mark", do=rest_after, label=_("Mark the new state")),
    ),
    on_failed=to_error,
    label=_("Rebuild"),
)


@transaction.atomic
def rebuild(actor: RequestContext, *, server_id: str, image_id: str, **changes: Any) -> Server:
    """Rebuild a server's disk from an image, on the same host; `changes` are columns to write with it.

    Raises: WrongState, ImageUnknown, FlavorTooSmall, KeyUnknown, BadUserData.
    """
    server = for_verb(actor, server_id, "rebuild")
    image = creating.usable_image(actor, image_id, int(server.flavor["ram"]), int(server.flavor["disk"]))
    if "key_name" in changes:
        key = creating.find_key(actor, changes["key_name"])
        changes["key_data"] = key.public_key if key else ""
    if "user_data" in changes:
        creating.check_user_data(changes["user_data"])
    if changes.get("personality"):
        personality.check(server.project_id, changes["personality"])
        changes["config_drive"] = True
    if "metadata" in changes:
        limits.require_metadata(server.project_id, changes["metadata"])
    facts = dict.fromkeys(("leased_at", "metadata_at", "login_at"))
    meta = creating.image_meta(image)
    changes |= {"image_id": image.id, "image_meta": meta, "readable_images": creating.readable(actor, image)}
    run(actor, server, "rebuild", REBUILD, **facts, **changes)
    return server
