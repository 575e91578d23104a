"""The kept log of a server's serial port, and tickets for its live consoles."""

import secrets
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from authorization import policy
from authorization.context import RequestContext
from authorization.share_levels import CONSOLE
from common.clock import now
from common.errors import Conflict, NotFound, OverLimit
from compute.consoles import auditing, logs, watch
from compute.consoles.models import KINDS, LIFE, QUIET, ConsoleLink, ConsoleTicket, digest
from compute.servers.lifecycle.services import find
from compute.servers.models import Server
from hostagent.contract import capabilities
from sharing import received

#: Kind of console → what the drivers of the server's host must be able to do.
NEEDS = {"vnc": capabilities.CONSOLE_VNC, "serial": capabilities.CONSOLE_SERIAL}
MOST = 100  # tickets of one user, or of one link, that are open or may be opened


class NotReady(Conflict):
    template = _("Instance %(id)s is not ready")


class ConsoleTokenNotFound(NotFound):
    template = _("Token not found")


class NoSuchConsole(NotFound):
    template = _("An instance has the consoles %(kinds)s, and no %(kind)s.")


class TooManyConsoles(OverLimit):
    template = _(
        "There are %(limit)s consoles open or about to be, which is the most of one user and of one link. Close some, or wait a minute."
    )


def output(actor: RequestContext, *, server_id: str, lines: int | None) -> str:
    """Read the last lines of a server's console log; None: all kept.

    Raises: ServerNotFound, Forbidden, NotReady while nothing has run yet.
    """
    server = find(actor, server_id, "os_compute_api:os-console-output")
    if not server.host and not logs.log_path(server.id).exists():
        raise NotReady(id=server_id)
    return logs.tail(server.id, lines)


# ── Live consoles ───────────────────────────────────────────────────────────────────────────────────────────────────


def socket_path(server: Server, kind: str) -> Path:
    return Path(settings.RUN) / "hosts" / server.host / f"{kind}-{server.id}.sock"


def ticket(actor: RequestContext, *, server_id: str, kind: str, cookie: str = "") -> str:
    """Issue a ticket that opens one console ("vnc" or "serial") once, within a minute. `cookie`: what has to be shown with it.

    Raises: ServerNotFound, Forbidden, NotReady when the machine does not run, TooManyConsoles.
    """
    server = find(actor, server_id, "os_compute_api:os-remote-consoles")
    bound = digest(cookie) if cookie else ""
    return issue(server, kind, who=watch.who(actor), cookie=bound, **_ends(actor, server))


def issue(server: Server, kind: str, *, who: dict[str, Any], link: ConsoleLink | None = None, **more: Any) -> str:
    """Write a ticket's row and give its text. Raises: NoSuchConsole, NotReady, HostCannot, TooManyConsoles."""
    if kind not in KINDS:
        raise NoSuchConsole(kind=kind, kinds=", ".join(KINDS))
    if not server.runs:
        raise NotReady(id=server.id)
    if (refusal := server.refusal_for(NEEDS[kind])) is not None:
        raise refusal.error
    if ConsoleTicket.objects.filter(user_id=who["user_id"], link=link).count() >= MOST:
        forget_tickets()
        if ConsoleTicket.objects.filter(user_id=who["user_id"], link=link).count() >= MOST:
            raise TooManyConsoles(limit=MOST)
    token, until = secrets.token_urlsafe(32), more.get("until")
    ends = min(now() + LIFE, until) if until else now() + LIFE
    ConsoleTicket.objects.create(
        pk=digest(token), server=server, kind=kind, user_id=who["user_id"], who=who, link=link, expires_at=ends, **more
    )
    auditing.issued(server, kind, who=who, link_id=link.pk if link is not None else None)
    return token


def _ends(actor: RequestContext, server: Server) -> dict[str, Any]:
    """Ticket columns that end a console opened by a share: its expiry, and the key by which `end_by_share` finds it.

    Empty where a role of the actor allows it, or no share does.
    """
    if policy.allows_by_role(actor, "os_compute_api:os-remote-consoles", server):
        return {}
    share = received.best(actor, "server", server.id, CONSOLE)
    if share is None:
        return {}
    return {"until": share.expires_at, "share": f"{share.key}-{actor.user_id}"}


def end_of_right(actor: RequestContext, server: Server) -> datetime | None:
    """When the share by which an actor may open the console expires; None if it does not, or none is needed."""
    return _ends(actor, server).get("until")


def end_by_share(key: str) -> None:
    """End the consoles opened by a share. `key`: the share's, or `<share>-<user>` for one user who left its group."""
    ConsoleTicket.objects.filter(share__startswith=key).delete()


def forget_tickets() -> None:
    """Delete expired tickets without an open console, and expired links."""
    ConsoleTicket.objects.filter(expires_at__lte=now(), opened_at=None).delete()
    ConsoleTicket.objects.filter(expires_at__lte=now(), seen_at__lt=now() - QUIET).delete()
    ConsoleLink.objects.filter(expires_at__lte=now()).delete()


def url(actor: RequestContext, *, server_id: str, kind: str, root: str) -> str:
    """Where a browser opens the console: the portal's page for VNC, the socket itself for serial, as in Nova."""
    token = ticket(actor, server_id=server_id, kind=kind)
    if kind == "serial":
        parts = urlsplit(root)
        return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/console/?token={token}"
    return f"{root}/vnc/?token={token}&path={quote(f'console/?token={token}', safe='')}"


def describe(actor: RequestContext, token: str) -> dict[str, object]:
    """Describe the console of a ticket for administrators: server, host, socket.

    Raises: ConsoleTokenNotFound, Forbidden.
    """
    policy.require(actor, "os_compute_api:os-console-auth-tokens")
    row = ConsoleTicket.objects.filter(pk=digest(token), expires_at__gt=now()).select_related("server").first()
    if row is None:
        raise ConsoleTokenNotFound()
    path = str(socket_path(row.server, row.kind))
    return {"instance_uuid": row.server_id, "host": row.server.host or "", "internal_access_path": path}
