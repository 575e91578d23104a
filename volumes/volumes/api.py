"""Volumes on the wire."""

import ast
from collections.abc import Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.truth import truth
from openstackapi.resource import Resource
from openstackapi.shapes import LINKS, PAGE, Versioned, With
from openstackapi.versioned import Span
from volumes.views import PAGING, Page, Response, VolumeView
from volumes.volumes import creating, services
from volumes.volumes.creating import Wanted
from volumes.volumes.errors import VolumeMetadataNotFound
from volumes.volumes.fields import CREATE, FIELDS, ITEMS, SUMMARY, UPDATE
from volumes.volumes.models import Volume
from volumes.volumes.showing import Shown, rows, with_image

VOLUMES: Final = Resource[Volume](
    name="volume",
    plural="volumes",
    fields=FIELDS,
    columns={
        "id": "id",
        "name": "name",
        "display_name": "name",
        "status": "status",
        "size": "size",
        "availability_zone": "availability_zone",
        "created_at": "created_at",
        "updated_at": "updated_at",
        "user_id": "user_id",
        "bootable": "bootable",
    },
)
#: Versions in which a list may tell how many there are in all.
_COUNTED: Final = Span(since=(3, 45))
_SHOWN: Final = With(FIELDS, {"volume_image_metadata?": {str: str}})
_FILTERS: Final = ("name", "status", "size", "bootable", "availability_zone", "metadata", "volume_type", "user_id")


class _Whole(VolumeView):
    def whole(self, volumes: Sequence[Volume]) -> list[Shown]:
        """Show volumes with all that the version has of them."""
        found = [row | {"links": self.links("volumes", str(row["id"]))} for row in rows(volumes)]
        shown = FIELDS.render_many(found, self.version, self.actor)
        return [with_image(one, row) for one, row in zip(shown, found, strict=True)]


class VolumePage(_Whole):
    """A page of the volumes of a project, or of all for an operator."""

    answers = {"get": {200: {"volumes": [SUMMARY], "volumes_links?": LINKS, "count?": Versioned(int, since=(3, 45))}}}
    queries = {"get": {**PAGE, "sort": str, "all_tenants": str, "with_count": str, **dict.fromkeys(_FILTERS, str)}}

    def get(self, request: HttpRequest) -> Response:
        found = self._selected(self.of_all_projects(services.visible(self.actor)))
        page = Page.from_request(request, sort_keys=VOLUMES.columns, paging=PAGING)
        volumes = page.read(found.select_related("type"))
        response = self._shown(volumes, page)
        if self.version in _COUNTED and truth(request.GET.get("with_count")):
            response.data["count"] = found.count()
        return response

    def _selected(self, found: QuerySet[Volume]) -> QuerySet[Volume]:
        params = {name: values for name, values in self.request.GET.lists() if name in _FILTERS}
        if types := params.pop("volume_type", None):
            found = found.filter(type__name__in=types)
        for text in params.pop("metadata", ()):
            for key, value in parsed(text).items():
                found = found.filter(Exact(KeyTextTransform(key, "metadata"), value))
        return VOLUMES.filtered(found, params)

    def _shown(self, volumes: Sequence[Volume], page: Page) -> Response:
        known = [{"id": one.id, "name": one.name, "links": self.links("volumes", one.id)} for one in volumes]
        return self.page_of("volumes", SUMMARY, known, page)


