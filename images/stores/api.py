"""Routes that tell what the image service can do: versions, stores, import methods, schemas."""

from typing import NoReturn

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from authorization import policy
from common.errors import NotFound
from common.stores import Store
from images import stores
from images.images import services
from images.images.fields import SCHEMA
from images.images.views import ImageServiceView
from images.metadefs.schemas import SCHEMAS as METADEFS
from images.stores.schemas import SCHEMAS
from images.tasks.imports import methods
from openstackapi import states, streams
from openstackapi.shapes import LINKS
from openstackapi.views import Response
from quota import services as quota

#: 2.17 is the API of locations, which is not there; 2.14, 2.16 and 2.18 are the image cache's, which is a host's own here.
CURRENT = "2.15"
SUPPORTED = (
    "2.13",
    "2.12",
    "2.11",
    "2.10",
    "2.9",
    "2.8",
    "2.7",
    "2.6",
    "2.5",
    "2.4",
    "2.3",
    "2.2",
    "2.1",
    "2.0",
)


class SchemaNotFound(NotFound):
    template = _("There is no schema %(name)s.")


_VERSION = {"id": str, "status": str, "links": LINKS}
_STORE = {"id": str, "description": str, "default?": str}


class Versions(ImageServiceView):
    """GET / answers 300, GET /versions (`NamedVersions`) 200, with the same list."""

    anonymous = True
    status = 300
    answers = {"get": {300: {"versions": [_VERSION]}}}

    def get(self, request: Request) -> Response:
        links = [{"rel": "self", "href": f"{self.root()}/api/image/v2/"}]
        rows = [{"id": f"v{CURRENT}", "status": states.CURRENT, "links": links}]
        rows += [{"id": f"v{version}", "status": states.SUPPORTED, "links": links} for version in SUPPORTED]
        return Response({"versions": rows}, status=self.status)


class NamedVersions(Versions):
    status = 200
    answers = {"get": {200: {"versions": [_VERSION]}}}


def _row(store: Store) -> dict[str, str]:
    row = {"id": store.name, "description": str(store.description)}
    return {**row, "default": "true"} if store is stores.default() else row


class Stores(ImageServiceView):
    answers = {"get": {200: {"stores": [_STORE]}}}

    def get(self, request: Request) -> Response:
        return Response({"stores": [_row(store) for store in stores.STORES]})


class StoresDetail(ImageServiceView):
    answers = {
        "get": {
            200: {
                "stores": [
                    {**_STORE, "type": str, "weight": int, "properties": {"chunk_size": int, "thin_provisioning": bool}}
                ]
            }
        }
    }

    def get(self, request: Request) -> Response:
        policy.require(self.actor, "stores_info_detail")
        more = {"type": "file", "weight": 0, "properties": {"chunk_size": streams.PIECE, "thin_provisioning": False}}
        return Response({"stores": [{**_row(store), **more} for store in stores.STORES]})


class StoredImage(ImageServiceView):
    """An image's copy in one store. There is one store, so that a copy there is the only one."""

    answers = {"delete": {}}

    def delete(self, request: Request, store_id: str, image_id: str) -> NoReturn:
        services.remove_from_store(self.actor, store_id=store_id, image_id=image_id)


class Usage(ImageServiceView):
    """Usage of the project's quotas."""

    answers = {"get": {200: {"usage": {str: {"limit": int, "usage": int}}}}}

    def get(self, request: Request) -> Response:
        held = quota.usage(self.actor.project_id or "", "image")
        return Response({"usage": {name: {"limit": limit, "usage": used} for name, (used, limit) in held.items()}})


class ImportMethods(ImageServiceView):
    answers = {"get": {200: {"import-methods": {"description": str, "type": str, "value": [str]}}}}

    def get(self, request: Request) -> Response:
        value = {"description": "Import methods available.", "type": "array", "value": methods()}
        return Response({"import-methods": value})


class Schemas(ImageServiceView):
    answers = {"get": {200: {"name": str, "properties": dict, str: object}}}

    def get(self, request: Request, name: str) -> Response:
        schema = SCHEMA if name == "image" else SCHEMAS.get(name) or METADEFS.get(name)
        if schema is None:
            raise SchemaNotFound(name=name)
        return Response(schema)
