"""Bytes of requests and answers: announced, measured, cut into ranges, answered under conditions."""

import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from django.utils.http import http_date
from hypothesis import given
from hypothesis import strategies as st

from openstackapi.streams import (
    Content,
    Incoming,
    Incomplete,
    Measure,
    NotAsExpected,
    Range,
    RangeNotSatisfiable,
    WrongDataType,
    answer,
    ranges,
)

DATA = bytes(range(256)) * 4


def incoming(stream: Any, **meta: str) -> Incoming:
    return Incoming(RequestFactory().generic("PUT", "/", **{"wsgi.input": stream, "CONTENT_LENGTH": "", **meta}))  # type: ignore[arg-type]


def test_a_body_comes_up_to_its_length_and_one_in_chunks_to_its_end() -> None:
    body = incoming(io.BytesIO(b"0123456789"), CONTENT_LENGTH="4")
    assert (body.length, b"".join(body.pieces())) == (4, b"0123")
    chunked = incoming(io.BytesIO(b"0123456789"), HTTP_TRANSFER_ENCODING="Chunked")
    assert (chunked.length, b"".join(chunked.pieces())) == (None, b"0123456789")
    none = incoming(io.BytesIO(b"0123456789"))
    assert (none.length, list(none.pieces())) == (0, [])


def test_a_client_that_breaks_off_is_told_apart_from_an_end() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise EOFError

    with pytest.raises(Incomplete):
        list(incoming(Broken(), CONTENT_LENGTH="4").pieces())


def test_only_octets_are_taken() -> None:
    incoming(io.BytesIO(), CONTENT_TYPE="Application/Octet-Stream; x=y").require_octets()
    with pytest.raises(WrongDataType, match="text/plain"):
        incoming(io.BytesIO(), CONTENT_TYPE="text/plain").require_octets()


def test_bytes_are_counted_and_hashed_as_they_pass() -> None:
    measure = Measure("md5", "sha512")
    assert b"".join(measure.pass_on([b"one", b"two"], announced=6)) == b"onetwo"
    assert measure.size == 6
    assert measure.hex("md5") == hashlib.md5(b"onetwo").hexdigest()
    assert measure.hex("sha512") == hashlib.sha512(b"onetwo").hexdigest()


@pytest.mark.parametrize("announced", [5, 7])
def test_other_bytes_than_announced_are_refused_at_the_end(announced: int) -> None:
    with pytest.raises(Incomplete, match=f"6 of {announced}"):
        list(Measure().pass_on([b"one", b"two"], announced=announced))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bytes=2-4", [Range(2, 3)]),
        ("bytes=2-", [Range(2, 8)]),
        ("bytes=-3", [Range(7, 3)]),
        ("bytes=-30", [Range(0, 10)]),
        ("bytes=5-99", [Range(5, 5)]),
        ("bytes 2-4/10", [Range(2, 3)]),
        ("bytes 2-4/*", [Range(2, 3)]),
        ("bytes=8-9, 0-1,20-30", [Range(0, 2), Range(8, 2)]),
        ("bytes=0-3,2-5,6-7", [Range(0, 8)]),
        ("bytes=0-1, -2", [Range(0, 2), Range(8, 2)]),
    ],
)
def test_ranges_are_read(text: str, found: list[Range]) -> None:
    assert ranges(text, 10, most=3) == found


