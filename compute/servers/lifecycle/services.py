"""Finding a server and asking why_not, as every verb does, and the verbs done at once: locks, names, metadata, tags.

The verbs that run as flows stand with them: power.py, deletion.py, rebuild.py, resize.py, snapshots.py, interfaces.py.
"""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from common.errors import Forbidden, Invalid
from common.live import announce
from compute.servers.lifecycle import states
from compute.servers.models import Locked, Server, ServerNotFound, living
from compute.servers.rules import RULES
from operations.models import LIVE, Operation
from operations.subject import Refusal


class NotYourLock(Forbidden):
    template = _("Policy does not allow unlocking what an administrator has locked.")


class TooManyTags(Invalid):
    template = _("The number of tags exceeded the per-server limit 50")


class BadTag(Invalid):
    template = _("A tag has 1 to 60 characters, without comma or slash: %(tag)s")


LONGEST_TAG = 60  # characters


def find(
    actor: RequestContext, server_id: str, rule: str = "os_compute_api:servers:show", *, lock: bool = False
) -> Server:
    """Find a living server, and check the policy rule for it. `lock`: its row. Raises: ServerNotFound, Forbidden."""
    server = living(server_id, lock=lock)
    policy.require(actor, rule, server, missing=ServerNotFound(id=server_id))
    return server


def as_compute(actor: RequestContext, server: Server) -> RequestContext:
    """Act by compute's own right in a server's project, under the user's request: the verb's policy was checked already."""
    return RequestContext.internal("compute", project_id=server.project_id, request_id=actor.request_id)


def why_not(actor: RequestContext, server: Server, verb: str) -> Refusal | None:
    """Find the reason in a server's state or lock that refuses a verb now; None if it may begin. Policy is not checked.

    A deletion without a live operation may be begun again.
    """
    override = server.may_override(actor)
    if verb in ("lock", "unlock"):
        is_barred = verb == "unlock" and server.locked_by_admin and not override
        return Refusal(NotYourLock(), str(_("An administrator has locked it"))) if is_barred else None
    is_stuck = verb == "delete" and server.is_deleting and not _is_going(server)
    return server.why_not(verb, override=override, idle=is_stuck)


def require(actor: RequestContext, server: Server, verb: str) -> None:
    """Refuse a verb that may not begin now. Raises: WrongState, Locked, NotOnAHost, HostCannot, NotYourLock."""
    refusal = why_not(actor, server, verb)
    if refusal is not None:
        raise refusal.error


def for_verb(actor: RequestContext, server_id: str, verb: str) -> Server:
    """Find and lock a server for one of its verbs (operations.starting.begin). Raises: ServerNotFound, Forbidden, and as require()."""
    server = find(actor, server_id, RULES[verb], lock=True)
    require(actor, server, verb)
    return server


def _is_going(server: Server) -> bool:
    going = Operation.objects.filter(subject_kind="server", subject_id=server.id, action=states.VERBS["delete"].action)
    return going.filter(state__in=LIVE).exists()


# ── At once ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def lock(actor: RequestContext, *, server_id: str, reason: str | None = None) -> Server:
    """Lock a server: verbs are then refused, except to administrators and actors that may override."""
    server = find(actor, server_id, "os_compute_api:os-lock-server:lock", lock=True)
    server.change(locked=True, locked_by_admin=actor.is_admin, locked_reason=reason)
    return server


@transaction.atomic
def unlock(actor: RequestContext, *, server_id: str) -> Server:
    """Unlock a server. Raises: NotYourLock if an administrator locked it and the actor may not override."""
    server = find(actor, server_id, "os_compute_api:os-lock-server:unlock", lock=True)
    require(actor, server, "unlock")
    server.change(locked=False, locked_by_admin=False, locked_reason=None)
    return server


@transaction.atomic
def reset_state(actor: RequestContext, *, server_id: str, state: str) -> Server:
    """Set vm_state to "active" or "error" at an operator's command. Touches nothing on the host."""
    server = find(actor, server_id, "os_compute_api:os-admin-actions:reset_state", lock=True)
    server.change(vm_state=state, task_state=None)
    return server


@transaction.atomic
def update(actor: RequestContext, *, server_id: str, **values: object) -> Server:
    """Change name, description, hostname, disk_config, access_ip_v4, access_ip_v6."""
    server = find(actor, server_id, "os_compute_api:servers:update", lock=True)
    server.change(**values)
    return server


def _check_unlocked(actor: RequestContext, server: Server) -> None:
    if server.locked and not server.may_override(actor):
        raise Locked(id=server.id)


@transaction.atomic
def set_metadata(
    actor: RequestContext, *, server_id: str, items: dict[str, str], replace: bool, rule: str
) -> dict[str, str]:
    """`rule` is that of the verb by which they come: create, update or update_all. Raises: TooManyItems, Locked."""
    from compute.servers.create import limits

    server = find(actor, server_id, rule, lock=True)
    _check_unlocked(actor, server)
    metadata = dict(items) if replace else {**server.metadata, **items}
    limits.require_metadata(server.project_id, metadata)
    server.change(metadata=metadata)
    return metadata


@transaction.atomic
def unset_metadata(actor: RequestContext, *, server_id: str, key: str) -> bool:
    """Remove a metadata key. Returns False if there was none. Raises: ServerNotFound, Forbidden, Locked."""
    server = find(actor, server_id, "os_compute_api:server-metadata:delete", lock=True)
    _check_unlocked(actor, server)
    if key not in server.metadata:
        return False
    server.change(metadata={k: v for k, v in server.metadata.items() if k != key})
    return True


@transaction.atomic
def set_tags(actor: RequestContext, *, server_id: str, tags: list[str], rule: str) -> list[str]:
    """Replace the tags, without duplicates. `rule`: the policy rule of the API's verb. Raises: TooManyTags, BadTag."""
    server = find(actor, server_id, rule, lock=True)
    unique = list(dict.fromkeys(tags))
    if len(unique) > 50:
        raise TooManyTags()
    for tag in unique:
        if not 0 < len(tag) <= LONGEST_TAG or "," in tag or "/" in tag:
            raise BadTag(tag=tag[:80])
    server.change(tags=unique)
    return unique


@transaction.atomic
def project_of(server_id: str) -> str | None:
    """Find the id of the project that a living server belongs to; None if there is no such server."""
    return Server.objects.living().filter(id=server_id).values_list("project_id", flat=True).first()


def note_fact(server_id: str, column: str, at: object) -> None:
    """Write a fact that the guest caused (leased_at, metadata_at, login_at), unless it has one already."""
    changed = Server.objects.living().filter(id=server_id, **{f"{column}__isnull": True}).update(**{column: at})
    if changed:
        project = Server.objects.filter(id=server_id).values_list("project_id", flat=True).first()
        announce("server", server_id, project)
