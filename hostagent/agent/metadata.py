"""The metadata service of a host: guests' requests, from the haproxy of each network or router to control.

haproxy hands each request to a unix socket here, having stripped what the guest could pretend and added
`X-Stackling-Network` or `X-Stackling-Router` and `X-Forwarded-For`. What goes on to control at
`/internal/metadata/<path>` is signed with the host's key and says `X-Stackling-Client`: the guest's own address.
"""

import http.client
import logging
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final

from hostagent.agent.control_link import ControlError, ControlLink
from hostagent.machine import confinement
from hostagent.messaging import envelope

log = logging.getLogger(__name__)

LARGEST_BODY: Final = 64 * 1024  # bytes: an encrypted password is the largest thing a guest may send
PASSED: Final = ("accept", "content-type", "x-metadata-token", "x-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token",
                 "x-aws-ec2-metadata-token-ttl-seconds")  # fmt: skip
NOT_PASSED_BACK: Final = ("connection", "transfer-encoding", "content-length", "keep-alive", "server", "date")


class MetadataLink(ControlLink):
    def forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Control's answer as (status, headers, body), whatever the status. Raises: ControlError."""
        connection = self._connect()
        try:
            identity = tuple(headers.get(name, "") for name in envelope.IDENTITY_HEADERS)
            signed = self._headers(method, path, envelope.body_digest(body), identity)
            signed |= headers | {"Content-Length": str(len(body))}
            connection.request(method, path, body=body or None, headers=signed)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ControlError(f"{method} {path}: {type(error).__name__}: {error}") from error
        finally:
            connection.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "MetadataServer"

    def do_GET(self) -> None:
        self.pass_on()

    do_HEAD = do_POST = do_PUT = do_GET

    def pass_on(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.answer(413, [], b"too large\n")
            return
        body = self.rfile.read(length)
        path = "/internal/metadata/" + self.path.lstrip("/")
        try:
            status, headers, text = self.server.link.forward(self.command, path, self.truth(), body)
        except ControlError as error:
            log.warning("metadata: %s", error)
            self.answer(503, [("Retry-After", "2")], b"the cloud's control is away\n")
            return
        self.answer(status, headers, text)

    def truth(self) -> dict[str, str]:
        """Headers for control: the client as haproxy saw it, and the few headers of the guest that matter."""
        headers = {name: value for name, value in self.headers.items() if name.lower() in PASSED}
        for name in ("X-Stackling-Network", "X-Stackling-Router"):
            if self.headers.get(name):
                headers[name] = self.headers[name]
        headers["X-Stackling-Client"] = (self.headers.get("X-Forwarded-For") or "").split(",")[-1].strip()
        return headers

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in NOT_PASSED_BACK:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self) -> str:
        return self.headers.get("X-Forwarded-For", "-")  # a unix socket has no peer address

    def log_message(self, format: str, *args: object) -> None:
        log.debug("metadata: %s %s", self.address_string(), format % args)


class MetadataServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves on a unix socket until `stop`. One thread a request; the proxies hold at most 256 each."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, socket_path: Path, link: MetadataLink) -> None:
        """The proxies' account may connect, nobody else."""
        socket_path.parent.mkdir(parents=True, exist_ok=True)
        socket_path.unlink(missing_ok=True)  # left by an agent that is gone; the proxies find the new one by its name
        super().__init__(str(socket_path), Handler)
        confinement.give(socket_path, "metadata", mode=0o660)
        self.link = link

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("metadata: a proxy went away in the middle of a request", exc_info=True)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, name="metadata", daemon=True).start()  # serves tests and tools only

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
