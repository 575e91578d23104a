"""The server of the bytes process: bodies of any size, read as they come, each request in a thread of its own.

granian gives the end of a body and its breaking off alike as an end of file, so a raw image whose client died would look
complete: here a body that breaks off is an error. nginx stands before these sockets, so a connection is one request.
"""

import io
import os
import socket
import socketserver
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from threading import BoundedSemaphore, Thread
from typing import Any, BinaryIO, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler

from django.db import connections

from common import file_modes

LINE = 8192  # bytes a line of the framing may have
SILENCE = 75.0  # seconds that a body may pause, or a reader
#: Bytes a second, over the whole body and after the first minute: what comes slower holds its thread for nothing.
SLOWEST = 4096
FIRST = 60.0
#: Seconds for which the rest of a body is read away after an answer that came before its end.
LINGER = 10.0


class BrokenOff(EOFError):
    """The client went away, sent what is no chunk, or sends too slowly ever to come to an end."""


class Body(io.RawIOBase):
    """A request's body as a file to read from; subclasses know where it ends.

    Reading raises: BrokenOff unless the body came whole.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._began = time.monotonic()
        self._came = 0

    @property
    def is_over(self) -> bool:
        """Whether all of it was read."""
        raise NotImplementedError

    def readable(self) -> bool:
        return True

    def _take(self, length: int, buffer: Any) -> int:
        """At most `length` bytes into the buffer."""
        try:
            piece = self._file.read1(min(length, len(buffer)))  # type: ignore[attr-defined]
        except OSError as error:  # silence
            raise BrokenOff from error
        self._came += len(piece)
        if not piece or self._came < SLOWEST * (time.monotonic() - self._began - FIRST):
            raise BrokenOff
        buffer[: len(piece)] = piece
        return len(piece)


class Sized(Body):
    """A body whose length was announced."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        super().__init__(file)
        self._left = length

    @property
    def is_over(self) -> bool:
        return not self._left

    def readinto(self, buffer: Any) -> int:
        if not self._left or not len(buffer):
            return 0
        got = self._take(self._left, buffer)
        self._left -= got
        return got


class Chunks(Body):
    """A body in chunks; the last one has no bytes."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._left = 0  # of this chunk
        self._ended = False

    @property
    def is_over(self) -> bool:
        return self._ended

    def readinto(self, buffer: Any) -> int:
        if not self._left and not self._next():
            return 0
        got = self._take(self._left, buffer)
        self._left -= got
        if not self._left and self._line():
            raise BrokenOff
        return got

    def _next(self) -> bool:
        """Begins the next chunk; False when that was the last one."""
        if self._ended:
            return False
        try:
            self._left = int(self._line().partition(b";")[0], 16)
        except ValueError as error:
            raise BrokenOff from error
        if self._left:
            return True
        while self._line():  # trailers
            pass
        self._ended = True
        return False

    def _line(self) -> bytes:
        line = self._file.readline(LINE)
        if not line.endswith(b"\n"):
            raise BrokenOff
        return line.rstrip(b"\r\n")


class _Handler(WSGIRequestHandler):
    """One request, then the connection ends."""

    protocol_version = "HTTP/1.1"  # so that `Expect: 100-continue` is answered
    timeout = SILENCE
    server: "Server"

    def handle(self) -> None:
        with suppress(OSError):
            self._handle()

    def _handle(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        body = self._body()
        if body is None:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        stream = io.BufferedReader(body, 1 << 16)
        answering = ServerHandler(stream, cast(BinaryIO, self.wfile), sys.stderr, self.get_environ(), multithread=True)
        answering.request_handler = self  # type: ignore[attr-defined]
        answering.run(self.server.application)
        if not body.is_over:
            self._read_away()

    def _read_away(self) -> None:
        """nginx is sending still: a socket that closed would be an error to it, and the answer before it lost.

        It closes as soon as it has the answer, and reads the client's rest away itself.
        """
        self.connection.shutdown(socket.SHUT_WR)
        end = time.monotonic() + LINGER
        self.connection.settimeout(LINGER)
        while time.monotonic() < end and self.connection.recv(1 << 16):
            pass

    def _body(self) -> Body | None:
        """None where the framing is none of ours."""
        raw = cast(BinaryIO, self.rfile)
        coding, length = self.headers.get("Transfer-Encoding", ""), self.headers.get("Content-Length", "0")
        if coding:
            return Chunks(raw) if coding.lower() == "chunked" else None
        return Sized(raw, int(length)) if length.isascii() and length.isdigit() else None

    def address_string(self) -> str:
        return "127.0.0.1"  # nginx; the client's own address is in X-Forwarded-For

    def log_message(self, format: str, *arguments: object) -> None:
        pass


Asked = socket.socket | tuple[bytes, socket.socket]  # as socketserver hands it on


class Server(socketserver.ThreadingUnixStreamServer):
    """Serves `application` on a socket that this account can open, and the group that its folder is for, at most `threads` requests at a time.

    Others wait in the socket's backlog. The path may be left from a killed one.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, path: Path, application: Callable[..., Iterable[bytes]], threads: int) -> None:
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Handler, bind_and_activate=False)
        os.fchmod(self.fileno(), 0o600)
        self.application = application
        self.base_environ = {"SERVER_NAME": "", "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PORT": "", "SCRIPT_NAME": ""}
        self._free = BoundedSemaphore(threads)
        self.server_bind()
        path.chmod(file_modes.socket_mode(path.parent))
        self.server_activate()

    def process_request(self, request: Asked, client_address: object) -> None:
        self._free.acquire()  # the thread that accepts waits, nobody who serves
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Asked, client_address: object) -> None:
        try:
            super().process_request_thread(request, ("127.0.0.1", 0))
        finally:
            self._free.release()
            connections.close_all()  # they are this thread's own

    def handle_error(self, request: Asked, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # whoever asked is gone
            super().handle_error(request, client_address)


def serve(path: Path, application: Callable[..., Iterable[bytes]], threads: int) -> Server:
    """Serves from a thread of its own for as long as this process lives."""
    server = Server(path, application, threads)
    Thread(target=server.serve_forever, name=path.stem, daemon=True).start()
    return server
