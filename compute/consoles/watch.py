"""Which consoles may go on: whoever has a ticket is looked at again every other second, until the console is over.

A console ends with the portal session by which it was opened, and when its user, their project or their right to open it
goes. A session that only nobody used for a while does not end it: who types in a console is there. A token may expire.
"""

import time
from typing import Any

from common import console_ticket
from common.actor import Actor
from common.errors import CloudError
from compute.consoles import logs
from compute.servers.services import find
from identity import actors, sessions
from identity.actors import Delegation
from identity.assignments.effective import Scope
from identity.revocation import services as revocation
from identity.signins import services as signins

EVERY = 2.0  # seconds
#: Seconds after which a right is looked at again though no epoch says that it changed: what was delegated may expire.
AGAIN = 60.0

_good: dict[str, tuple[revocation.Mark, float]] = {}


def who(actor: Actor) -> dict[str, Any]:
    """Of an actor what it takes to ask again whether they may."""
    delegation: Any = actor.extra.get("delegation") or Delegation()
    trust: Any = actor.extra.get("trust")
    scope = ("project", actor.project_id) if actor.project_id else ("domain", actor.domain_id)
    return {
        "user_id": trust["trustee_user"]["id"] if trust else actor.user_id,
        "scope": ("system", "all") if actor.system else scope if scope[1] else ("", ""),
        "delegation": delegation.as_dict(),
        "session": sessions.name_of(actor),
    }


def look_again() -> None:
    """Revoke the tickets, and so cut the consoles, of those who may not any more."""
    given = console_ticket.given(logs.given())
    for jti in _good.keys() - given.keys():
        del _good[jti]
    for jti, facts in given.items():
        if not _may_go_on(jti, facts):
            console_ticket.revoke(logs.revoked(), jti)
            (logs.given() / jti).unlink(missing_ok=True)


def _may_go_on(jti: str, facts: dict[str, Any]) -> bool:
    if facts["session"] and not signins.is_open(facts["user_id"], facts["session"]):
        return False
    present = revocation.mark()
    known, looked = _good.get(jti, (None, 0.0))
    about = {"user_id": facts["user_id"], **facts["delegation"]}
    is_current = known is not None and revocation.is_current(known, [f"{kind}:{id}" for kind, id in about.items()])
    if is_current and time.monotonic() - looked < AGAIN:
        return True
    try:
        delegation = Delegation.from_dict(facts["delegation"])
        actor = actors.build(facts["user_id"], Scope(*facts["scope"]), delegation=delegation)
        find(actor, facts["server_id"], "compute:server:console")
    except CloudError:
        return False
    _good[jti] = (present, time.monotonic())
    return True
