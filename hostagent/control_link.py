"""An agent's HTTP requests to control's /internal/ paths: images in, snapshots and console logs out.

Each request is sealed with the host's key (contract.http_seal). Over a unix socket where control is on the same
machine, over https elsewhere; plain http is refused.
"""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hostagent.contract import http_seal

TIMEOUT = 30.0  # seconds without a byte
PIECE = 1 << 20


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
    """`control` is `unix:/path/web.sock` or `https://host[:port]`."""

    def __init__(self, control: str, host: str, key: str) -> None:
        self._url = urlsplit(control)
        if self._url.scheme not in ("unix", "https"):
            raise ValueError(f"STACKLING_CONTROL is {control!r}; it must be unix:/path or https://host")
        self._host = host
        self._key = key

    def _connect(self) -> http.client.HTTPConnection:
        if self._url.scheme == "unix":
            return _UnixConnection(self._url.path)
        import ssl  # late: an agent beside control never needs it

        return http.client.HTTPSConnection(self._url.netloc, timeout=TIMEOUT, context=ssl.create_default_context())

    def _headers(self, method: str, path: str) -> dict[str, str]:
        at = str(int(time.time()))
        return {
            "X-Stackling-Host": self._host,
            "X-Stackling-Time": at,
            "X-Stackling-Seal": http_seal(self._key, method, path, at),
        }

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
        """The bytes of `path` from `start` on, in pieces. Raises: ControlError."""
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

    def upload(self, path: str, source: Path) -> dict[str, Any]:
        """PUT a file; control's JSON answer, {} if it has none. Raises: ControlError."""
        with source.open("rb") as body:
            return self._put(path, body, source.stat().st_size)

    def append(self, path: str, piece: bytes) -> dict[str, Any]:
        """PUT a piece of a console log. Raises: ControlError."""
        return self._put(path, piece, len(piece))

    def post(self, path: str, message: dict[str, Any]) -> dict[str, Any]:
        """POST a JSON object; control's JSON answer. Raises: ControlError."""
        return self._send("POST", path, json.dumps(message).encode(), None, "application/json")

    def _put(self, path: str, body: Any, length: int) -> dict[str, Any]:
        return self._send("PUT", path, body, length, "application/octet-stream")

    def _send(self, method: str, path: str, body: Any, length: int | None, kind: str) -> dict[str, Any]:
        connection = self._connect()
        try:
            headers = self._headers(method, path) | {
                "Content-Type": kind,
                "Content-Length": str(len(body) if length is None else length),
            }
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ControlError(f"{method} {path}: {type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise ControlError(f"{method} {path}: {answer.status} {answer.reason}", answer.status)
        return json.loads(text) if text.startswith(b"{") else {}
