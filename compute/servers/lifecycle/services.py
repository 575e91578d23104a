"""The verbs of servers: check, write the intent, open an operation. What changes a server's being is in changing.py."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.actor import Actor
from common.errors import Conflict, Forbidden, Invalid, render
from common.live import announce
from compute.servers.lifecycle import power, states
from compute.servers.models import Locked, Server, ServerNotFound, living
from hostagent.contract.capabilities import Capability
from operations import Flow
from operations import start as start_operation
from operations.models import LIVE, Operation
from operations.subject import Refusal, Why


class NotYourLock(Forbidden):
    template = _("Policy does not allow unlocking what an administrator has locked.")


class NotOnAHost(Conflict):
    template = _("Instance %(id)s is on no host, for it could not be built. Delete it and launch another.")


class HostCannot(Conflict):
    template = _(
        "Instance %(id)s cannot do this on its host %(host)s: the driver %(driver)s has no capability '%(capability)s'. Launch it on a"
        " host that has, or ask an administrator which do (Hosts, Can do)."
    )


class TooManyTags(Invalid):
    template = _("The number of tags exceeded the per-server limit 50")


#: Actions behind which the next verb waits: Nova answers them when they are over, so clients ask the next one at once.
QUEUED_BEHIND = frozenset({"attach_interface", "detach_interface"})
#: Verbs of which nothing on a host is asked first.
HOSTLESS = frozenset({"delete", "unshelve"})


def find(actor: Actor, server_id: str, rule: str = "compute:server:get", *, lock: bool = False) -> Server:
    """A living server that the actor may do `rule` to. Raises: ServerNotFound, Forbidden."""
    server = living(server_id, lock=lock)
    policy.require(actor, rule, server, missing=ServerNotFound(id=server_id))
    return server


def may_override(actor: Actor, server: Server) -> bool:
    """Whether a server's lock counts for nothing to the actor."""
    return policy.allows(actor, "compute:server:unlock_override", server)


def why_not(actor: Actor, server: Server, verb: str) -> Refusal | None:
    """Why what a server is keeps the actor from a verb now, whatever policy says of it; None: nothing does.

    A deletion that nothing carries on any more may be asked for again.
    """
    override = may_override(actor, server)
    if verb in ("lock", "unlock"):
        is_barred = verb == "unlock" and server.locked_by_admin and not override
        return Refusal(NotYourLock(), str(_("An administrator has locked it"))) if is_barred else None
    is_stuck = verb == "delete" and server.is_deleting and not _is_going(server)
    refusal = server.why_not(verb, override=override, idle=is_stuck)
    if refusal is None and not server.host and verb not in HOSTLESS:
        return Refusal(NotOnAHost(id=server.id), str(_("It is on no host: delete it and launch another")))
    if refusal is None and server.host and (capability := states.NEEDS.get(verb)) is not None:
        return host_refusal(server, capability)
    return refusal


def host_refusal(server: Server, capability: Capability) -> Refusal | None:
    """Why the drivers of a server's host keep it from what takes a capability; None: they have it."""
    driver = server.host_drivers.lacking(capability)
    if not driver:
        return None
    error = HostCannot(id=server.id, host=server.host, driver=driver, capability=capability.name)
    return Refusal(error, render(_("Its host cannot: %(driver)s"), {"driver": driver}))


def require(actor: Actor, server: Server, verb: str) -> None:
    """Raises: WrongState, Locked, NotOnAHost, HostCannot, NotYourLock."""
    refusal = why_not(actor, server, verb)
    if refusal is not None:
        raise refusal.error


def run(
    actor: Actor, server: Server, verb: str, flow: Flow, data: dict[str, Any] | None = None, **also: Any
) -> Operation:
    """Write a verb's intent and start its flow, in the caller's transaction. `also`: columns to write with it.

    Raises: WrongState, Locked, NotOnAHost, HostCannot, Held.
    """
    require(actor, server, verb)
    rest = server.vm_state
    server.begin(verb, override=may_override(actor, server), **also)
    holds = [f"server:{server.id}"] if verb != "delete" else [f"server:{server.id}:delete"]
    operation: Operation = start_operation(
        flow,
        subject=("server", server.id),
        project_id=server.project_id,
        actor=actor,
        holds=holds,
        data={"rest": rest, **(data or {})},
        action=states.VERBS[verb].action,
        behind=QUEUED_BEHIND,
    )
    return operation


@transaction.atomic
def _simple(actor: Actor, server_id: str, verb: str, flow: Flow, rule: str = "") -> Server:
    server = find(actor, server_id, f"compute:server:{rule or verb}", lock=True)
    run(actor, server, verb, flow)
    return server


def stop(actor: Actor, *, server_id: str) -> Server:
    """Power a server off by asking its guest, by force after 60 s. Returns at once, busy."""
    return _simple(actor, server_id, "stop", power.STOP)


