"""Links that show a server's consoles to whoever has them, to look on only. A link is a row with an end."""

import secrets
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.clock import now
from common.errors import Forbidden, Invalid, NotFound
from compute.consoles import services, watch
from compute.consoles.models import ConsoleLink, digest
from compute.servers.lifecycle.services import find
from compute.servers.models import Server

LONGEST = timedelta(days=30)
RULE = "os_compute_api:os-remote-consoles"


class LinkNotFound(NotFound):
    template = _("There is no such link.")


class LinkOver(Forbidden):
    template = _("This link is over: it has ended, or whoever made it may not show this console any more.")


class WrongEnd(Invalid):
    template = _("A link ends within %(days)s days from now.")


def of_server(actor: RequestContext, server_id: str) -> list[ConsoleLink]:
    """List the links of a server that have not expired. Raises: ServerNotFound, Forbidden."""
    server = find(actor, server_id, RULE)
    return list(ConsoleLink.objects.filter(server=server, expires_at__gt=now()).order_by("expires_at"))


def make(actor: RequestContext, *, server_id: str, until: datetime) -> tuple[ConsoleLink, str]:
    """Create a link. Returns it and its secret, of which only the digest is stored.

    Raises: ServerNotFound, Forbidden, WrongEnd, TooMany.
    """
    server = find(actor, server_id, RULE)
    if not now() < until <= now() + LONGEST:
        raise WrongEnd(days=LONGEST.days)
    ends = services.end_of_right(actor, server)
    if ends is not None and until > ends:
        raise WrongEnd(days=max(0, (ends - now()).days))
    secret = secrets.token_urlsafe(32)
    row = ConsoleLink.objects.create(
        server=server, secret=digest(secret), user_id=actor.user_id, who=watch.who(actor), expires_at=until
    )
    return row, secret


def end(actor: RequestContext, *, server_id: str, link_id: str) -> None:
    """Delete a link, which ends the consoles opened by it. Raises: ServerNotFound, Forbidden, LinkNotFound."""
    server = find(actor, server_id, RULE)
    if not ConsoleLink.objects.filter(server=server, pk=link_id).delete()[0]:
        raise LinkNotFound()


def look(secret: str) -> ConsoleLink:
    """Find the link of a secret. Raises: LinkOver if it has expired, or its maker may no longer open the console."""
    row = ConsoleLink.objects.select_related("server").filter(secret=digest(secret), expires_at__gt=now()).first()
    if row is None or row.server.deleted or not watch.may_share(row.who, row.server_id):
        raise LinkOver()
    return row


def ticket(secret: str, kind: str, *, cookie: str) -> str:
    """Issue a view-only ticket by a link. Raises: LinkOver, NotReady, TooManyConsoles."""
    row = look(secret)
    server: Server = row.server
    who = {**row.who, "session": "", "issued_at": ""}
    return services.issue(server, kind, who=who, link=row, view_only=True, until=row.expires_at, cookie=digest(cookie))