def parsed(text: str) -> dict[str, str]:
    """Read a filter by metadata, which clients write as Python's or JSON's mapping. Raises: Invalid."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Invalid(reason=_("Invalid filter metadata: %(text)s is no mapping."), text=text[:100])
    return {str(key): str(value) for key, value in found.items()}


class Volumes(VolumePage):
    """List volumes in short, or make one."""

    bodies = {"post": CREATE}
    answers = {**VolumePage.answers, "post": {202: {"volume": _SHOWN}}}

    def post(self, request: HttpRequest) -> Response:
        body = self.body()
        volume = creating.create(self.actor, _wanted(body["volume"], body.get("OS-SCH-HNT:scheduler_hints") or {}))
        return Response({"volume": self.whole([volume])[0]}, status=202)


def _wanted(said: dict[str, Any], hints: dict[str, object]) -> Wanted:
    size = said.get("size")
    return Wanted(
        size=None if size is None else int(size),
        name=said.get("name", said.get("display_name")),
        description=said.get("description", said.get("display_description")),
        type=said.get("volume_type"),
        availability_zone=said.get("availability_zone"),
        metadata=said.get("metadata") or {},
        image_id=said.get("imageRef") or said.get("image_id"),
        snapshot_id=said.get("snapshot_id"),
        source_volume_id=said.get("source_volid"),
        hints=hints,
    )


class VolumesDetail(VolumePage):
    """List volumes with all that is known of them."""

    answers = {"get": {200: {"volumes": [_SHOWN], "volumes_links?": LINKS, "count?": Versioned(int, since=(3, 45))}}}

    def _shown(self, volumes: Sequence[Volume], page: Page) -> Response:
        shown = self.whole(volumes)
        more = page.nova_links(self.request._request, shown)
        return Response({"volumes": shown, **({"volumes_links": more} if more else {})})


class VolumeDetail(_Whole):
    """Show, change or delete a volume."""

    bodies = {"put": UPDATE}
    answers = {"get": {200: {"volume": _SHOWN}}, "put": {200: {"volume": _SHOWN}}, "delete": {202: None}}

    def get(self, request: HttpRequest, id: str) -> Response:
        return Response({"volume": self.whole([services.find(self.actor, id)])[0]})

    def put(self, request: HttpRequest, id: str) -> Response:
        said = self.body()["volume"]
        names = {"display_name": "name", "display_description": "description"}
        values = {names.get(name, name): value for name, value in said.items()}
        if not values:
            raise Invalid(reason=_("At least one of name, description and metadata is needed."))
        return Response({"volume": self.whole([services.update(self.actor, id, **values)])[0]})

    def delete(self, request: HttpRequest, id: str) -> Response:
        services.delete(self.actor, id)
        return Response(status=202)


class VolumeMetadata(VolumeView):
    """All of a volume's metadata."""

    bodies = {"post": ITEMS, "put": ITEMS}
    answers = {method: {200: {"metadata": {str: str}}} for method in ("get", "post", "put")}

    def get(self, request: HttpRequest, id: str) -> Response:
        return Response({"metadata": services.find(self.actor, id, "volume:get_volume_metadata").metadata})

    def post(self, request: HttpRequest, id: str) -> Response:
        return self._set(id, replace=False)

    def put(self, request: HttpRequest, id: str) -> Response:
        return self._set(id, replace=True)

    def _set(self, id: str, *, replace: bool) -> Response:
        items = self.body()["metadata"]
        return Response({"metadata": services.set_metadata(self.actor, id, items, replace=replace)})


class VolumeMetadataItem(VolumeView):
    """One key of a volume's metadata."""

    bodies = {"put": {"type": "object", "properties": {"meta": {"type": "object"}}, "required": ["meta"]}}
    answers = {"get": {200: {"meta": {str: str}}}, "put": {200: {"meta": {str: str}}}, "delete": {200: None}}

    def get(self, request: HttpRequest, id: str, key: str) -> Response:
        metadata = services.find(self.actor, id, "volume:get_volume_metadata").metadata
        if key not in metadata:
            raise VolumeMetadataNotFound(id=id, key=key)
        return Response({"meta": {key: metadata[key]}})

    def put(self, request: HttpRequest, id: str, key: str) -> Response:
        meta = self.body()["meta"]
        if set(meta) != {key}:
            raise Invalid(reason=_("Request body and URI mismatch"))
        found = services.set_metadata(self.actor, id, {key: str(meta[key])}, replace=False)
        return Response({"meta": {key: found[key]}})

    def delete(self, request: HttpRequest, id: str, key: str) -> Response:
        services.unset_metadata(self.actor, id, key)
        return Response(status=200)
