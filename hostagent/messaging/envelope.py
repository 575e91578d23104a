"""Version 2 of the envelope: a message is encrypted and authenticated whole, for one host and one direction.

AES-256-GCM with keys derived by HKDF-SHA256 (RFC 5869) from the host's key, one for each purpose, so that a report can never
pass for a cast, nor a message for a request. The fields outside of the box (version, host, nonce) are authenticated with it.
Nonces are random, 96 bits: at a thousand messages a second a key is good for some 50 days of them by NIST SP 800-38D's bound
of 2^32 messages; hosts send a few a second.
"""

import base64
import hashlib
import hmac
import json
import math
import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hostagent.contract.messages import canonical

Purpose = Literal["order", "report", "http"]
VERSION: Final = 2
NONCE_BYTES: Final = 12
KEYS_KEPT: Final = 4096


@lru_cache(maxsize=KEYS_KEPT)
def _key(host_key: str, purpose: Purpose) -> bytes:
    info = f"stackling {purpose} 2".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(bytes.fromhex(host_key))


@lru_cache(maxsize=KEYS_KEPT)
def _cipher(host_key: str, purpose: Purpose) -> AESGCM:
    return AESGCM(_key(host_key, purpose))


def close(message: Mapping[str, object], host_key: str, purpose: Purpose) -> dict[str, object]:
    """Build the message in its box. `message["host"]` is the host's name.

    Raises: ValueError (UnicodeEncodeError), TypeError when it is no JSON.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    head: dict[str, object] = {"v": VERSION, "host": message["host"], "nonce": nonce.hex()}
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    box = _cipher(host_key, purpose).encrypt(nonce, text, canonical(head))
    return {**head, "box": base64.b64encode(box).decode()}


def open_box(message: Mapping[str, object], host_key: str, purpose: Purpose) -> dict[str, object] | None:
    """Open a message that was closed for this host and purpose. Returns it with its "v" and "nonce"; None for anything else."""
    head = {name: message.get(name) for name in ("v", "host", "nonce")}
    try:
        nonce, box = bytes.fromhex(str(head["nonce"])), base64.b64decode(str(message.get("box")), validate=True)
        found = plain(_cipher(host_key, purpose).decrypt(nonce, box, canonical(head)))
    except (InvalidTag, ValueError):
        return None
    if not isinstance(found, dict) or found.get("host") != head["host"]:
        return None
    return {**found, "v": head["v"], "nonce": head["nonce"]}


def plain(text: bytes) -> object:
    """JSON as RFC 8259 has it and as databases take it. NUL characters are replaced.

    Raises: ValueError for NaN, Infinity, numbers beyond a double, halves of characters, and what is nested without end.
    Python reads and writes all of these; a database refuses them in words that sound as if it were ill.
    """
    try:
        found = json.loads(text.decode().replace("\\u0000", "\\ufffd"), parse_constant=_refused, parse_float=_finite)
        if b"\\u" in text:  # nothing else can be half a character
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deep") from None
    return found


def _refused(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number that a double holds")
    return number


def is_same(have: str, want: str) -> bool:
    """Whether two signatures are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(have.encode(errors="replace"), want.encode())


# ── HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Headers that a signature covers beside method, path and body: headers by which an agent says for whom it asks.
IDENTITY_HEADERS: Final = ("X-Stackling-Client", "X-Stackling-Network", "X-Stackling-Router")


def body_digest(body: bytes) -> str:
    """Return the `X-Stackling-Digest` of a request: SHA-512 in hex."""
    return hashlib.sha512(body).hexdigest()


def http_signature(
    host_key: str, *, method: str, path: str, at: str, nonce: str, digest: str, identity: tuple[str, ...]
) -> str:
    """Return the `X-Stackling-Seal-2` of an agent's HTTP request to control's /internal/ paths.

    Sent with `X-Stackling-Host`, `X-Stackling-Time` (unix seconds by control's clock), `X-Stackling-Nonce` (24 hex, used once)
    and `X-Stackling-Digest`. `path` holds the query string; `identity` the values of IDENTITY_HEADERS, empty where absent.
    """
    said = json.dumps([VERSION, method, path, at, nonce, digest, *identity], ensure_ascii=True).encode()
    return hmac.new(_key(host_key, "http"), said, hashlib.sha256).hexdigest()
