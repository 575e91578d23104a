"""Snapshots on the wire. Source: Cinder's API reference, with its microversions."""

from typing import Any, Final

from django.http import HttpRequest

from openstackapi.fields import Field, Fields, Schema, iso_micro
from openstackapi.resource import Resource
from openstackapi.shapes import LINKS, PAGE
from volumes.snapshots import services
from volumes.snapshots.models import Snapshot
from volumes.views import PAGING, Page, Response, VolumeView
from volumes.volumes.fields import METADATA, NAMES

_PROGRESS: Final = {"available": "100%"}
_BASIC: Final = (
    Field("id"),
    Field("name", null=True),
    Field("description", null=True),
    Field("status"),
    Field("size", type="integer"),
    Field("volume_id"),
    Field("created_at", type="datetime"),
    Field("updated_at", type="datetime", null=True),
    Field("metadata", type="object"),
    Field("user_id", since=(3, 41)),
    Field("group_snapshot_id", lambda row: None, null=True, since=(3, 14)),
    Field("consumes_quota", lambda row: True, type="boolean", since=(3, 65)),
)
SUMMARY: Final = Fields("snapshot", _BASIC, time=iso_micro)
FIELDS: Final = Fields(
    "snapshot",
    (
        *_BASIC,
        Field("os-extended-snapshot-attributes:project_id", "project_id"),
        Field("os-extended-snapshot-attributes:progress", lambda row: _PROGRESS.get(row.status, "0%")),
    ),
    time=iso_micro,
)
SNAPSHOTS: Final = Resource[Snapshot](
    name="snapshot",
    plural="snapshots",
    fields=FIELDS,
    columns={
        "id": "id",
        "name": "name",
        "display_name": "name",
        "status": "status",
        "volume_id": "volume_id",
        "volume_size": "size",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
)
_FILTERS: Final = ("name", "status", "volume_id")


def _body(*, new: bool) -> Schema:
    names = {**NAMES, "metadata": METADATA}
    more = {"volume_id": {"type": "string"}, "force": {"type": ["boolean", "string", "null"]}} if new else {}
    inner = {"type": "object", "properties": {**names, **more}, "additionalProperties": False}
    if new:
        inner["required"] = ["volume_id"]
    return {
        "type": "object",
        "properties": {"snapshot": inner},
        "required": ["snapshot"],
        "additionalProperties": False,
    }


def _values(said: dict[str, Any]) -> dict[str, Any]:
    names = {"display_name": "name", "display_description": "description"}
    values = {names.get(name, name): value for name, value in said.items() if name != "force"}
    return values | ({"metadata": values["metadata"] or {}} if "metadata" in values else {})


class SnapshotPage(VolumeView):
    """A page of the snapshots of a project, or of all for an operator."""

    fields = SUMMARY
    answers = {"get": {200: {"snapshots": [SUMMARY], "snapshots_links?": LINKS}}}
    queries = {"get": {**PAGE, "sort": str, "all_tenants": str, **dict.fromkeys(_FILTERS, str)}}

    def get(self, request: HttpRequest) -> Response:
        params = {name: values for name, values in request.GET.lists() if name in _FILTERS}
        found = SNAPSHOTS.filtered(self.of_all_projects(services.visible(self.actor)), params)
        page = Page.from_request(request, sort_keys=SNAPSHOTS.columns, paging=PAGING)
        rows = page.read(found)
        return self.page_of("snapshots", self.fields, rows, page)


class Snapshots(SnapshotPage):
    """List snapshots in short, or make one."""

    bodies = {"post": _body(new=True)}
    answers = {**SnapshotPage.answers, "post": {202: {"snapshot": SUMMARY}}}

    def post(self, request: HttpRequest) -> Response:
        snapshot = services.create(self.actor, **_values(self.body()["snapshot"]))
        return self.answer("snapshot", SUMMARY, snapshot, status=202)


class SnapshotsDetail(SnapshotPage):
    """List snapshots with all that is known of them."""

    fields = FIELDS
    answers = {"get": {200: {"snapshots": [FIELDS], "snapshots_links?": LINKS}}}


class SnapshotDetail(VolumeView):
    """Show, change or delete a snapshot."""

    bodies = {"put": _body(new=False)}
    answers = {"get": {200: {"snapshot": FIELDS}}, "put": {200: {"snapshot": FIELDS}}, "delete": {202: None}}

    def get(self, request: HttpRequest, id: str) -> Response:
        return self.answer("snapshot", FIELDS, services.find(self.actor, id))

    def put(self, request: HttpRequest, id: str) -> Response:
        return self.answer("snapshot", FIELDS, services.update(self.actor, id, **_values(self.body()["snapshot"])))

    def delete(self, request: HttpRequest, id: str) -> Response:
        services.delete(self.actor, id)
        return Response(status=202)
