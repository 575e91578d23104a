"""An agent's HTTP requests to control's /internal/ paths: images in, snapshots and console logs out.

Each request is signed with the host's key: as version 2 says (envelope.http_signature), and until control was heard to speak it
as version 1 too (messages.http_signature). Over a unix socket where control is on the same
machine, over https elsewhere; plain http is refused.
"""

import hashlib
import http.client
import json
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from hostagent.agent.clock import ControlClock
from hostagent.contract import messages
from hostagent.messaging import envelope

TIMEOUT = 30.0  # seconds without a byte
NO_BODY = envelope.body_digest(b"")
PIECE = 1 << 20

Answer = dict[str, object]  # a JSON object of control


class ControlError(Exception):
    """Control could not be reached, or answered with something else than asked for."""

    def __init__(self, what: str, status: int = 0) -> None:
        super().__init__(what)
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


class ControlLink:
    """`control` is `unix:/path/agents.sock` or `https://host[:port]`. `key`: the host's, or what gives it as it is now."""

    def __init__(
        self, control: str, host: str, key: str | Callable[[], str], clock: ControlClock | None = None
    ) -> None:
        self._url = urlsplit(control)
        if self._url.scheme not in ("unix", "https"):
            raise ValueError(f"STACKLING_CONTROL is {control!r}; it must be unix:/path or https://host")
        self._host = host
        self._key = key if callable(key) else lambda: key
        self._clock = clock or ControlClock()

    def _connect(self) -> http.client.HTTPConnection:
        if self._url.scheme == "unix":
            return _UnixConnection(self._url.path)
        import ssl  # late: an agent beside control never needs it

        return http.client.HTTPSConnection(self._url.netloc, timeout=TIMEOUT, context=ssl.create_default_context())

    def _headers(
        self, method: str, path: str, digest: str = NO_BODY, identity: tuple[str, ...] = ("", "", "")
    ) -> dict[str, str]:
        key = self._key()
        at, nonce = f"{self._clock.now():.3f}", secrets.token_hex(envelope.NONCE_BYTES)
        made = envelope.http_signature(
            key, method=method, path=path, at=at, nonce=nonce, digest=digest, identity=identity
        )
        headers = {
            "X-Stackling-Host": self._host,
            "X-Stackling-Time": at,
            "X-Stackling-Nonce": nonce,
            "X-Stackling-Digest": digest,
            "X-Stackling-Seal-2": made,
        }
        if self._clock.speaks == 1:
            headers["X-Stackling-Seal"] = messages.http_signature(key, method, path, at)
        return headers

    def is_reachable(self) -> bool:
        """Whether anything answers where control should be."""
        connection = self._connect()
        try:
            connection.connect()
        except OSError:
            return False
        finally:
            connection.close()
        return True

    def download(self, path: str, start: int) -> Iterator[bytes]:
        """Yield the bytes of `path` from `start` on, in pieces. Raises: ControlError."""
        connection = self._connect()
        try:
            headers = self._headers("GET", path) | ({"Range": f"bytes={start}-"} if start else {})
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            if answer.status != (206 if start else 200):
                raise ControlError(f"GET {path}: {answer.status} {answer.reason}", answer.status)
            while piece := answer.read(PIECE):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            raise ControlError(f"GET {path}: {type(error).__name__}: {error}") from error
        finally:
            connection.close()

    def upload(self, path: str, source: Path, digest: str = "") -> Answer:
        """PUT a file, whose SHA-512 in hex is `digest`; control's JSON answer, {} if it has none. Raises: ControlError."""
        with source.open("rb") as body:
            if not digest:
                digest = hashlib.file_digest(body, "sha512").hexdigest()
                body.seek(0)
            return self._put(path, body, source.stat().st_size, digest)

    def append(self, path: str, piece: bytes) -> Answer:
        """PUT a piece of a console log. Raises: ControlError."""
        return self._put(path, piece, len(piece), envelope.body_digest(piece))

    def post(self, path: str, message: Mapping[str, object]) -> Answer:
        """POST a JSON object; control's JSON answer. Raises: ControlError."""
        body = json.dumps(message).encode()
        return self._send("POST", path, body, len(body), "application/json", envelope.body_digest(body))

    def _put(self, path: str, body: bytes | BinaryIO, length: int, digest: str) -> Answer:
        return self._send("PUT", path, body, length, "application/octet-stream", digest)

    def _send(self, method: str, path: str, body: bytes | BinaryIO, length: int, kind: str, digest: str) -> Answer:
        connection = self._connect()
        try:
            headers = self._headers(method, path, digest) | {"Content-Type": kind, "Content-Length": str(length)}
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ControlError(f"{method} {path}: {type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise ControlError(f"{method} {path}: {answer.status} {answer.reason}", answer.status)
        found: Answer = json.loads(text) if text.startswith(b"{") else {}
        return found
