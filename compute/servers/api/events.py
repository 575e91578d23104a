"""os-server-external-events: another service says that something of a server changed outside of compute.

Only what changes networks is taken: no other service of this cloud has anything to say yet.
"""

from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import NotFound
from compute.servers.api.schemas import obj
from compute.servers.lifecycle import states
from compute.servers.models import Server
from compute.views import ComputeView, Response
from networking.desired.changes import touch
from networking.ports.models import Port
from operations import wake

_EVENT = obj(
    {
        "name": {"enum": ["network-changed", "network-vif-plugged", "network-vif-unplugged"]},
        "server_uuid": {"type": "string", "format": "uuid"},
        "status": {"enum": ["failed", "completed", "in-progress"]},
        "tag": {"type": "string", "maxLength": 255},
    },
    ("name", "server_uuid"),
)
_EVENTS = obj({"events": {"type": "array", "minItems": 1, "items": _EVENT}}, ("events",))


class NoServers(NotFound):
    template = _("No instances found for any event")


def _take(event: dict[str, object], server: Server) -> None:
    """Look again: the host is told of the ports anew, and who waits for one of them goes on."""
    ports = Port.objects.of_server(server)
    if event.get("tag"):
        ports = ports.filter(id=event["tag"])
    ids = list(ports.values_list("id", flat=True))
    touch(*(f"port:{port_id}" for port_id in ids))
    for port_id in ids:
        wake("port", port_id)


_ANSWERED = {"name": str, "server_uuid": str, "status": str, "tag?": str, "code": int}


class ExternalEvents(ComputeView):
    bodies = {"post": _EVENTS}
    answers = {"post": {200: {"events": [_ANSWERED]}, 207: {"events": [_ANSWERED]}}}

    def post(self, request: object) -> Response:
        policy.require(self.actor, "os_compute_api:os-server-external-events:create")
        events = self.body()["events"]
        servers = Server.objects.living().in_bulk({event["server_uuid"] for event in events})
        if not servers:
            raise NoServers()
        out = [self._answer_to(event, servers.get(event["server_uuid"])) for event in events]
        return Response({"events": out}, status=200 if all(row["code"] == 200 for row in out) else 207)

    def _answer_to(self, event: dict[str, object], server: Server | None) -> dict[str, object]:
        """The event with how it ended: 404 without the server, 422 for one that is on no host."""
        if server is None or not server.host:
            return {**event, "status": states.EVENT_FAILED, "code": 422 if server else 404}
        _take(event, server)
        return {"status": states.EVENT_COMPLETED, **event, "code": 200}
