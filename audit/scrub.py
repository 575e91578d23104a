"""Values as a record may hold them: short, JSON, and without what opens anything."""

import json
import re
from datetime import date, datetime

#: What stands for a secret that is there, and for one that is another now.
HIDDEN, CHANGED = "***", "***changed***"
LONGEST = 1000  # characters of one text
MOST = 64  # entries of one list or object
DEEPEST = 4
LARGEST = 16_384  # characters of all fields of a record, before or after
#: Parts of a name by which what it names is taken for a secret, wherever a user writes it (properties, metadata, extra).
NAMES = (
    "password", "passwd", "secret", "token", "private", "credential", "user_data", "userdata", "signature", "ticket", "apikey",
    "api_key", "auth_key", "access_key", "encryption_key", "adminpass", "passphrase", "pwd", "psk", "dsn", "cookie", "authorization",
    "otp",
)  # fmt: skip
#: An address wherever it stands in a text: login, place, query, fragment. It ends where a quote, a bracket or a list goes on.
#: What has been read is not read again in another way (*+), for others wait for the interpreter meanwhile.
_ADDRESS = re.compile(r"""(://)(?:[^\s"'<>`@]*+@)*([^\s"'<>`,;(){}|?#]*+)(\?[^\s"'<>`]*+)?(?:\#[^\s"'<>`]*+)?""")


def is_secret(name: str) -> bool:
    low = name.lower().replace("-", "_")
    return low.endswith("pass") or any(part in low for part in NAMES)


def text(value: str) -> str:
    """Return a text, cut, with the addresses in it bare: passwords and signatures stand in an address's login and query."""
    if not value.isascii() or "\0" in value:  # no database takes NUL or half a character: a record must not fail by one
        value = value.replace("\0", "").encode("utf-8", "replace").decode()
    if "://" in value:
        value = _ADDRESS.sub(_bare, value[: 2 * LONGEST])
    if "PRIVATE KEY-----" in value:
        return HIDDEN
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"


def _bare(found: re.Match[str]) -> str:
    """`https://user:word@host/path?signature=…#…` without login, query and fragment."""
    return f"{found[1]}{found[2]}{f'?{HIDDEN}' if found[3] else ''}"


def plain(value: object, deep: int = 0) -> object:
    """Return a value as JSON. What is named like a secret inside it is hidden."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return text(value)
        case datetime() | date():
            return value.isoformat()
        case dict():
            if deep >= DEEPEST:
                return "…"
            pairs = list(value.items())[:MOST]
            return {
                text(str(name)): HIDDEN if inner and is_secret(str(name)) else plain(inner, deep + 1)
                for name, inner in pairs
            }
        case list() | tuple() | set() | frozenset():
            if deep >= DEEPEST:
                return "…"
            return [plain(one, deep + 1) for one in list(value)[:MOST]]
    return text(str(value))


def fit(values: dict[str, object]) -> dict[str, object]:
    """Fields of a record, small enough together: of what is too long only its length is told."""
    sizes = {name: len(json.dumps(value, ensure_ascii=False)) + len(name) for name, value in values.items()}
    if sum(sizes.values()) <= LARGEST:
        return values
    kept, used = {}, 0
    for name in sorted(values, key=sizes.__getitem__)[:MOST]:
        used += sizes[name]
        kept[name] = values[name] if used <= LARGEST else f"… {sizes[name]} characters"
    return kept
