"""Audit records of consoles: tickets and links issued, consoles opened. The ticket itself is in none of them."""

from typing import Any

from audit import cadf, context, records
from authorization.context import RequestContext
from compute.consoles.models import ConsoleTicket
from compute.servers.models import Server
from identity.models import User

TYPE = "service/compute/servers/remote-consoles"


def issued(server: Server, kind: str, *, who: dict[str, object], link_id: str | None) -> None:
    """Record that a ticket was issued. For one issued by a link the actor is the link's maker: its viewer is unknown."""
    now = context.current()
    known = now.actor if now is not None and link_id is None else None
    _record(server, kind, cadf.PENDING, known or _actor(who), link_id)


def opened(ticket: ConsoleTicket) -> None:
    """Record that the console proxy has opened the console of a ticket."""
    _record(ticket.server, ticket.kind, cadf.SUCCESS, _actor(ticket.who), ticket.link_id)


def _actor(who: dict[str, Any]) -> RequestContext:
    name = User.objects.filter(pk=who["user_id"]).values_list("name", flat=True).first()
    return RequestContext(user_id=who["user_id"], user_name=name or "")


def _record(server: Server, kind: str, outcome: str, actor: RequestContext, link_id: str | None) -> None:
    after = {"type": kind, **({"link": link_id, "view_only": True} if link_id else {})}
    target = (TYPE, server.id, server.name)
    records.frequent("create", target=target, outcome=outcome, actor=actor, project_id=server.project_id, after=after)
