"""Uploads in chunks, through a door of their own: a body that breaks off is an error here.

granian gives the end of a chunked body and its breaking off alike as an end of file, so a raw image whose client died would
look complete. This server runs in the web process, on a socket beside granian's, and takes nothing else; the front door
sends it images that come without a length.
"""

import io
import os
import socketserver
import sys
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler

from django.db import connections

LINE = 8192  # bytes a line of the framing may have
#: Bytes read away after an answer that came before the body's end, so that no reset overtakes it.
READ_AWAY = 16 << 20


class BrokenOff(EOFError):
    """The client went away, or sent what is no chunk."""


class Chunks(io.RawIOBase):
    """The body of a request in chunks, as a file to read from.

    Reading raises: BrokenOff unless the last chunk came, which has no bytes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = 0  # of this chunk
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left and not self._next():
            return 0
        piece = self._file.read(min(self._left, len(buffer)))
        if not piece:
            raise BrokenOff
        buffer[: len(piece)] = piece
        self._left -= len(piece)
        if not self._left and self._line():
            raise BrokenOff
        return len(piece)

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
    server: "Uploads"

    def handle(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return
        body = io.BufferedReader(Chunks(cast(BinaryIO, self.rfile)), 1 << 16)
        answering = ServerHandler(body, cast(BinaryIO, self.wfile), sys.stderr, self.get_environ(), multithread=True)
        answering.request_handler = self  # type: ignore[attr-defined]
        answering.run(self.server.application)
        with suppress(OSError, BrokenOff):
            for _mib in range(READ_AWAY >> 20):
                if not body.read(1 << 20):
                    break

    def address_string(self) -> str:
        return "127.0.0.1"  # the front door; the client's own address is in X-Forwarded-For

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class Uploads(socketserver.ThreadingUnixStreamServer):
    """Serves `application` on a socket that only this account can open. Its path may be left from a killed one."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, application: Callable[..., Any]) -> None:
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Handler, bind_and_activate=False)
        os.fchmod(self.fileno(), 0o600)
        self.application = application
        self.base_environ = {"SERVER_NAME": "", "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PORT": "", "SCRIPT_NAME": ""}
        self.server_bind()
        self.server_activate()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, ("127.0.0.1", 0))
        finally:
            connections.close_all()  # they are this thread's own


def serve(path: Path, application: Callable[..., Any]) -> Uploads:
    """Serves from a thread of its own for as long as this process lives."""
    server = Uploads(path, application)
    Thread(target=server.serve_forever, name="uploads", daemon=True).start()
    return server
