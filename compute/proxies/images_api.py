"""Images in Nova's old form, until 2.35 (their metadata until 2.38)."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.numbers import is_whole
from compute.servers.api import filters
from compute.servers.api.schemas import METADATA, obj
from compute.views import ComputeView, ItemNotFound, Page, Response
from images.images import services as images
from images.images.changes import Change
from images.images.models import Image
from openstackapi.fields import iso_z
from openstackapi.shapes import LINKS, PAGE

_STATUS = {
    "queued": "SAVING",
    "saving": "SAVING",
    "active": "ACTIVE",
    "deleted": "DELETED",
    "pending_delete": "DELETED",
}
_PROGRESS = {"queued": 25, "saving": 50, "active": 100}


def _metadata(row: Image) -> dict[str, str]:
    return {key: str(value) for key, value in row.properties.items() if not key.startswith("os_glance")}


_FILTERS = ("name", "status", "server", "type", "changes-since", "minRam", "minDisk")
_BRIEF = {"id": str, "name": str | None, "links": [{"rel": str, "href": str, "type?": str}]}
_IMAGE = {
    **_BRIEF,
    "status": str,
    "progress": int,
    "minDisk": int,
    "minRam": int,
    "metadata": {str: str},
    "created": str,
    "updated": str,
    "OS-EXT-IMG-SIZE:size": int,
    "server?": {"id": str, "links": LINKS},
}


class _Images(ComputeView):
    until = (2, 35)

    def image_links(self, id: str) -> list[dict[str, str]]:
        alternate = f"{self.root()}/api/image/images/{id}"
        kind = "application/vnd.openstack.image"
        return [*self.links("images", id), {"rel": "alternate", "type": kind, "href": alternate}]

    def full(self, row: Image) -> dict[str, object]:
        out: dict[str, object] = {
            "id": row.id,
            "name": row.name,
            "status": _STATUS.get(row.status, "UNKNOWN"),
            "progress": _PROGRESS.get(row.status, 0),
            "minDisk": row.min_disk,
            "minRam": row.min_ram,
            "metadata": _metadata(row),
            "created": iso_z(row.created_at),
            "updated": iso_z(row.updated_at),
            "links": self.image_links(row.id),
            "OS-EXT-IMG-SIZE:size": row.size or 0,
        }
        server = row.properties.get("instance_uuid")
        if server:
            out["server"] = {"id": server, "links": self.links("servers", server)}
        return out

    def found(self, image_id: str) -> Image:
        return images.get(self.actor, image_id=image_id)


class ImageList(_Images):
    answers = {"get": {200: {"images": [_BRIEF], "images_links?": LINKS}}}
    queries = {"get": {**PAGE, **dict.fromkeys(_FILTERS, str)}}

    def get(self, request: Any) -> Response:
        page = Page.from_request(request, default_sort=(("created_at", "desc"), ("id", "desc")))
        rows = page.read(self._selected(request.GET))
        shown = [self.row(row) for row in rows]
        body: dict[str, object] = {"images": shown}
        more = page.nova_links(request._request, shown)
        return Response({**body, "images_links": more} if more else body)

    def row(self, row: Image) -> dict[str, object]:
        return {"id": row.id, "name": row.name, "links": self.image_links(row.id)}

    def _selected(self, query: Any) -> Any:
        rows = Image.objects.listed_for(self.actor, visibility=None, member_status="accepted")
        if "name" in query:
            rows = rows.filter(name=query["name"])
        if "status" in query:
            rows = rows.filter(status__in=[k for k, v in _STATUS.items() if v == query["status"].upper()])
        if "server" in query:
            rows = rows.filter(properties__instance_uuid=query["server"].rstrip("/").rpartition("/")[2])
        if "type" in query:
            snapshot = {"properties__image_type": "snapshot"}
            rows = rows.filter(**snapshot) if query["type"].lower() == "snapshot" else rows.exclude(**snapshot)
        rows = rows.filter(filters.changed_between(query, can_end=False))
        for name, column in (("minRam", "min_ram"), ("minDisk", "min_disk")):
            if name in query:
                if not is_whole(query[name]):
                    raise Invalid(reason=_("Invalid %(name)s filter [%(value)s]"), name=name, value=query[name])
                rows = rows.filter(**{f"{column}__gte": int(query[name])})
        return rows


class ImageListDetail(ImageList):
    answers = {"get": {200: {"images": [_IMAGE], "images_links?": LINKS}}}

    def row(self, row: Image) -> dict[str, object]:
        return self.full(row)


class ImageDetail(_Images):
    answers = {"get": {200: {"image": _IMAGE}}}

    def get(self, request: object, image_id: str) -> Response:
        return Response({"image": self.full(self.found(image_id))})

    def delete(self, request: object, image_id: str) -> Response:
        images.delete(self.actor, image_id=image_id)
        return Response(status=204)


_META = obj({"metadata": METADATA}, ("metadata",))
_ITEM = obj({"meta": {**METADATA, "minProperties": 1, "maxProperties": 1}}, ("meta",))


class _Metadata(_Images):
    until = (2, 38)

    def write(self, image_id: str, metadata: dict[str, str]) -> dict[str, str]:
        """Replace an image's properties by `metadata`."""
        row = self.found(image_id)
        changes = [Change("remove", name, None) for name in row.properties if name not in metadata]
        for name, value in metadata.items():
            verb = "replace" if name in row.properties else "add"
            if row.properties.get(name) != value:
                changes.append(Change(verb, name, value))
        images.update(self.actor, image_id=image_id, changes=changes)
        return metadata


class ImageMetadata(_Metadata):
    bodies = {"post": _META, "put": _META}
    answers = {method: {200: {"metadata": {str: str}}} for method in ("get", "post", "put")}

    def get(self, request: object, image_id: str) -> Response:
        return Response({"metadata": _metadata(self.found(image_id))})

    def post(self, request: object, image_id: str) -> Response:
        merged = {**_metadata(self.found(image_id)), **self.body()["metadata"]}
        return Response({"metadata": self.write(image_id, merged)})

    def put(self, request: object, image_id: str) -> Response:
        return Response({"metadata": self.write(image_id, self.body()["metadata"])})


class ImageMetadataItem(_Metadata):
    bodies = {"put": _ITEM}
    answers = {method: {200: {"meta": {str: str}}} for method in ("get", "put")}

    def get(self, request: object, image_id: str, key: str) -> Response:
        metadata = _metadata(self.found(image_id))
        if key not in metadata:
            raise ItemNotFound(reason=_("Metadata item was not found"))
        return Response({"meta": {key: metadata[key]}})

    def put(self, request: object, image_id: str, key: str) -> Response:
        item = self.body()["meta"]
        if key not in item:
            raise Invalid(reason=_("Request body and URI mismatch"))
        self.write(image_id, {**_metadata(self.found(image_id)), **item})
        return Response({"meta": item})

    def delete(self, request: object, image_id: str, key: str) -> Response:
        metadata = _metadata(self.found(image_id))
        if key not in metadata:
            raise ItemNotFound(reason=_("Metadata item was not found"))
        self.write(image_id, {k: v for k, v in metadata.items() if k != key})
        return Response(status=204)
