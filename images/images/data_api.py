"""Routes of an image's bytes."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from authorization.context import RequestContext
from common.rates import AtOnce
from common.stores import DataMissing, is_whole
from images import stores
from images.images import data, services, states
from images.images.errors import Deactivated, NotPermitted
from images.images.models import Image
from images.images.views import ImageServiceView
from openstackapi import streams
from openstackapi.shapes import Media
from openstackapi.views import Response

#: Each is a thread of the bytes process for as long as its body comes; no user takes them all.
uploads = AtOnce(settings.USER_UPLOADS, "uploads")
MEDIA: dict[str, dict[str, object]] = {streams.OCTETS: {}}
#: Where nginx has the image store.
STORED = "/stored-images/"


class ImageFile(ImageServiceView):
    media = {"put": MEDIA}
    answers = {"get": {200: Media(), 204: None, 206: Media()}, "put": {204: None}}

    def get(self, request: Request, image_id: str) -> HttpResponseBase:
        image = readable(self.actor, image_id)
        if not states.has_data(image.status):
            return HttpResponse(status=204)
        return file_response(image, request._request)

    def put(self, request: Request, image_id: str) -> Response:
        body = streams.Incoming(request._request)
        body.require_octets()
        with uploads.one(self.actor.user_id):
            data.upload(self.actor, image_id=image_id, pieces=body.pieces(), expected=body.length)
        return Response(status=204)


class ImageStage(ImageServiceView):
    media = {"put": MEDIA}
    answers = {"put": {204: None}}

    def put(self, request: Request, image_id: str) -> Response:
        body = streams.Incoming(request._request)
        body.require_octets()
        with uploads.one(self.actor.user_id):
            data.stage(self.actor, image_id=image_id, pieces=body.pieces(), expected=body.length)
        return Response(status=204)


def readable(actor: RequestContext, image_id: str) -> Image:
    """Raises: ImageNotFound, NotPermitted, Deactivated."""
    image = services.get(actor, image_id=image_id)
    if not services.allowed(actor, "download_image", image):
        raise NotPermitted(verb=_("download"))
    if not states.downloadable_by_all(image.status) and not actor.is_admin:
        raise Deactivated(id=image_id)
    return image


def file_response(image: Image, request: HttpRequest) -> HttpResponseBase:
    """Answer with the bytes, or the part that Range (or Glance's own Content-Range) asks for.

    Raises: RangeNotSatisfiable, DataMissing.
    """
    store = stores.default()
    if not is_whole(store, image.pk, None):
        raise DataMissing(id=image.pk)
    asked = request.META.get("HTTP_RANGE") or request.META.get("HTTP_CONTENT_RANGE") or ""
    content = streams.Content(
        image.size or 0,
        lambda start, length: store.get(image.pk, start, length),
        place=f"{STORED}{image.pk}" if "location" in store.capabilities else "",
    )
    response = streams.answer(request, content, asked=asked)
    if not asked and image.checksum:
        response.headers["Content-MD5"] = image.checksum
    return response
