"""Tickets for consoles, the pages that show one alone, links to look on, and the log as it grows.

A ticket works once, in the browser that it was given to: with it goes a cookie, which the reverse proxy lets through to the
consoles' process, as it does no other. A console of the portal's is bound to its session; a page that a client's address or
a link opens has a cookie of its own, by which it gets its next ticket when it is loaded again or its connection broke.
"""

import re
import secrets
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import salted_hmac
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from common.errors import Invalid
from common.numbers import is_whole
from compute.consoles import links, logs, opening
from compute.consoles import services as consoles
from compute.servers.lifecycle import services
from openstackapi.links import root as outside
from portal.ui.pages import Page

_URLSAFE = re.compile(r"[\w-]{43}", re.ASCII)
LARGEST = 512 * 1024  # bytes of a log in one answer
#: Ends of a link that the page offers: hours → what it says.
LINK_HOURS = ((1, gettext_lazy("1 hour")), (24, gettext_lazy("1 day")), (168, gettext_lazy("7 days")))


def _give(response: HttpResponse, name: str, value: str, path: str) -> HttpResponse:
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(name, value, path=path, httponly=True, samesite="Strict", secure=secure)
    return response


def _of_session(request: HttpRequest) -> str:
    """Follows from the session's key and tells nothing of it; another session's is another."""
    return salted_hmac("portal.consoles", request.session.session_key or "").hexdigest()


def _of_page(request: HttpRequest) -> str:
    kept = request.COOKIES.get(settings.CONSOLE_PAGE_COOKIE_NAME, "")
    return kept if _URLSAFE.fullmatch(kept) is not None else secrets.token_urlsafe(32)


class Ticket(Page):
    """POST /instances/<id>/console/<kind>: a ticket that the browser's socket shows to the console proxy."""

    panel = "instances"

    def post(self, request: HttpRequest, id: str, kind: str) -> HttpResponse:
        cookie = _of_session(request)
        answer = JsonResponse({"token": consoles.ticket(self.actor, server_id=id, kind=kind, cookie=cookie)})
        return _give(answer, settings.CONSOLE_COOKIE_NAME, cookie, "/console/")


class Window(Page):
    """GET /instances/<id>/console-window: the console alone, in a window of its own."""

    panel = "instances"
    console = True

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        server = services.find(self.actor, id)
        policy.require(self.actor, "os_compute_api:os-remote-consoles", server)
        return self.page("servers/console_window.html", ticket=server.id, kind="vnc", name=server.name)


class Standalone(Page):
    """GET /vnc/?token=… or ?link=…: a whole window for a console; the ticket, or the link, is the right to open it."""

    anonymous = True
    console = True

    def get(self, request: HttpRequest) -> HttpResponse:
        cookie = _of_page(request)
        if link := request.GET.get("link", ""):
            row = links.look(link)
            context: dict[str, object] = {"link": link, "kind": "vnc", "name": row.server.name}
        else:
            token = request.GET.get("token", "")
            ticket = opening.of_page(token, cookie)
            context = {"token": token, "fresh": ticket.is_fresh, "kind": ticket.kind, "name": ticket.server.name}
        return _give(
            self.page("servers/console_window.html", **context), settings.CONSOLE_PAGE_COOKIE_NAME, cookie, "/"
        )


@method_decorator(csrf_exempt, name="dispatch")
class NextTicket(Page):
    """POST /vnc/ticket: the next ticket of a page that a client's address or a link opened.

    Nobody is signed in here: the link, or the ticket with the page's own cookie (SameSite=Strict), is what counts.
    """

    anonymous = True

    def post(self, request: HttpRequest) -> HttpResponse:
        cookie = _of_page(request)
        if link := request.POST.get("link", ""):
            token = links.ticket(link, request.POST.get("kind", "vnc"), cookie=cookie)
        else:
            token = opening.again(request.POST.get("token", ""), cookie)
        answer = JsonResponse({"token": token})
        return _give(answer, settings.CONSOLE_PAGE_COOKIE_NAME, cookie, "/")


class Links(Page):
    """POST /instances/<id>/console-links: a link to look on, shown once."""

    panel = "instances"

    def post(self, request: HttpRequest, id: str) -> HttpResponse:
        hours = request.POST.get("hours", "")
        if not is_whole(hours) or not 0 < int(hours) <= links.LONGEST // timedelta(hours=1):
            raise Invalid(reason=_("Say for how many hours the link is good."))
        _row, secret = links.make(self.actor, server_id=id, until=now() + timedelta(hours=int(hours)))
        address = f"{outside(request)}/vnc/?link={secret}"
        return self.fragment("servers/console_links.html", **link_card(self.actor, id), address=address)


class EndLink(Page):
    """POST /instances/<id>/console-links/<link>/end."""

    panel = "instances"

    def post(self, request: HttpRequest, id: str, link: str) -> HttpResponse:
        links.end(self.actor, server_id=id, link_id=link)
        return self.fragment("servers/console_links.html", **link_card(self.actor, id))


def link_card(actor: RequestContext, server_id: str) -> dict[str, object]:
    """Build the card of links in the console's tab."""
    return {"links": links.of_server(actor, server_id), "link_hours": LINK_HOURS, "id": server_id}


class LogTail(Page):
    """GET /instances/<id>/log/tail?from=<byte>: what was added since; the whole with ?download."""

    panel = "instances"

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        server = services.find(self.actor, id)
        policy.require(self.actor, "os_compute_api:os-console-output", server)
        if "download" in request.GET:
            response = HttpResponse(logs.tail(server.id), content_type="text/plain; charset=utf-8")
            response["Content-Disposition"] = f'attachment; filename="{server.id}.log"'
            return response
        total, text = logs.size(server.id), request.GET.get("from", "0")
        start = int(text) if is_whole(text) and int(text) <= total else 0
        data = _added(server.id, start, total)
        if start == 0:
            data = b"".join(data.splitlines(keepends=True)[-self.prefs.log_lines :])
        return JsonResponse({"from": start, "to": total, "text": data.decode("utf-8", "replace")})


def _added(server_id: str, start: int, total: int) -> bytes:
    """The log's bytes from `start` on, of `total` that were ever written: the last LARGEST, as far as they are kept."""
    path = logs.log_path(server_id)
    if start >= total or not path.exists():
        return b""
    kept = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, kept - min(total - start, kept, LARGEST)))
        return file.read(LARGEST)
