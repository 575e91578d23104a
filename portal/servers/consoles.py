"""Tickets for the console of a tab, the page that a client's console address opens, and the log as it grows."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from common.console_ticket import BadTicket, read_console_token
from common.errors import Forbidden
from common.numbers import is_whole
from compute.consoles import logs
from compute.consoles import services as consoles
from compute.servers import services
from compute.servers.models import Server
from identity import policy
from portal.pages import Page

LARGEST = 512 * 1024  # bytes of a log in one answer


class TicketRefused(Forbidden):
    @property
    def message(self) -> str:
        return _("This console address is no longer good. Ask for a new one.")


class Ticket(Page):
    """POST /instances/<id>/console/<kind>: a ticket that the browser's socket shows to the console proxy."""

    panel = "instances"

    def post(self, request: HttpRequest, id: str, kind: str) -> HttpResponse:
        return JsonResponse({"token": consoles.ticket(self.actor, server_id=id, kind=kind)})


class Standalone(Page):
    """GET /vnc/?token=…: a whole window for a console; the ticket is the right to open it."""

    anonymous = True
    console = True

    def get(self, request: HttpRequest) -> HttpResponse:
        token = request.GET.get("token", "")
        try:
            facts = read_console_token(consoles.key(), token, logs.revoked())
        except BadTicket as error:
            raise TicketRefused() from error
        name = Server.objects.filter(pk=facts["server_id"]).values_list("name", flat=True).first()
        return self.page("portal/vnc.html", token=token, kind=facts["kind"], name=name or "", region=settings.REGION)


class LogTail(Page):
    """GET /instances/<id>/log/tail?from=<byte>: what was added since; the whole with ?download."""

    panel = "instances"

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        server = services.find(self.actor, id)
        policy.require(self.actor, "compute:server:console_output", server)
        path = logs.log_path(server.id)
        if "download" in request.GET:
            response = HttpResponse(logs.tail(server.id), content_type="text/plain; charset=utf-8")
            response["Content-Disposition"] = f'attachment; filename="{server.id}.log"'
            return response
        total = logs.size(server.id)
        text = request.GET.get("from", "0")
        start = int(text) if is_whole(text) and int(text) <= total else 0
        data = b""
        if path.exists() and start < total:
            kept = path.stat().st_size
            with path.open("rb") as file:
                file.seek(max(0, kept - min(total - start, kept, LARGEST)))
                data = file.read(LARGEST)
        if start == 0:
            data = b"".join(data.splitlines(keepends=True)[-self.prefs.log_lines :])
        return JsonResponse({"from": start, "to": total, "text": data.decode("utf-8", "replace")})
