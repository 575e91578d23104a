"""Routes of images themselves."""

from rest_framework.request import Request

from images import stores
from images.images import listing, services
from images.images.changes import NEWER, OLDER, OPERATIONS, parse
from images.images.errors import NoBody
from images.images.fields import BASE, VALUES
from images.images.views import ImageServiceView
from images.tasks.imports import methods
from openstackapi.shapes import PAGE, Json
from openstackapi.views import Response

ONE: dict[object, object] = {**{f"{name}?": Json(schema) for name, schema in BASE.items()}, str: str}
LIST = {"images": [ONE], "first": str, "next?": str, "schema": str}
_PATH = {"type": "string", "pattern": "^/[^/]+"}
PATCHES: dict[str, dict[str, object]] = {
    NEWER: {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"op": {"enum": OPERATIONS}, "path": _PATH, "value": {}},
            "required": ["op", "path"],
        },
    },
    OLDER: {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {**dict.fromkeys(OPERATIONS, _PATH), "value": {}},
            "minProperties": 1,
        },
    },
}


class Images(ImageServiceView):
    bodies = {"post": VALUES}
    answers = {"get": {200: LIST}, "post": {201: ONE}}
    queries = {"get": {**PAGE, "sort": str, **dict.fromkeys(listing.FILTERS, str)}}

    def get(self, request: Request) -> Response:
        return Response(listing.index(self.actor, request._request))

    def post(self, request: Request) -> Response:
        values = self.body()
        if values is None:
            raise NoBody()
        image = services.create(self.actor, values=values)
        response = Response(services.show(self.actor, image_id=image.pk), status=201)
        response["Location"] = f"{self.root()}/api/image/v2/images/{image.pk}"
        response["OpenStack-image-import-methods"] = ",".join(methods())
        response["OpenStack-image-store-ids"] = stores.default().name
        return response


class ImageDetail(ImageServiceView):
    media = {"patch": PATCHES}
    answers = {"get": {200: ONE}, "patch": {200: ONE}}

    def get(self, request: Request, image_id: str) -> Response:
        return Response(services.show(self.actor, image_id=image_id))

    def patch(self, request: Request, image_id: str) -> Response:
        changes = parse(request._request.META.get("CONTENT_TYPE", ""), self.body({}))
        services.update(self.actor, image_id=image_id, changes=changes)
        return Response(services.show(self.actor, image_id=image_id))

    def delete(self, request: Request, image_id: str) -> Response:
        services.delete(self.actor, image_id=image_id)
        return Response(status=204)


class ImageAction(ImageServiceView):
    """POST …/actions/deactivate and …/actions/reactivate."""

    verb = ""
    answers = {"post": {204: None}}

    def post(self, request: Request, image_id: str) -> Response:
        services.switch(self.actor, self.verb, image_id=image_id)
        return Response(status=204)


class ImageTagDetail(ImageServiceView):
    answers = {"put": {204: None}}

    def put(self, request: Request, image_id: str, tag: str) -> Response:
        services.add_tag(self.actor, image_id=image_id, tag=tag)
        return Response(status=204)

    def delete(self, request: Request, image_id: str, tag: str) -> Response:
        services.remove_tag(self.actor, image_id=image_id, tag=tag)
        return Response(status=204)
