"""Opening a console with a ticket, once: what the broker (connection_broker.py) does for the console proxy."""

import socket

from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Forbidden, Unavailable
from compute.consoles import auditing, services, watch
from compute.consoles.models import ConsoleTicket, digest, is_same


class Unknown(Forbidden):
    template = _("This console ticket is not known, or it is over. Ask for a new one.")


class UsedAlready(Forbidden):
    template = _("This console ticket has been used: each opens one console, once. Ask for a new one.")


class OtherBrowser(Forbidden):
    template = _("This console ticket was given to another browser. Ask for one of your own.")


class Ended(Forbidden):
    template = _("What this console ticket was given by has ended. Sign in and ask for a new one.")


class NoGuest(Unavailable):
    template = _("The console of instance %(id)s takes no connection now. Try again in %(retry_after)s seconds.")


def find(token: str, cookies: list[str]) -> ConsoleTicket:
    """Find the ticket of a token that may open its console now. It stays unused; one whose right has ended is deleted.

    Raises: Unknown, OtherBrowser, Ended, UsedAlready.
    """
    row = ConsoleTicket.objects.select_related("server").filter(pk=digest(token)).first()
    if row is None or row.expires_at <= now():
        raise Unknown()
    if row.cookie and not any(is_same(row.cookie, cookie) for cookie in cookies):
        raise OtherBrowser()
    if row.opened_at is not None:
        raise UsedAlready()
    if not watch.may_open(row):
        row.delete()
        raise Ended()
    return row


def spend(ticket: ConsoleTicket) -> None:
    """Mark a ticket used; of concurrent callers exactly one succeeds. Raises: UsedAlready."""
    moment = now()
    if not ConsoleTicket.objects.filter(pk=ticket.pk, opened_at=None).update(opened_at=moment, seen_at=moment):
        raise UsedAlready()
    auditing.opened(ticket)


def connect(ticket: ConsoleTicket) -> socket.socket:
    """Connect to the socket of the guest's console, without waiting. Raises: NoGuest if it is gone or busy."""
    line = socket.socket(socket.AF_UNIX)
    line.setblocking(False)
    try:
        line.connect(str(services.socket_path(ticket.server, ticket.kind)))
    except OSError as error:
        line.close()
        raise NoGuest(id=ticket.server_id) from error
    return line


# ── The page that a client's address opens ──────────────────────────────────────────────────────────────────────────


class NoLongerGood(Forbidden):
    template = _("This console address is no longer good. Ask for a new one.")


def of_page(token: str, cookie: str) -> ConsoleTicket:
    """Find the ticket in a console page's URL: an unused one, or one that this browser's page has used before.

    The first browser to open the page is bound to it. Raises: NoLongerGood.
    """
    row = ConsoleTicket.objects.select_related("server").filter(pk=digest(token)).first()
    if row is None or row.link_id is not None:
        raise NoLongerGood()
    if row.is_fresh and not row.page:
        ConsoleTicket.objects.filter(pk=row.pk, page="").update(page=digest(cookie))
        return row
    if not is_same(row.page, cookie):
        raise NoLongerGood()
    return row


def again(token: str, cookie: str) -> str:
    """Issue the next ticket of a page, with the same right and for the same browser.

    Raises: NoLongerGood, NotReady, TooManyConsoles.
    """
    row = ConsoleTicket.objects.select_related("server").filter(pk=digest(token)).first()
    if row is None or row.link_id is not None or not is_same(row.page, cookie) or not watch.may_open(row):
        raise NoLongerGood()
    return services.issue(
        row.server, row.kind, who=row.who, until=row.until, share=row.share, cookie=digest(cookie), page=row.page
    )
