"""Bodies that are read as they come: whole or an error."""

import io
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud import uploads

pytestmark = pytest.mark.process

HEAD = b"PUT /x%20y?a=b HTTP/1.1\r\nHost: cloud\r\nTransfer-Encoding: chunked\r\nX-Auth-Token: t\r\n"


class Served:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[Any] = []
        self.reads = True
        self.server = uploads.serve(path, self.application, threads=4)

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


@pytest.mark.parametrize("sent", [b"", b"ab"])
def test_a_body_shorter_than_it_was_said_to_be_is_an_error(served: Served, sent: bytes) -> None:
    served.ask(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n" + sent)
    assert isinstance(served.heard[-1], uploads.BrokenOff)


def test_a_body_with_a_length_ends_where_it_says(served: Served) -> None:
    served.ask(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcdef")
    assert served.heard[1:] == [b"abc", b""]


@pytest.mark.parametrize("head", [b"Content-Length: 5000000", b"Transfer-Encoding: chunked"])
def test_a_body_may_go_on_after_its_answer(served: Served, head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 11: who is refused early is sending still, and would take the closed socket for the answer. Not for ever."""
    served.reads = False
    monkeypatch.setattr(uploads, "LINGER", 1.0)
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(str(served.path))
        link.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        answer = b""
        while piece := link.recv(100):
            answer += piece
        assert answer.startswith(b"HTTP/1.0 200") and answer.endswith(b"ok")
        link.sendall(bytes(1_000_000))
        time.sleep(1.5)
        with pytest.raises(OSError):
            link.sendall(bytes(1_000_000))


@pytest.mark.parametrize("head", [b"Transfer-Encoding: gzip, chunked", b"Content-Length: -1", b"Content-Length: \xb2"])
def test_what_frames_a_body_otherwise_is_refused(served: Served, head: bytes) -> None:
    assert served.ask(b"PUT / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert served.heard == []


def test_a_body_that_would_never_end_is_cut(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """B1: a byte a second holds no thread for days."""
    monkeypatch.setattr(uploads, "FIRST", -10.0)  # as if the first minute were over
    served.ask(HEAD + b"\r\n", b"3\r\nabc\r\n0\r\n\r\n")
    assert isinstance(served.heard[-1], uploads.BrokenOff)


def test_more_requests_than_threads_wait_and_are_answered(served: Served) -> None:
    """B1: threads are bounded; who waits costs none."""
    head = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
    links = [socket.socket(socket.AF_UNIX) for _ in range(7)]
    for link in links:
        link.settimeout(10)
        link.connect(str(served.path))
        link.sendall(head)
    until = time.monotonic() + 5
    while len(served.heard) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(served.heard) == 4  # environments of requests; no body came
    for link in links:
        link.sendall(b"x")
    assert all(link.recv(100).startswith(b"HTTP/1.0 200") for link in links)


def test_no_size_is_all() -> None:
    assert uploads.Chunks(io.BytesIO(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n")).readall() == b"ab"
