"""Routes of an image's bytes."""

import re
from typing import Any

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from common.actor import Actor
from common.rates import AtOnce
from images.images import data, services, states
from images.images.errors import Deactivated, NotPermitted, RangeNotSatisfiable
from images.images.models import Image
from images.images.views import ImageServiceView, body_length, body_pieces, require_octets
from images.stores import files
from openstackapi.views import Response

#: Each is a thread of the bytes process for as long as its body comes; no user takes them all.
uploads = AtOnce(settings.USER_UPLOADS, "uploads")
OCTETS: dict[str, Any] = {"application/octet-stream": {}}
#: Where nginx, which says so with X-Sendfile-Type, has the image store: an answer names a file there and holds no thread
#: while it is sent. The part that Range asks for is nginx's to cut. Source: nginx, X-Accel; Rack::Sendfile, the header.
STORED = "/stored-images/"
_RANGE = re.compile(r"^bytes[= ](\d*)-(\d*)(?:/(?:\d+|\*))?\Z")


class ImageFile(ImageServiceView):
    media = {"put": OCTETS}

    def get(self, request: Any, image_id: str) -> HttpResponseBase:
        image = readable(self.actor, image_id)
        if not states.has_data(image.status):
            return HttpResponse(status=204)
        return file_response(image, request._request.META)

    def put(self, request: Any, image_id: str) -> Response:
        raw = request._request
        require_octets(raw)
        with uploads.one(self.actor.user_id):
            data.upload(self.actor, image_id=image_id, pieces=body_pieces(raw), expected=body_length(raw))
        return Response(status=204)


class ImageStage(ImageServiceView):
    media = {"put": OCTETS}

    def put(self, request: Any, image_id: str) -> Response:
        raw = request._request
        require_octets(raw)
        with uploads.one(self.actor.user_id):
            data.stage(self.actor, image_id=image_id, pieces=body_pieces(raw), expected=body_length(raw))
        return Response(status=204)


def readable(actor: Actor, image_id: str) -> Image:
    """Raises: ImageNotFound, NotPermitted, Deactivated."""
    image = services.get(actor, image_id=image_id)
    if not services.allowed(actor, "download_image", image):
        raise NotPermitted(verb=_("download"))
    if not states.downloadable_by_all(image.status) and not actor.is_admin:
        raise Deactivated(id=image_id)
    return image


def file_response(image: Image, meta: dict[str, Any]) -> HttpResponseBase:
    """The bytes, or the part that Range (or Glance's own Content-Range) asks for.

    Raises: RangeNotSatisfiable, DataMissing.
    """
    size = image.size or 0
    asked = meta.get("HTTP_RANGE") or meta.get("HTTP_CONTENT_RANGE")
    start, length = byte_range(asked, size) if asked else (0, size)
    response: HttpResponseBase
    if meta.get("HTTP_X_SENDFILE_TYPE") == "X-Accel-Redirect":
        response = _handed_over(image)
    else:
        response = StreamingHttpResponse(
            files.read(files.path_of(image.pk), start, length),
            status=206 if asked else 200,
            content_type="application/octet-stream",
        )
        response["Content-Length"], response["Accept-Ranges"] = str(length), "bytes"
        if asked:
            response["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    if not asked and image.checksum:
        response["Content-MD5"] = image.checksum
    return response


def _handed_over(image: Image) -> HttpResponseBase:
    """An answer that names the file to nginx. Raises: DataMissing."""
    files.require(files.path_of(image.pk))
    return HttpResponse(content_type="application/octet-stream", headers={"X-Accel-Redirect": f"{STORED}{image.pk}"})


def byte_range(text: str, size: int) -> tuple[int, int]:
    """(start, length) of one range such as ``bytes=0-99``, ``bytes=100-`` or ``bytes=-50``.

    Raises: RangeNotSatisfiable; several ranges in one request are not served either.
    """
    found = _RANGE.match(text.strip())
    first, last = found.groups() if found else ("", "")
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    elif last:
        start, end = max(0, size - int(last)), size - 1
    else:
        raise RangeNotSatisfiable(range=text, size=size)
    if start >= size or end < start:
        raise RangeNotSatisfiable(range=text, size=size)
    return start, end - start + 1
