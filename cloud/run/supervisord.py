"""`python -m cloud.run.supervisord …`: supervisord, whose logs outlive a full disk and hold no secret.

Where a log cannot be written supervisord would end its reading from the program, which then blocks or dies at its next line. Here
what does not fit is left out and counted, and the log goes on when there is room. With STACKLING_LOG_FORMAT=json each line
of a program that does not write JSON itself (redis, nginx, haproxy, what Python says before it logs) becomes an object.
"""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from supervisor import loggers, supervisord

from hostagent.process import redact

LONGEST = 1 << 16  # characters of a line that has no end; it is written in pieces
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_OWN = "%(asctime)s %(levelname)s %(message)s\n"  # how supervisord writes of itself
#: Messages that it calls critical, of states that are meant: root starts the programs and gives each its user, and the socket is its starter's alone.
_WANTED = (
    "Supervisor is running as root.",
    "Server 'unix_http_server' running without any HTTP authentication checking",
)
_LEVELS = {"CRIT": "critical", "ERRO": "error", "WARN": "warning", "INFO": "info"}


class Log(loggers.RotatingFileHandler):  # type: ignore[misc]
    """One file, written a line at a time, without a buffer that a full disk could spoil."""

    def __init__(self, filename: str, mode: str = "ab", maxBytes: int = 0, backupCount: int = 0) -> None:
        super().__init__(filename, mode, maxBytes, backupCount)
        self.lost = 0  # bytes that found no room
        self._begun = ""  # of a line whose end has not come
        self._name = Path(filename).stem
        self._is_json = os.environ.get("STACKLING_LOG_FORMAT") == "json"

    def emit(self, record: object) -> None:
        """Never raises, and prints nothing: supervisord would let go of the program."""
        try:
            for line in self._lines(record):
                self._write(line)
            self.doRollover()
        except OSError:
            self._open()
        except Exception as error:  # noqa: BLE001 - no line is worth a program
            self._write(f"a line could not be logged: {type(error).__name__}")

    def _lines(self, record: Any) -> list[str]:
        if self.fmt == _OWN:
            facts = record.asdict()
            if facts["message"].startswith(_WANTED):
                return []
            text = redact.printable(redact.hidden(facts["message"]))
            if self._is_json:
                return [_object("supervisord", _LEVELS.get(facts["levelname"], "debug"), text)]
            return [f"{facts['asctime']} {facts['levelname']} {text}"]
        said = record.msg.decode(errors="replace") if isinstance(record.msg, bytes) else str(record.msg)
        *whole, self._begun = (self._begun + said).split("\n")
        if len(self._begun) > LONGEST:
            whole, self._begun = [*whole, self._begun], ""
        return [self._line(line) for line in whole]

    def _line(self, line: str) -> str:
        if line.startswith('{"') and line.endswith("}"):
            return redact.hidden(line)
        plain = redact.printable(redact.hidden(_ANSI.sub("", line)))
        return _object(self._name, "info", plain) if self._is_json else plain

    def _write(self, line: str) -> None:
        data = line.encode(errors="replace") + b"\n"
        if self.lost:
            note = f"{self.lost} bytes of this log found no room on the disk"
            said = _object("supervisord", "error", note) if self._is_json else note
            data = said.encode() + b"\n" + data
        try:
            if self.closed:
                self._open()
            written = os.write(self.stream.fileno(), data)
        except (OSError, ValueError):
            self.lost += len(line) + 1
            return
        self.lost = 0
        if written < len(data):  # the disk became full within the line: no half of one stays
            self.lost = len(line) + 1
            file = self.stream.fileno()
            os.ftruncate(file, os.fstat(file).st_size - written)

    def _open(self) -> None:
        try:
            self.reopen()
        except (OSError, ValueError):
            self.closed = True

    def doRollover(self) -> None:
        """Begin a new file if this one is full. Raises: OSError where none can be made; writing goes on in the old one."""
        if self.closed or not self.maxBytes or os.fstat(self.stream.fileno()).st_size < self.maxBytes:
            return
        super().doRollover()


def _object(logger: str, level: str, message: str) -> str:
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": time, "level": level, "logger": logger, "message": message}, ensure_ascii=False)


def main() -> None:
    loggers.RotatingFileHandler = Log
    supervisord.main()


if __name__ == "__main__":
    main()
