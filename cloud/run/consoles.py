"""The consoles process: websockify, with tickets kept out of its log (websockify logs whole paths).

A ticket that opens nothing is answered with 403; websockify alone would close the connection without a word, of which
the front door makes a 502.

NumPy, with which websockify unmasks frames where it is installed, costs each of its processes 10 MiB; a number does it too.
"""

import logging
import re
import sys
import warnings
from typing import Any

sys.modules["numpy"] = None  # type: ignore[assignment]
with warnings.catch_warnings(action="ignore"):
    from websockify import websocket, websocketproxy

_TICKET = re.compile(r"(token=)[^&\s'\"]+")


class Consoles(websocketproxy.ProxyRequestHandler):
    def validate_connection(self) -> None:
        """Raises: EClose once the client has its answer."""
        try:
            super().validate_connection()
        except self.server.EClose:
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            raise


def unmask(self: websocket.WebSocket, frame: bytes, mask: bytes) -> bytes:
    """The payload of a client's frame (RFC 6455, 5.3): each byte XOR the mask's, over and over."""
    over = mask * (len(frame) // 4 + 1)
    return (int.from_bytes(frame) ^ int.from_bytes(over[: len(frame)])).to_bytes(len(frame))


class Proxy(websocketproxy.WebSocketProxy):
    def __init__(self, **options: Any) -> None:
        super().__init__(Consoles, **options)


def _make_record(*arguments: object, **named: object) -> logging.LogRecord:
    record = logging.LogRecord(*arguments, **named)  # type: ignore[arg-type]
    if "token=" in (text := record.getMessage()):
        record.msg, record.args = _TICKET.sub(r"\1…", text), ()
    return record


if __name__ == "__main__":
    websocket.WebSocket._unmask = unmask
    logging.setLogRecordFactory(_make_record)
    websocketproxy.WebSocketProxy = Proxy  # websockify_init makes one of whatever has this name
    sys.exit(websocketproxy.websockify_init())
