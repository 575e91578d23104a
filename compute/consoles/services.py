"""The kept log of a server's serial port, and tickets for its live consoles."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from common import console_ticket
from common.actor import Actor
from common.errors import Conflict, NotFound, Unavailable
from compute.consoles import logs, watch
from compute.servers import states
from compute.servers.models import Server
from compute.servers.services import find
from identity import policy
from identity.sharing import held
from identity.sharing.levels import CONSOLE


class NotReady(Conflict):
    template = _("Instance %(id)s is not ready")


class BadToken(NotFound):
    template = _("Token not found")


class NoConsoleKey(Unavailable):
    template = _("This cloud has no key for consoles yet. Try again in %(retry_after)s seconds.")


def output(actor: Actor, *, server_id: str, lines: int | None) -> str:
    """Raises: ServerNotFound, Forbidden, NotReady while nothing has run yet."""
    server = find(actor, server_id, "compute:server:console_output")
    if not server.host and not logs.log_path(server.id).exists():
        raise NotReady(id=server_id)
    return logs.tail(server.id, lines)


# ── Live consoles ───────────────────────────────────────────────────────────────────────────────────────────────────


def key() -> str:
    """The key that signs tickets, in hex. Raises: NoConsoleKey."""
    path = Path(settings.CONSOLE_KEY)
    if not path.exists():
        raise NoConsoleKey()
    return path.read_text().strip()


def socket_path(server: Server, kind: str) -> str:
    return str(Path(settings.RUN) / "hosts" / server.host / f"{kind}-{server.id}.sock")


def ticket(actor: Actor, *, server_id: str, kind: str) -> str:
    """A signed ticket for one console ("vnc" or "serial"). Raises: NotReady when the machine does not run."""
    server = find(actor, server_id, "compute:server:console")
    if not server.host or server.power_state not in (states.RUNNING, states.POWER_PAUSED):
        raise NotReady(id=server_id)
    path = socket_path(server, kind)
    token = console_ticket.make_console_token(key(), server_id=server.id, kind=kind, path=path, **_ends(actor, server))
    console_ticket.give(logs.given(), console_ticket.read_console_token(key(), token), watch.who(actor))
    return token


def _ends(actor: Actor, server: Server) -> dict[str, Any]:
    """What ends a console that is open by a share: its time, its being withdrawn, the actor's leaving the group."""
    if policy.allows_by_role(actor, "compute:server:console", server):
        return {}
    share = held.best(actor, "server", server.id, CONSOLE)
    if share is None:
        return {}
    until = share.expires_at.timestamp() if share.expires_at else None
    return {"until": until, "marks": (share.key, f"{share.key}-{actor.user_id}")}


def url(actor: Actor, *, server_id: str, kind: str, root: str) -> str:
    """Where a browser opens the console: the portal's page for VNC, the socket itself for serial, as in Nova."""
    token = ticket(actor, server_id=server_id, kind=kind)
    if kind == "serial":
        parts = urlsplit(root)
        return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/console/?token={token}"
    return f"{root}/vnc/?token={token}&path={quote(f'console/?token={token}', safe='')}"


def describe(actor: Actor, token: str) -> dict[str, Any]:
    """What a ticket opens, for administrators. Raises: BadToken, Forbidden."""
    policy.require(actor, "compute:console_token")
    try:
        facts = console_ticket.read_console_token(key(), token, logs.revoked())
    except console_ticket.BadTicket as error:
        raise BadToken() from error
    host = Server.objects.filter(id=facts["server_id"]).values_list("host", flat=True).first() or ""
    return {"instance_uuid": facts["server_id"], "host": host, "internal_access_path": facts["path"]}
