"""Identifiers: dashed UUIDs everywhere, 32 hex digits where Keystone's are."""

import re
import uuid

_UUID = re.compile(r"^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\Z", re.IGNORECASE)


def new_id() -> str:
    """A random dashed UUID, as Nova, Neutron and Glance use."""
    return str(uuid.uuid4())


def new_hex() -> str:
    """A random UUID as 32 hex digits, as Keystone uses."""
    return uuid.uuid4().hex


def new_request_id() -> str:
    """A request id in OpenStack's form: ``req-<uuid>``."""
    return f"req-{uuid.uuid4()}"


def is_id(text: object) -> bool:
    """Whether a text is shaped like an id, dashed or not."""
    return isinstance(text, str) and _UUID.match(text) is not None
