"""Routes that tell what the image service can do: versions, stores, import methods, schemas."""

from typing import Any, NoReturn

from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import NotFound
from identity.limits import services as quota
from images.images import services
from images.images.fields import SCHEMA
from images.images.views import ImageServiceView
from images.metadefs.schemas import SCHEMAS as METADEFS
from images.stores import files
from images.stores.schemas import SCHEMAS
from images.tasks.imports import methods
from openstackapi.views import Response

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


class Versions(ImageServiceView):
    """GET / answers 300, GET /versions 200, with the same list."""

    anonymous = True
    status = 300

    def get(self, request: Any) -> Response:
        links = [{"rel": "self", "href": f"{self.root()}/api/image/v2/"}]
        rows = [{"id": f"v{CURRENT}", "status": "CURRENT", "links": links}]
        rows += [{"id": f"v{version}", "status": "SUPPORTED", "links": links} for version in SUPPORTED]
        return Response({"versions": rows}, status=self.status)


class Stores(ImageServiceView):
    def get(self, request: Any) -> Response:
        return Response({"stores": [{"id": files.NAME, "description": files.DESCRIPTION, "default": "true"}]})


class StoresDetail(ImageServiceView):
    def get(self, request: Any) -> Response:
        policy.require(self.actor, "image:stores_detail")
        properties = {"chunk_size": files.PIECE, "thin_provisioning": False}
        row = {"id": files.NAME, "type": "file", "description": files.DESCRIPTION, "default": "true", "weight": 0}
        return Response({"stores": [{**row, "properties": properties}]})


class StoredImage(ImageServiceView):
    """An image's copy in one store. There is one store, so that a copy there is the only one."""

    def delete(self, request: Any, store_id: str, image_id: str) -> NoReturn:
        services.remove_from_store(self.actor, store_id=store_id, image_id=image_id)


class Usage(ImageServiceView):
    """What the project uses of its quotas."""

    def get(self, request: Any) -> Response:
        held = quota.usage(self.actor.project_id or "", "image")
        return Response({"usage": {name: {"limit": limit, "usage": used} for name, (used, limit) in held.items()}})


class ImportMethods(ImageServiceView):
    def get(self, request: Any) -> Response:
        value = {"description": "Import methods available.", "type": "array", "value": methods()}
        return Response({"import-methods": value})


class Schemas(ImageServiceView):
    answers = {"get": {"type": "object", "properties": {"name": {"type": "string"}, "properties": {"type": "object"}}}}

    def get(self, request: Any, name: str) -> Response:
        schema = SCHEMA if name == "image" else SCHEMAS.get(name) or METADEFS.get(name)
        if schema is None:
            raise SchemaNotFound(name=name)
        return Response(schema)
