"""Tickets for consoles: who may open which socket until when. Plain Python: control makes them, the proxy reads them.

A ticket is `<payload>.<signature>`, both base64url without padding. Payload: JSON
``{"server_id", "kind": "vnc" | "serial", "path": unix socket, "exp": unix seconds, "jti": id}``; signature: HMAC-SHA256
over the payload's text with the key of `keys/console.key` (hex).

A ticket by virtue of a share also has ``"until"`` (unix seconds or null: when what was opened with it ends) and
``"marks"``: names under which it may be revoked, also while the console is open.

Revocation is a folder of empty files named by a ticket's `jti`, by a server's id or by a mark; `sweep` forgets old ones.

Who got a ticket is a file named by its `jti` in another folder, for control only: it looks at each of them again while
the ticket or its console is open, which the proxy shows by touching the file, and revokes those that must end.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import math
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

KINDS: Final = ("vnc", "serial")
LIFE: Final = 60.0  # seconds from making a ticket to opening the console with it
QUIET: Final = 60.0  # seconds after which a console that nobody touched is over


class BadTicket(Exception):
    """Not ours, expired, or revoked. The message says which, for the log only."""


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _sign(key: str, payload: str) -> str:
    return _encode(hmac.new(bytes.fromhex(key), payload.encode(), hashlib.sha256).digest())


def make_console_token(
    key: str,
    *,
    server_id: str,
    kind: str,
    path: str,
    seconds: float = LIFE,
    until: float | None = None,
    marks: Sequence[str] = (),
) -> str:
    """A ticket for one console. `key` is hex; `path` the unix socket on the host (answer of `server.ensure`).

    With `until` or `marks` the console itself ends then, or when one of the marks is revoked.
    """
    if kind not in KINDS:
        raise ValueError(f"a console is {' or '.join(KINDS)}, not {kind!r}")
    facts: dict[str, Any] = {
        "server_id": server_id,
        "kind": kind,
        "path": path,
        "exp": int(min(time.time() + seconds, until or math.inf)),
        "jti": uuid.uuid4().hex,
    }
    if until is not None or marks:
        facts |= {"until": until, "marks": list(marks)}
    payload = _encode(json.dumps(facts, separators=(",", ":")).encode())
    return f"{payload}.{_sign(key, payload)}"


def read_console_token(key: str, token: str, revoked: Path | None = None) -> dict[str, Any]:
    """The payload of a valid ticket. Raises: BadTicket."""
    payload, dot, signature = token.partition(".")
    if not dot or not hmac.compare_digest(_sign(key, payload).encode(), signature.encode()):
        raise BadTicket("the signature is not ours")
    try:
        facts: dict[str, Any] = json.loads(_decode(payload))
    except (ValueError, binascii.Error) as error:
        raise BadTicket("the payload is not JSON") from error
    if facts["exp"] < time.time():
        raise BadTicket("expired")
    if revoked is not None and is_revoked(facts, revoked):
        raise BadTicket("revoked")
    return facts


def is_revoked(facts: dict[str, Any], folder: Path) -> bool:
    return any((folder / name).exists() for name in (facts["jti"], facts["server_id"], *facts.get("marks", ())))


def has_ended(facts: dict[str, Any], folder: Path) -> bool:
    """Whether a console that was opened with this ticket must not go on."""
    until = facts.get("until")
    return (until is not None and until <= time.time()) or is_revoked(facts, folder)


def revoke(folder: Path, name: str) -> None:
    """Refuse from now on a ticket (by its jti), or every ticket of a server (by its id, for a deleted one)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()


def give(folder: Path, facts: dict[str, Any], who: dict[str, Any]) -> None:
    """Write down who got a ticket. `facts` is its payload."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / facts["jti"]
    new = path.with_suffix(".new")
    new.write_text(json.dumps({**who, "server_id": facts["server_id"], "exp": facts["exp"]}))
    new.replace(path)


def given(folder: Path) -> dict[str, dict[str, Any]]:
    """`jti` → what `give` wrote, of the tickets that may be opened still and of open consoles. Forgets the others."""
    found = {}
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.suffix:
            continue
        facts = json.loads(path.read_text())
        if facts["exp"] < time.time() and path.stat().st_mtime < time.time() - QUIET:
            path.unlink()
        else:
            found[path.name] = facts
    return found


def stays_open(folder: Path, jti: str) -> None:
    """Said again and again by who serves the console."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(folder / jti)


def sweep(folder: Path, older_than: float = LIFE * 2) -> int:
    """Forget revocations older than any ticket still valid. Returns how many."""
    old = (
        [mark for mark in folder.glob("*") if mark.stat().st_mtime < time.time() - older_than]
        if folder.is_dir()
        else []
    )
    for mark in old:
        mark.unlink(missing_ok=True)
    return len(old)
