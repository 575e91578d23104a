"""The volumes of a server on the wire. Source: Nova's API reference, os-volume_attachments, with its microversions."""

from typing import Final

from django.http import HttpRequest

from common.truth import truth
from compute.servers.api import schemas
from compute.servers.block_devices import BlockDevice
from compute.servers.lifecycle import services, volumes
from compute.views import ComputeView, Page, Response
from openstackapi.fields import Field, Fields
from openstackapi.shapes import PAGE
from openstackapi.versioned import ByVersion, Property, body_schema

_LIST, _SHOW = "os_compute_api:os-volumes-attachments:index", "os_compute_api:os-volumes-attachments:show"
FIELDS: Final = Fields(
    "volumeAttachment",
    [
        Field("id", "volume_id", until=(2, 88)),
        Field("volumeId", "volume_id"),
        Field("serverId", "server_id"),
        Field("device", "path"),
        Field("tag", null=True, since=(2, 70)),
        Field("delete_on_termination", type="boolean", since=(2, 79)),
        Field("attachment_id", since=(2, 89)),
        Field("bdm_uuid", "id", since=(2, 89)),
    ],
)
_NEW: Final = (
    Property("volumeId", schemas.UUID, required=True),
    Property("device", {"type": ["string", "null"], "pattern": r"^/dev/vd[a-z]$|^vd[a-z]$"}),
    Property("tag", schemas.TAG, since=(2, 49)),
    Property("delete_on_termination", schemas.BOOLEAN, since=(2, 79)),
)
_CREATE: Final = ByVersion(
    {
        v: schemas.obj({"volumeAttachment": body_schema(_NEW, v)}, ("volumeAttachment",))
        for v in ((2, 0), (2, 49), (2, 79))
    }
)


class VolumeAttachments(ComputeView):
    """List the volumes of a server, or give it one."""

    bodies = {"post": _CREATE.newest}
    answers = {"get": {200: {"volumeAttachments": [FIELDS]}}, "post": {200: {"volumeAttachment": FIELDS}}}
    queries = {"get": PAGE}

    def get(self, request: HttpRequest, server_id: str) -> Response:
        server = services.find(self.actor, server_id, _LIST)
        page = Page.from_request(request, default_sort=(("created_at", "asc"),))
        rows = page.read(BlockDevice.objects.filter(server=server))
        return Response({"volumeAttachments": FIELDS.render_many(rows, self.version, self.actor)})

    def post(self, request: HttpRequest, server_id: str) -> Response:
        said = self.body(_CREATE.at(self.body_version))["volumeAttachment"]
        row = volumes.attach_volume(
            self.actor,
            server_id=server_id,
            volume_id=said["volumeId"],
            device=said.get("device"),
            tag=said.get("tag"),
            delete_on_termination=bool(truth(said.get("delete_on_termination"))),
        )
        return self.answer("volumeAttachment", FIELDS, row)


class VolumeAttachment(ComputeView):
    """Show a volume of a server, or take it from the server."""

    answers = {"get": {200: {"volumeAttachment": FIELDS}}, "delete": {202: None}}

    def get(self, request: HttpRequest, server_id: str, volume_id: str) -> Response:
        server = services.find(self.actor, server_id, _SHOW)
        return self.answer("volumeAttachment", FIELDS, volumes.find(server, volume_id))

    def delete(self, request: HttpRequest, server_id: str, volume_id: str) -> Response:
        volumes.detach_volume(self.actor, server_id=server_id, volume_id=volume_id)
        return Response(status=202)
