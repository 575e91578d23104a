"""The consoles process: websockify, with tickets kept out of its log (websockify logs whole paths).

A ticket that opens nothing is answered with 403; websockify alone would close the connection without a word, of which
the front door makes a 502.
"""

import logging
import re
import sys
from typing import Any

from websockify import websocketproxy

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


class Proxy(websocketproxy.WebSocketProxy):
    def __init__(self, **options: Any) -> None:
        super().__init__(Consoles, **options)


def _make_record(*arguments: object, **named: object) -> logging.LogRecord:
    record = logging.LogRecord(*arguments, **named)  # type: ignore[arg-type]
    if "token=" in (text := record.getMessage()):
        record.msg, record.args = _TICKET.sub(r"\1…", text), ()
    return record


if __name__ == "__main__":
    logging.setLogRecordFactory(_make_record)
    websocketproxy.WebSocketProxy = Proxy  # websockify_init makes one of whatever has this name
    sys.exit(websocketproxy.websockify_init())
