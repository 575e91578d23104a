"""On whose behalf a change is made: of a request its user, of a flow's step the user who began the operation."""

from audit import context
from common import live


def of_now() -> live.Cause:
    """Return the user and the request that this thread works for; empty for what the cloud does by itself."""
    given = live.cause.get()
    if given is not None:
        return given
    found = context.current()
    if found is None:
        return live.Cause()
    actor = found.actor
    return live.Cause(actor.user_id if actor is not None else "", _request_id(found))


def _request_id(found: context.Context) -> str:
    return found.request_id or str(getattr(found.request, "request_id", ""))
