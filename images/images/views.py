"""What the routes of the image service share."""

from collections.abc import Iterator
from typing import BinaryIO

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.numbers import is_whole
from images.images.errors import Incomplete, WrongDataType
from images.stores import files
from openstackapi.views import ServiceView


class ImageServiceView(ServiceView):
    """One route of the image service."""

    service = "image"


def body_length(request: HttpRequest) -> int | None:
    """Bytes announced, None for a body sent in chunks, 0 for no body at all."""
    text = request.META.get("CONTENT_LENGTH") or ""
    if not text and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    return int(text) if is_whole(text) else 0


def body_pieces(request: HttpRequest) -> Iterator[bytes]:
    """The request's body in pieces of 1 MiB, straight from the server.

    Django's own stream takes a body without a length as empty, and would keep small ones in memory. Nobody may have
    touched `request.body` or `request.POST` before.
    """
    stream: BinaryIO = request.META["wsgi.input"]
    left = body_length(request)
    while left is None or left > 0:
        try:
            piece = stream.read(files.PIECE if left is None else min(files.PIECE, left))
        except (OSError, EOFError) as error:  # the client went away
            raise Incomplete(have=_("some"), want=_("all")) from error
        if not piece:
            return
        if left is not None:
            left -= len(piece)
        yield piece


def require_octets(request: HttpRequest) -> None:
    """Raises: WrongDataType."""
    media = (request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    if media != "application/octet-stream":
        raise WrongDataType(content_type=media or "nothing")
