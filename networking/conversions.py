"""Conversion of values to the type and spelling that are kept, as lenient as Neutron; the services behind know only these.

Source: neutron_lib.api.converters, neutron.extensions.securitygroup and oslo_utils.strutils.bool_from_string. Neutron
converts the values of filters as it does those of bodies.
"""

import re
from typing import Any

from common.numbers import is_whole
from common.truth import truth
from hostagent.contract import inet


def converted(value: Any, schema: dict[str, Any]) -> Any:
    """Make numbers and booleans of the texts in `value` that its JSON Schema wants so; a text that is neither stays."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: converted(one, properties.get(name, {})) for name, one in value.items()}
    if isinstance(value, list):
        return [converted(one, schema.get("items", {})) for one in value]
    kinds, known = schema.get("type", ()), schema.get("enum", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if "string" in kinds or value in known:
        return value
    if "boolean" in kinds and (said := truth(value)) is not None:
        return said
    wants_number = "integer" in kinds or any(isinstance(one, int) for one in known)
    if wants_number and isinstance(value, str) and is_whole(value.strip().removeprefix("-")):
        return int(value)
    return value


# ── Spellings: each function gives what is no spelling of its kind back as it came, for others to refuse ────────────

_MAC = re.compile(
    r"([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}"
    r"|([0-9a-f]{1,2}-){5}[0-9a-f]{1,2}"
    r"|([0-9a-f]{1,4}[.]){2}[0-9a-f]{1,4}"
    r"|([0-9a-f]{1,4}:){2}[0-9a-f]{1,4}"
    r"|[0-9a-f]{5,6}-[0-9a-f]{5,6}"
    r"|[0-9a-f]{11,12}"
)


def mac(text: str) -> str:
    """``fa:16:3e:01:02:03`` of any spelling that netaddr knows."""
    told = text.lower()
    if not _MAC.fullmatch(told):
        return text
    groups = re.split("[:.-]", told)
    digits = "".join(group.zfill(12 // len(groups)) for group in groups)
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def address(text: str) -> str:
    """IPv6 in its short form; IPv4 as it came."""
    try:
        found = inet.ip_address(text)
    except ValueError:
        return text
    return str(found) if found.version == 6 else text


def span(text: str) -> str:
    """Return a range of addresses, with what it has of a host in it."""
    ip, slash, length = text.partition("/")
    return f"{address(ip)}{slash}{length}"


def prefix(text: str) -> str:
    """As `span`; an address alone is a range of one."""
    try:
        return f"{address(text)}/{inet.ip_address(text).max_prefixlen}"
    except ValueError:
        return span(text)


def ethertype(text: str) -> str:
    return {"ipv4": "IPv4", "ipv6": "IPv6"}.get(text.lower(), text)