@pytest.mark.parametrize(
    "text", ["bytes=10-", "bytes=4-2", "bytes=", "bytes=-", "bytes=-0", "lines=1-2", "bytes=a-b", "bytes=0-1,x", "bytes=0-0,1-1,2-2,3-3",
             "bytes=" + "9" * 5000 + "-", "bytes=²-3", "bytes=20-,30-", ""]
)  # fmt: skip
def test_ranges_that_cannot_be_given_are_refused(text: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        ranges(text, 10, most=3)


def test_several_are_refused_where_one_is_answered() -> None:
    with pytest.raises(RangeNotSatisfiable):
        ranges("bytes=0-1,3-4", 10)


@given(size=st.integers(1, 10_000), text=st.from_regex(r"bytes=\d{0,5}-\d{0,5}(,\d{0,5}-\d{0,5}){0,3}", fullmatch=True))
def test_ranges_lie_inside_apart_and_in_order_or_are_refused(size: int, text: str) -> None:
    try:
        found = ranges(text, size, most=4)
    except RangeNotSatisfiable:
        return
    at = -1
    for one in found:
        assert one.start > at and one.length > 0 and one.start + one.length <= size
        at = one.start + one.length


def content(**more: Any) -> Content:
    def read(start: int, length: int) -> Iterator[bytes]:
        yield DATA[start : start + length]

    return Content(len(DATA), read, **more)


def ask(what: Content, *, most: int = 1, **headers: str) -> HttpResponseBase:
    meta = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    request = RequestFactory().get("/", **meta)  # type: ignore[arg-type]
    return answer(request, what, asked=headers.get("range", ""), most_ranges=most)


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_all_bytes_and_one_part() -> None:
    whole = ask(content())
    assert (whole.status_code, whole.headers["Content-Length"], body(whole)) == (200, "1024", DATA)
    assert "ETag" not in whole.headers and "Last-Modified" not in whole.headers
    part = ask(content(), range="bytes=10-19")
    assert (part.status_code, part.headers["Content-Range"], body(part)) == (206, "bytes 10-19/1024", DATA[10:20])


def test_several_parts_are_one_body_of_the_announced_length() -> None:
    found = ask(content(media="text/x"), most=4, range="bytes=-4,0-3")
    kind = found.headers["Content-Type"]
    assert found.status_code == 206 and kind.startswith("multipart/byteranges; boundary=")
    sent = body(found)
    assert len(sent) == int(found.headers["Content-Length"])
    mark = b"--" + kind.rpartition("=")[2].encode()
    empty, first, second, end = sent.split(mark)
    assert (empty, end) == (b"\r\n", b"--\r\n")
    assert first == b"\r\nContent-Type: text/x\r\nContent-Range: bytes 0-3/1024\r\n\r\n" + DATA[:4] + b"\r\n"
    assert second == b"\r\nContent-Type: text/x\r\nContent-Range: bytes 1020-1023/1024\r\n\r\n" + DATA[-4:] + b"\r\n"


NOW = 1_000_000_000
VALID = {"etag": '"a"', "modified": NOW}


def test_what_the_client_has_is_not_sent_again() -> None:
    for headers in ({"if_none_match": '"b", "a"'}, {"if_none_match": "*"}, {"if_modified_since": http_date(NOW)}):
        found = ask(content(**VALID), **headers)
        assert (found.status_code, found.headers["ETag"]) == (304, '"a"') and not body(found)
    for headers in ({"if_none_match": '"b"'}, {"if_modified_since": http_date(NOW - 1)}):
        found = ask(content(**VALID), **headers)
        assert found.status_code == 200 and found.headers["Last-Modified"] == http_date(NOW)


def test_a_condition_that_does_not_hold_is_refused() -> None:
    for headers in ({"if_match": '"b"'}, {"if_unmodified_since": http_date(NOW - 1)}):
        with pytest.raises(NotAsExpected):
            ask(content(**VALID), **headers)
    assert ask(content(**VALID), if_match='"a"').status_code == 200
    assert ask(content(), if_match='"a"').status_code == 200  # of content without validators nothing is asked


def test_a_range_of_what_changed_meanwhile_is_answered_whole() -> None:
    for condition, status in (
        ('"a"', 206),
        ('"b"', 200),
        ('W/"a"', 200),
        (http_date(NOW), 206),
        (http_date(NOW - 1), 200),
    ):
        assert ask(content(**VALID), range="bytes=0-1", if_range=condition).status_code == status, condition


def test_nginx_is_named_the_file_where_it_says_that_it_sends_them() -> None:
    found = ask(content(place="/there/x"), x_sendfile_type="X-Accel-Redirect", range="bytes=0-1")
    assert (found.status_code, found.headers["X-Accel-Redirect"], body(found)) == (200, "/there/x", b"")
    assert body(ask(content(place="/there/x"))) == DATA
    assert body(ask(content(), x_sendfile_type="X-Accel-Redirect")) == DATA
