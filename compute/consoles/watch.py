"""Rights to a console: checked when it is opened, and each second or two while it is open.

A console ends with the portal session or the token by which it was opened, when that is ended or revoked, and when its
user, their project or their right to open it goes. A session that only nobody used for a while does not end it: who types
in a console is there. A token may expire.
"""

import time
from datetime import datetime
from typing import Any

from authorization.context import RequestContext
from common.clock import now
from common.errors import CloudError
from compute.consoles.models import ConsoleTicket
from compute.servers.lifecycle.services import find
from identity import actors, tokens
from identity.actors import Delegation
from identity.assignments.effective import Scope
from identity.revocation import services as revocation
from identity.signin import services as signins
from identity.signin import sessions

#: Seconds after which a right is looked at again though no epoch says that it changed: what was delegated may expire.
AGAIN = 60.0

_good: dict[str, tuple[revocation.Mark, float]] = {}


def who(actor: RequestContext) -> dict[str, object]:
    """Facts stored with a ticket to check permission again later: user (trustee of a trust), scope, delegation, session."""
    delegation: Any = actor.extra.get("delegation") or Delegation()
    trust: Any = actor.extra.get("trust")
    scope = ("project", actor.project_id) if actor.project_id else ("domain", actor.domain_id)
    return {
        "user_id": trust["trustee_user"]["id"] if trust else actor.user_id,
        "scope": ("system", "all") if actor.system else scope if scope[1] else ("", ""),
        "delegation": delegation.as_dict(),
        "session": sessions.name_of(actor),
        "issued_at": actor.issued_at.isoformat() if actor.issued_at else "",
        "audit_ids": list(actor.audit_ids),
    }


def may_open(ticket: ConsoleTicket) -> bool:
    """Whether the user of a ticket may open its console now. Reads all rights afresh from the database."""
    revocation.mark(fresh=True)
    return _is_in_time(ticket) and _has_right(ticket.who, ticket.server_id)


def may_go_on(ticket: ConsoleTicket) -> bool:
    """Whether an open console may stay open. Rights are checked again when a revocation concerns them, or after AGAIN s."""
    facts = ticket.who
    if not _is_in_time(ticket) or not _session_lasts(facts):
        return False
    present = revocation.mark()
    known, looked = _good.get(ticket.pk, (None, 0.0))
    about = {"user_id": facts["user_id"], **facts["delegation"]}
    names = [f"{kind}:{id}" for kind, id in about.items()] + [f"audit_id:{id}" for id in facts["audit_ids"][:1]]
    if known is not None and revocation.is_current(known, names) and time.monotonic() - looked < AGAIN:
        return True
    if not _has_right(facts, ticket.server_id):
        return False
    _good[ticket.pk] = (present, time.monotonic())
    return True


def forget(ticket_id: str) -> None:
    """Drop what is remembered of a console that was closed."""
    _good.pop(ticket_id, None)


def may_share(facts: dict[str, object], server_id: str) -> bool:
    """Whether the maker of a link may still open the console. The link outlives the session in which it was made."""
    return _has_right({**facts, "session": "", "issued_at": ""}, server_id)


def _is_in_time(ticket: ConsoleTicket) -> bool:
    return ticket.until is None or ticket.until > now()


def _session_lasts(facts: dict[str, Any]) -> bool:
    return not facts["session"] or signins.is_open(facts["user_id"], facts["session"])


def _has_right(facts: dict[str, Any], server_id: str) -> bool:
    if not _session_lasts(facts):
        return False
    scope, delegation = Scope(*facts["scope"]), Delegation.from_dict(facts["delegation"])
    try:
        actor = actors.build(facts["user_id"], scope, delegation=delegation)
        find(actor, server_id, "os_compute_api:os-remote-consoles")
    except CloudError:
        return False
    if not facts["issued_at"]:
        return True
    about = tokens.facts_about(facts["user_id"], tuple(facts["audit_ids"]), delegation, actor)
    return not revocation.is_revoked(issued_at=datetime.fromisoformat(facts["issued_at"]), facts=about)
