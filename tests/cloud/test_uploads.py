"""Chunked bodies through their own door: whole or an error."""

import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud import uploads

HEAD = b"PUT /x%20y?a=b HTTP/1.1\r\nHost: cloud\r\nTransfer-Encoding: chunked\r\nX-Auth-Token: t\r\n"


class Served:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[Any] = []
        self.reads = True
        self.server = uploads.serve(path, self.application)

    def application(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        self.heard.append({name: environ.get(name) for name in ("PATH_INFO", "QUERY_STRING", "HTTP_X_AUTH_TOKEN")})
        if self.reads:
            try:
                self.heard.append(environ["wsgi.input"].read(1 << 20))
                self.heard.append(environ["wsgi.input"].read(1 << 20))
            except EOFError as error:
                self.heard.append(error)
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    def ask(self, *sent: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(str(self.path))
            for piece in sent:
                link.sendall(piece)
            link.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := link.recv(65536):
                answer += piece
        return answer


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "u.sock").touch()  # left from another one
    made = Served(tmp_path / "u.sock")
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_whole_body_arrives(served: Served) -> None:
    answer = served.ask(HEAD + b"\r\n", b"3\r\nabc\r\n", b"2;x=y\r\nde\r\n", b"0\r\nX-T: 1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 200 OK") and answer.endswith(b"ok")
    asked = {"PATH_INFO": "/x y", "QUERY_STRING": "a=b", "HTTP_X_AUTH_TOKEN": "t"}
    assert served.heard == [asked, b"abcde", b""]
    assert served.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "sent", [b"", b"3\r\nabc\r\n", b"3\r\nab", b"3\r\nabc", b"3", b"3\r\nabc\r\n0\r\n", b"zz\r\n", b"3\r\nabcdef\r\n"]
)
def test_a_body_that_breaks_off_is_an_error(served: Served, sent: bytes) -> None:
    served.ask(HEAD + b"\r\n", sent)
    assert isinstance(served.heard[-1], uploads.BrokenOff)


def test_a_client_may_wait_for_a_word_first(served: Served) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(str(served.path))
        link.sendall(HEAD + b"Expect: 100-continue\r\n\r\n")
        assert link.recv(100).startswith(b"HTTP/1.1 100 Continue")
        link.sendall(b"0\r\n\r\n")
        assert link.recv(100).startswith(b"HTTP/1.0 200 OK")


def test_an_answer_before_the_bodys_end_is_read(served: Served) -> None:
    served.reads = False
    piece = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    assert served.ask(HEAD + b"\r\n", *[piece] * 4, b"0\r\n\r\n").endswith(b"ok")


def test_only_chunks_come_here(served: Served) -> None:
    assert served.ask(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx").startswith(b"HTTP/1.1 411")
    assert served.heard == []


def test_no_size_is_all() -> None:
    assert uploads.Chunks(io.BytesIO(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n")).readall() == b"ab"
