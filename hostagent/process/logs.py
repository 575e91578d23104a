"""How every Python process of the cloud writes its log: one line a record, as text or as JSON, and nothing secret in it.

STACKLING_LOG_FORMAT is `text` (for people) or `json` (one object a line: time, level, logger, message, and request_id,
operation and host where there is one). Lines written inside `about(…)` carry those.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from hostagent.process import redact

#: What a line is about: of these, those that are known.
NAMES = ("request_id", "operation", "host")
_about: ContextVar[dict[str, str]] = ContextVar("log_about", default={})  # noqa: B039 never changed, only replaced


@contextmanager
def about(**names: str) -> Iterator[None]:
    """Lines of this thread, until the end of the block, are about these (NAMES)."""
    token = _about.set({**_about.get(), **{name: value for name, value in names.items() if value}})
    try:
        yield
    finally:
        _about.reset(token)


def known() -> dict[str, str]:
    """Return the request, operation and host that lines of this thread are about now."""
    return _about.get()


def is_json() -> bool:
    return os.environ.get("STACKLING_LOG_FORMAT", "") == "json"


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class Text(logging.Formatter):
    """`time level logger message [what it is about]`. What else a record has is further lines, each of them indented: no text
    of a user begins a line."""

    def format(self, record: logging.LogRecord) -> str:
        said = redact.printable(redact.hidden(record.getMessage()))
        names = known()
        tail = (
            " [" + " ".join(f"{name}={redact.printable(value)}" for name, value in names.items()) + "]" if names else ""
        )
        lines = [f"{_time(record)} {record.levelname} {record.name} {said}{tail}"]
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        for more in (record.exc_text, record.stack_info):
            if more:
                lines += [f"    {redact.printable(line)}" for line in redact.hidden(more).splitlines()]
        return "\n".join(lines)


def _json() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter  # late: who writes text does not hold it

    class Json(JsonFormatter):
        def add_fields(
            self, log_data: dict[str, object], record: logging.LogRecord, message_dict: dict[str, object]
        ) -> None:
            log_data |= {"time": _time(record), "level": record.levelname.lower(), "logger": record.name}
            log_data["message"] = redact.hidden(record.getMessage())
            log_data |= known()
            for name in ("exc_info", "stack_info"):
                if text := message_dict.get(name):
                    log_data[name] = redact.hidden(str(text))

    return Json()


def formatter() -> logging.Formatter:
    """As STACKLING_LOG_FORMAT says."""
    return _json() if is_json() else Text()


def configure(level: str | int = logging.INFO) -> None:
    """Have the root logger write to standard error in this form. For processes without Django."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
