"""Bytes of requests and answers: read in pieces, counted and hashed as they pass, and answered whole, in parts or not at all.

Sources: RFC 9110, sections 8.8 (validators), 13 (conditions) and 14 (ranges).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, parse_http_date_safe
from django.utils.translation import gettext_lazy as _

from common.errors import CloudError, Invalid, PreconditionFailed, UnsupportedMediaType
from common.ids import new_hex
from common.numbers import is_whole

OCTETS: Final = "application/octet-stream"
PIECE: Final = 1 << 20  # bytes read at a time
#: Ranges that one request may ask for where several are answered; each costs a part's head and a seek.
MOST_RANGES: Final = 64
#: Glance's clients also write a blank for the `=`, and the size after a range, as in Content-Range.
_UNIT = re.compile(r"^bytes[= ](.*)\Z")
_RANGE = re.compile(r"^(\d*)-(\d*)(?:/(?:\d+|\*))?\Z")


class Incomplete(Invalid):
    template = _("The upload ended after %(have)s of %(want)s bytes.")


class WrongDataType(UnsupportedMediaType):
    template = _("Data is sent as application/octet-stream, not as %(content_type)s.")


class RangeNotSatisfiable(CloudError):
    template = _("The range %(range)s is outside of the %(size)s bytes that there are.")


class NotAsExpected(PreconditionFailed):
    template = _("What is stored is not what the request's conditions (If-Match, If-Unmodified-Since) ask for.")


# ── In ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Incoming:
    """A request's body as it comes; nobody may have touched `request.body` or `request.POST` before.

    Django's own stream takes a body without a length as empty, and would keep small ones in memory.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._stream: BinaryIO = request.META["wsgi.input"]
        self.media = (request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
        #: Bytes announced, None for a body sent in chunks, 0 for no body at all.
        self.length = _length(request)

    def require_octets(self) -> None:
        """Refuse a body that is not application/octet-stream. Raises: WrongDataType."""
        if self.media != OCTETS:
            raise WrongDataType(content_type=self.media or "nothing")

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in pieces of 1 MiB, straight from the server. Raises: Incomplete where the client breaks off."""
        left = self.length
        while left is None or left > 0:
            try:
                piece = self._stream.read(PIECE if left is None else min(PIECE, left))
            except (OSError, EOFError) as error:  # the client went away
                raise Incomplete(have=_("some"), want=_("all")) from error
            if not piece:
                return
            if left is not None:
                left -= len(piece)
            yield piece


def _length(request: HttpRequest) -> int | None:
    text = request.META.get("CONTENT_LENGTH") or ""
    if not text and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    return int(text) if is_whole(text) else 0


class Measure:
    """Counts and hashes bytes while they pass. `algorithms` are names of hashlib; a digest is for sums, not for secrets."""

    def __init__(self, *algorithms: str) -> None:
        self.size = 0
        self._digests = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}

    def pass_on(self, pieces: Iterable[bytes], *, announced: int | None = None) -> Iterator[bytes]:
        """Yield the same pieces. Raises: Incomplete at their end, where `announced` bytes were to come and others came."""
        for piece in pieces:
            self.size += len(piece)
            for digest in self._digests.values():
                digest.update(piece)
            yield piece
        if announced is not None and self.size != announced:
            raise Incomplete(have=self.size, want=announced)

    def hex(self, algorithm: str) -> str:
        """Return the digest, in hex, of what passed so far."""
        return self._digests[algorithm].hexdigest()


# ── Ranges ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Range:
    """`length` bytes from `start` on."""

    start: int
    length: int

    def of(self, size: int) -> str:
        """Format the range as a Content-Range header of `size` bytes in all."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def ranges(text: str, size: int, *, most: int = 1) -> list[Range]:
    """List the ranges of ``bytes=0-99``, ``bytes=100-``, ``bytes=-50`` or, up to `most`, of several with commas between them.

    Ranges outside of the `size` bytes are left out of several, and those that overlap or touch become one.
    Raises: RangeNotSatisfiable where none is left, one cannot be read, or too many were asked for.
    """
    refused = RangeNotSatisfiable(range=text[:200], size=size)
    unit = _UNIT.match(text.strip())
    parts = unit.group(1).split(",") if unit else []
    if not parts or len(parts) > most:
        raise refused
    found = []
    for part in parts:
        match = _RANGE.match(part.strip())
        first, last = (match[1], match[2]) if match else ("", "")
        if not (first or last) or not all(is_whole(end) for end in (first, last) if end):
            raise refused
        one = _range(first, last, size)
        if one is not None:
            found.append(one)
    if not found:
        raise refused
    return _joined(found) if len(found) > 1 else found


def _range(first: str, last: str, size: int) -> Range | None:
    """None where it lies outside."""
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    else:
        start, end = max(0, size - int(last)), size - 1
    return Range(start, end - start + 1) if start < size and end >= start else None


def _joined(found: list[Range]) -> list[Range]:
    """In order, without bytes that come twice: a client that asks for one part often gets it once (RFC 9110, 17.15)."""
    out: list[Range] = []
    for one in sorted(found, key=lambda each: each.start):
        if out and one.start <= out[-1].start + out[-1].length:
            end = max(out[-1].start + out[-1].length, one.start + one.length)
            out[-1] = Range(out[-1].start, end - out[-1].start)
        else:
            out.append(one)
    return out


# ── Out ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Content:
    """Bytes of an answer, and what is told of them.

    `read(start, length)` gives the bytes in pieces; `etag` is a quoted validator, `modified` seconds since the epoch, both
    empty where a client is told none; `place` is the path below which nginx finds the file, empty where it has none: an answer
    that names it holds no thread while it is sent, and nginx cuts the ranges. Source: nginx, X-Accel; Rack::Sendfile, the header.
    """

    size: int
    read: Callable[[int, int], Iterator[bytes]]
    media: str = OCTETS
    etag: str = ""
    modified: int | None = None
    place: str = ""


def answer(request: HttpRequest, content: Content, *, asked: str = "", most_ranges: int = 1) -> HttpResponseBase:
    """200 with all bytes, 206 with the ranges `asked` for (the Range header), 304 where the client has them already.

    Raises: NotAsExpected where If-Match or If-Unmodified-Since says otherwise, RangeNotSatisfiable, what `content.read` raises.
    """
    validators = {"ETag": content.etag} if content.etag else {}
    if content.modified is not None:
        validators["Last-Modified"] = http_date(content.modified)
    decided = get_conditional_response(request, content.etag or None, content.modified) if validators else None
    if decided is not None and decided.status_code != 304:
        raise NotAsExpected()
    if decided is not None:
        response: HttpResponseBase = decided
    elif content.place and request.META.get("HTTP_X_SENDFILE_TYPE") == "X-Accel-Redirect":
        response = HttpResponse(content_type=content.media, headers={"X-Accel-Redirect": content.place})
    else:
        cut = bool(asked) and _may_cut(request, content)
        response = _streamed(content, ranges(asked, content.size, most=most_ranges) if cut else [])
    for name, value in validators.items():
        response.headers.setdefault(name, value)
    return response


def _may_cut(request: HttpRequest, content: Content) -> bool:
    """Whether If-Range lets the ranges count: its validator is still the content's, compared strongly."""
    condition = request.META.get("HTTP_IF_RANGE", "").strip()
    if not condition:
        return True
    if condition.startswith('"'):
        return bool(condition == content.etag)
    moment = parse_http_date_safe(condition)
    return moment is not None and moment == content.modified


def _streamed(content: Content, parts: list[Range]) -> StreamingHttpResponse:
    """All bytes where there are no parts."""
    if len(parts) > 1:
        return _several(content, parts)
    one = parts[0] if parts else Range(0, content.size)
    headers = {"Content-Length": str(one.length), "Accept-Ranges": "bytes"}
    if parts:
        headers["Content-Range"] = one.of(content.size)
    pieces = content.read(one.start, one.length)
    return StreamingHttpResponse(pieces, status=206 if parts else 200, content_type=content.media, headers=headers)


def _several(content: Content, parts: list[Range]) -> StreamingHttpResponse:
    """multipart/byteranges: each part with a head of its own, and its place in the whole."""
    boundary = new_hex()
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {content.media}\r\nContent-Range: {one.of(content.size)}\r\n\r\n".encode()
        for one in parts
    ]
    end = f"\r\n--{boundary}--\r\n".encode()

    def pieces() -> Iterator[bytes]:
        for head, one in zip(heads, parts, strict=True):
            yield head
            yield from content.read(one.start, one.length)
        yield end

    length = sum(map(len, heads)) + sum(one.length for one in parts) + len(end)
    return StreamingHttpResponse(
        pieces(),
        status=206,
        content_type=f"multipart/byteranges; boundary={boundary}",
        headers={"Content-Length": str(length), "Accept-Ranges": "bytes"},
    )