def start(actor: Actor, *, server_id: str) -> Server:
    return _simple(actor, server_id, "start", power.START)


def reboot(actor: Actor, *, server_id: str, hard: bool) -> Server:
    """Soft: the guest is asked. Hard: the machine is made anew from its rows, which also mends one in ERROR."""
    if hard:
        return _simple(actor, server_id, "reboot_hard", power.REBOOT_HARD, "reboot")
    return _simple(actor, server_id, "reboot", power.REBOOT_SOFT)


def pause(actor: Actor, *, server_id: str) -> Server:
    return _simple(actor, server_id, "pause", power.PAUSE)


def unpause(actor: Actor, *, server_id: str) -> Server:
    return _simple(actor, server_id, "unpause", power.UNPAUSE)


def suspend(actor: Actor, *, server_id: str) -> Server:
    return _simple(actor, server_id, "suspend", power.SUSPEND)


def resume(actor: Actor, *, server_id: str) -> Server:
    return _simple(actor, server_id, "resume", power.RESUME)


@transaction.atomic
def delete(actor: Actor, *, server_id: str) -> None:
    """Delete a server, also one that is still being built. Asking again while it goes is no error."""
    server = find(actor, server_id, "compute:server:delete", lock=True)
    refusal = why_not(actor, server, "delete")
    if refusal is not None and refusal.why is Why.DELETING:
        return
    require(actor, server, "delete")
    if server.is_deleting:
        server.change(task_state=None)
    run(actor, server, "delete", power.DELETE)


def _is_going(server: Server) -> bool:
    going = Operation.objects.filter(subject_kind="server", subject_id=server.id, flow=power.DELETE.name)
    return going.filter(state__in=LIVE).exists()


# ── At once ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def lock(actor: Actor, *, server_id: str, reason: str | None = None) -> Server:
    """Only an administrator, or whoever may override, acts on a locked server."""
    server = find(actor, server_id, "compute:server:lock", lock=True)
    server.change(locked=True, locked_by_admin=actor.is_admin, locked_reason=reason)
    return server


@transaction.atomic
def unlock(actor: Actor, *, server_id: str) -> Server:
    """Raises: NotYourLock when an administrator locked it and the actor is none."""
    server = find(actor, server_id, "compute:server:unlock", lock=True)
    require(actor, server, "unlock")
    server.change(locked=False, locked_by_admin=False, locked_reason=None)
    return server


@transaction.atomic
def reset_state(actor: Actor, *, server_id: str, state: str) -> Server:
    """An operator's word on what a server is: "active" or "error". Touches nothing on the host."""
    server = find(actor, server_id, "compute:server:reset_state", lock=True)
    server.change(vm_state=state, task_state=None)
    return server


@transaction.atomic
def update(actor: Actor, *, server_id: str, **values: Any) -> Server:
    """Change name, description, hostname, disk_config, access_ip_v4, access_ip_v6."""
    server = find(actor, server_id, "compute:server:update", lock=True)
    server.change(**values)
    return server


def _check_unlocked(actor: Actor, server: Server) -> None:
    if server.locked and not may_override(actor, server):
        raise Locked(id=server.id)


@transaction.atomic
def set_metadata(actor: Actor, *, server_id: str, items: dict[str, str], replace: bool) -> dict[str, str]:
    """Raises: TooManyItems, Locked."""
    from compute.servers.create import limits

    server = find(actor, server_id, "compute:server:metadata", lock=True)
    _check_unlocked(actor, server)
    metadata = dict(items) if replace else {**server.metadata, **items}
    limits.require_metadata(server.project_id, metadata)
    server.change(metadata=metadata)
    return metadata


@transaction.atomic
def unset_metadata(actor: Actor, *, server_id: str, key: str) -> bool:
    """Whether there was such a key."""
    server = find(actor, server_id, "compute:server:metadata", lock=True)
    _check_unlocked(actor, server)
    if key not in server.metadata:
        return False
    server.change(metadata={k: v for k, v in server.metadata.items() if k != key})
    return True


@transaction.atomic
def set_tags(actor: Actor, *, server_id: str, tags: list[str]) -> list[str]:
    """Raises: TooManyTags."""
    server = find(actor, server_id, "compute:server:tags", lock=True)
    unique = list(dict.fromkeys(tags))
    if len(unique) > 50:
        raise TooManyTags()
    server.change(tags=unique)
    return unique


@transaction.atomic
def project_of(server_id: str) -> str | None:
    """Whose a living server is, None if there is none."""
    return Server.objects.living().filter(id=server_id).values_list("project_id", flat=True).first()


def note_fact(server_id: str, column: str, at: Any) -> None:
    """A fact that the guest caused (leased_at, metadata_at, login_at), the first time only."""
    changed = Server.objects.living().filter(id=server_id, **{f"{column}__isnull": True}).update(**{column: at})
    if changed:
        project = Server.objects.filter(id=server_id).values_list("project_id", flat=True).first()
        announce("server", server_id, project)
