"""Identifiers: dashed UUIDs everywhere, 32 hex digits where Keystone's are."""

import re
import secrets
import time
import uuid
from datetime import UTC, datetime

_UUID = re.compile(r"^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\Z", re.IGNORECASE)


def new_id() -> str:
    """Make a random dashed UUID, as Nova, Neutron and Glance use."""
    return str(uuid.uuid4())


def new_ordered_id(milliseconds: int | None = None, tail: int | None = None) -> str:
    """Make a dashed UUID whose text is in the order of time (version 7, RFC 9562, its method 3): milliseconds since 1970, their
    4096th part, then 62 random bits.

    With both given the id is of that moment and the 74 bits of `tail`, whoever makes it.
    """
    moment, part = divmod(time.time_ns(), 1_000_000)
    if milliseconds is not None:
        moment, part = milliseconds, 0
    rest = (part * 4096 // 1_000_000) << 62 | secrets.randbits(62) if tail is None else tail & (1 << 74) - 1
    number = moment << 80 | 7 << 76 | (rest >> 62) << 64 | 2 << 62 | rest & (1 << 62) - 1
    return str(uuid.UUID(int=number))


def new_hex() -> str:
    """Make a random UUID as 32 hex digits, as Keystone uses."""
    return uuid.uuid4().hex


def new_request_id() -> str:
    """Make a request id in OpenStack's form: ``req-<uuid>``."""
    return f"req-{uuid.uuid4()}"


def is_id(text: object) -> bool:
    """Whether a text is shaped like an id, dashed or not."""
    return isinstance(text, str) and _UUID.match(text) is not None


def time_of(id: str) -> datetime | None:
    """Read the moment at which an id of `new_ordered_id` was made; None for a text that is no id."""
    try:
        return datetime.fromtimestamp((uuid.UUID(id).int >> 80) / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
