"""Consoles on the wire, and the log that agents append to."""

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from common.errors import CloudError, Invalid
from common.ids import is_id
from common.numbers import is_whole
from compute.consoles import logs, services
from compute.servers.api.schemas import obj
from compute.servers.models import Server
from compute.views import ComputeView, Response
from hosts.agents import authenticate_agent
from openstackapi.faults import fault_of
from openstackapi.services import fault_body

_PROTOCOLS = {"vnc": "novnc", "serial": "serial"}


class RemoteConsoles(ComputeView):
    since = (2, 6)
    bodies = {
        "post": obj(
            {
                "remote_console": obj(
                    {
                        "protocol": {"enum": ["vnc", "serial", "spice", "rdp", "mks"]},
                        "type": {"enum": ["novnc", "serial", "xvpvnc", "spice-html5", "rdp-html5", "webmks"]},
                    },
                    ("protocol", "type"),
                )
            },
            ("remote_console",),
        )
    }
    answers = {"post": {200: {"remote_console": {"protocol": str, "type": str, "url": str}}}}

    def post(self, request: object, server_id: str) -> Response:
        requested = self.body()["remote_console"]
        if _PROTOCOLS.get(requested["protocol"]) != requested["type"]:
            raise Invalid(reason=_("Unavailable console type %(type)s."), type=requested["type"])
        url = services.url(self.actor, server_id=server_id, kind=requested["protocol"], root=self.root())
        return Response({"remote_console": {**requested, "url": url}})


class AuthToken(ComputeView):
    since = (2, 31)
    answers = {"get": {200: {"console": {"instance_uuid": str, "host": str, "internal_access_path": str}}}}

    def get(self, request: object, token: str) -> Response:
        return Response({"console": services.describe(self.actor, token)})


@csrf_exempt
def append_log(request: HttpRequest, server_id: str) -> JsonResponse:
    """PUT /internal/servers/<id>/log?offset=N: what the agent read from the serial port from byte N on."""
    try:
        host = authenticate_agent(request)
        offset = request.GET.get("offset", "")
        row = Server.objects.filter(id=server_id, deleted=False).values("host").first()
        if request.method != "PUT" or not is_whole(offset) or not is_id(server_id):
            raise Invalid(reason=_("PUT with ?offset=N"))
        if row is None or row["host"] != host.name:
            raise services.ConsoleTokenNotFound()
    except CloudError as error:
        fault = fault_of(error, "compute")
        return JsonResponse(fault_body(fault), status=fault.status)
    size = logs.append(server_id, int(offset), request.body)
    return JsonResponse({"size": size})
