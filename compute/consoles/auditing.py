"""Records of consoles: who asked for one, or for a link to look on, and when it was opened. The ticket is in none of them."""

from typing import Any

from audit import cadf, context, records
from authorization.context import RequestContext
from compute.consoles.models import ConsoleTicket
from compute.servers.models import Server
from identity.models import User

TYPE = "service/compute/servers/remote-consoles"


def asked(server: Server, kind: str, *, who: dict[str, object], link_id: str | None) -> None:
    """A ticket was given. Whoever looks on by a link is nobody that the cloud knows: then it is of the link's maker."""
    now = context.current()
    known = now.actor if now is not None and link_id is None else None
    _record(server, kind, cadf.PENDING, known or _actor(who), link_id)


def opened(ticket: ConsoleTicket) -> None:
    """The console proxy shows the guest to whoever had the ticket."""
    _record(ticket.server, ticket.kind, cadf.SUCCESS, _actor(ticket.who), ticket.link_id)


def _actor(who: dict[str, Any]) -> RequestContext:
    name = User.objects.filter(pk=who["user_id"]).values_list("name", flat=True).first()
    return RequestContext(user_id=who["user_id"], user_name=name or "")


def _record(server: Server, kind: str, outcome: str, actor: RequestContext, link_id: str | None) -> None:
    after = {"type": kind, **({"link": link_id, "view_only": True} if link_id else {})}
    target = (TYPE, server.id, server.name)
    records.frequent("create", target=target, outcome=outcome, actor=actor, project_id=server.project_id, after=after)
