"""Shared parts of every route of Keystone's API except views: types on the wire, flags and filters of a query."""

PREFIX = "/api/identity/v3"
NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"[\S]+"}
NAME_64 = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"[\S]+"}
ID = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[a-zA-Z0-9-]+$"}
ID_OR_NULL = {"type": ["string", "null"], "maxLength": 64}
TEXT = {"type": ["string", "null"]}
BOOL = {"type": "boolean", "enum": [True, False]}
URL = {"type": "string", "minLength": 0, "maxLength": 225, "pattern": r"^[a-zA-Z0-9+.-]+:.+"}

#: How a filter may compare: ``name__contains``. Keystone's words are Django's.
COMPARISONS = ("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact", "exact")


def truth(text: str) -> bool:
    """Read a flag of a query: absent value and anything but a no is yes, as Keystone reads it."""
    return text.strip().lower() not in ("0", "false", "no", "off")
