"""Places in a text that are filled in elsewhere: a secret, a thing that an earlier line makes, what nobody has typed yet.

A place stands in an ordinary text between two characters that Unicode gives to nobody, so that a body is made as if it were all known, and
each form writes the place in its own way when it quotes. It begins with a mark that this cloud alone knows: no text that somebody typed, or
called a thing, is one.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeAlias

from django.utils.crypto import salted_hmac

#: What JSON holds, with places in its texts.
Value: TypeAlias = Any

OPEN, CLOSE = "\ue000", "\ue001"
_LIKE_A_PLACE = re.compile("\ue000(\\w+):(\\w+):(\\w+)\ue001")
#: Kinds of places. A secret is never kept; `made` names what another call gives; `value` is asked for and not there yet.
SECRET, MADE, VALUE = "secret", "made", "value"


@cache
def mark() -> str:
    """Return what places of this cloud begin with."""
    return salted_hmac(__name__, "places").hexdigest()[:20]


def _places(text: str) -> Iterator[re.Match[str]]:
    return (found for found in _LIKE_A_PLACE.finditer(text) if found[1] == mark())


def place(kind: str, name: str) -> str:
    return f"{OPEN}{mark()}:{kind}:{name}{CLOSE}"


def secret(name: str) -> str:
    """Return the place of a secret: secret("admin_password") is $ADMIN_PASSWORD in a shell."""
    return place(SECRET, name)


def made(label: str) -> str:
    """Return the place of the id of what the call with this label makes."""
    return place(MADE, label)


def missing(name: str) -> str:
    return place(VALUE, re.sub(r"\W+", "_", name).strip("_") or "value")


def split(text: str) -> list[str | tuple[str, str]]:
    """Cut a text into its plain parts and its places, (kind, name) each; no part is empty."""
    found: list[str | tuple[str, str]] = []
    at = 0
    for one in _places(text):
        found += [text[at : one.start()], (one[2], one[3])]
        at = one.end()
    return [part for part in (*found, text[at:]) if part]


def places_in(value: Value) -> list[tuple[str, str]]:
    """List the places anywhere in a value, in order, each once."""
    if isinstance(value, str):
        return list(dict.fromkeys((one[2], one[3]) for one in _places(value)))
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return []
    return list(dict.fromkeys(one for part in value for one in places_in(part)))


def swap(value: Any, names: dict[str, str]) -> Value:
    """Return a value in which each text of `names` stands as its other one: ids as the places of what made them."""
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new) if old else value
        return value
    if isinstance(value, dict):
        return {key: swap(one, names) for key, one in value.items()}
    return [swap(one, names) for one in value] if isinstance(value, list | tuple) else value
