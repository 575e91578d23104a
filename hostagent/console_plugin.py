"""websockify's token plugin: a signed ticket in the URL names the unix socket of a guest's console.

The consoles process is run as (the front door's `/console/` leads here)::

    python -m websockify --unix-listen $STACKLING_RUN/consoles.sock --unix-listen-mode 0660 --heartbeat 30 \
        --token-plugin hostagent.console_plugin.Tickets --token-source $STACKLING_DATA

A browser opens `ws(s)://…/console/?token=<ticket>`. Expired, foreign and revoked tickets are refused the same way. A
console that is open is cut when its guest's socket closes, as it does when the server is deleted. Each is looked at every
second: when its ticket is revoked or what it was opened by ends, the connection ends.
"""

import logging
import os
import re
import threading
import time
from pathlib import Path
from typing import Any, ClassVar, Final

from websockify.token_plugins import BasePlugin

from common.console_ticket import BadTicket, has_ended, read_console_token, stays_open

log = logging.getLogger("consoles")

KEY: Final = Path("keys", "console.key")
TICKET: Final = re.compile(r"[\w-]{16,}\.[\w-]{43}")
REVOKED: Final = Path("consoles", "revoked")
GIVEN: Final = Path("consoles", "given")
WATCH_EVERY: Final = 1.0  # seconds


def hide_tickets(record: logging.LogRecord) -> bool:
    """A ticket opens a console for minutes: websockify writes whole URLs, its log must not."""
    record.msg, record.args = TICKET.sub("<ticket>", record.getMessage()), ()
    return True


class Tickets(BasePlugin):
    """`source` is $STACKLING_DATA. The key is read at each use, so a rotation needs no restart."""

    #: websockify serves each connection in a process of its own: ending that ends the connection, and nothing else.
    end: ClassVar[Any] = staticmethod(os._exit)

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._data = Path(source)
        for handler in logging.getLogger().handlers:  # websockify has set them up before it makes its plugin
            handler.addFilter(hide_tickets)

    def lookup(self, token: str) -> tuple[str, str] | None:
        """Where websockify connects to; None closes the door."""
        key = (self._data / KEY).read_text().strip()
        try:
            facts = read_console_token(key, token, self._data / REVOKED)
        except BadTicket as refusal:
            log.warning("a console ticket is refused: %s", refusal)
            return None
        log.info(
            "%s console of %s opened, ticket valid %d s more",
            facts["kind"],
            facts["server_id"],
            facts["exp"] - time.time(),
        )
        threading.Thread(target=self._watch, args=(facts,), name="watch", daemon=True).start()
        return "unix_socket", facts["path"]

    def _watch(self, facts: dict[str, Any]) -> None:
        while not has_ended(facts, self._data / REVOKED):
            stays_open(self._data / GIVEN, facts["jti"])
            time.sleep(WATCH_EVERY)
        log.info("%s console of %s is cut: what it was opened by ended", facts["kind"], facts["server_id"])
        self.end(0)
