"""The consoles process: websockify, with tickets kept out of its log (websockify logs whole paths)."""

import logging
import re
import sys

from websockify.websocketproxy import websockify_init

_TICKET = re.compile(r"(token=)[^&\s'\"]+")


def _make_record(*arguments: object, **named: object) -> logging.LogRecord:
    record = logging.LogRecord(*arguments, **named)  # type: ignore[arg-type]
    if "token=" in (text := record.getMessage()):
        record.msg, record.args = _TICKET.sub(r"\1…", text), ()
    return record


if __name__ == "__main__":
    logging.setLogRecordFactory(_make_record)
    sys.exit(websockify_init())
