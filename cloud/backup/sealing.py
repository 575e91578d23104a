"""Parts sealed under a passphrase, piece by piece, so that none is ever in memory whole.

The passphrase becomes a key by scrypt (RFC 7914); each part has a key of its own from it by HKDF-SHA256 (RFC 5869) with a random
salt; each piece of it is AES-256-GCM with its number as nonce, and a mark on the last one, so that no piece can be changed,
moved, or left out at the end unseen (the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizár 2015).
"""

import hmac
import json
import secrets
import stat
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cloud.backup.errors import BackupError

PIECE: Final = 1 << 18  # bytes of plain text in a piece
TAG: Final = 16
SALT: Final = 32
SHORTEST: Final = 12  # characters of a passphrase
#: scrypt's cost: 64 MiB and about a quarter of a second. A manifest may ask for more, up to MOST.
COST: Final = 1 << 16
MOST: Final = 1 << 20


def passphrase_of(path: Path) -> str:
    """Return the passphrase in a file, without its line end. Raises: BackupError."""
    try:
        facts, text = path.stat(), path.read_text()
    except (OSError, ValueError) as error:
        raise BackupError(f"The passphrase file {path} cannot be read: {error}.") from None
    if stat.S_ISREG(facts.st_mode) and facts.st_mode & 0o077:
        raise BackupError(f"Others may read the passphrase file {path}: `chmod 600 {path}`.")
    if len(text.strip()) < SHORTEST:
        raise BackupError(
            f"The passphrase in {path} has fewer than {SHORTEST} characters. `openssl rand -base64 32` makes a good one."
        )
    return text.strip()


class Seal:
    """Encryption of one backup's parts. `facts` goes into its manifest: the parameters of the key, not the passphrase."""

    def __init__(self, passphrase: str, facts: dict[str, Any] | None = None) -> None:
        """Derive the key; without `facts`, with a new salt. Raises: BackupError for facts that are none of ours."""
        self.facts = facts or {"kdf": "scrypt", "salt": secrets.token_hex(SALT), "n": COST, "r": 8, "p": 1}
        try:
            salt, n = bytes.fromhex(self.facts["salt"]), int(self.facts["n"])
            known = self.facts["kdf"] == "scrypt" and (self.facts["r"], self.facts["p"]) == (8, 1)
        except (KeyError, TypeError, ValueError):
            known, salt, n = False, b"", 0
        if not known or len(salt) != SALT or not COST <= n <= MOST or n & (n - 1):
            raise BackupError("The manifest names a way of sealing that this version does not know.")
        self._key = Scrypt(salt=salt, length=32, n=n, r=8, p=1).derive(passphrase.encode())

    def signature(self, manifest: dict[str, object]) -> str:
        """HMAC-SHA256 of a manifest, in hex."""
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
        return hmac.new(self._derived("manifest", b""), text, sha256).hexdigest()

    def _derived(self, purpose: str, salt: bytes) -> bytes:
        info = f"stackling backup 1 {purpose}".encode()
        return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(self._key)

    def close(self, part: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a part as it is kept."""
        salt = secrets.token_bytes(SALT)
        cipher = AESGCM(self._derived(f"part {part}", salt))
        yield salt
        for number, (piece, is_last) in enumerate(_resized(pieces, PIECE)):
            yield cipher.encrypt(_nonce(number, is_last), piece, None)

    def open(self, part: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a part's decrypted pieces, each only after it proved authentic. Raises: BackupError."""
        kept = _Buffer(pieces)
        cipher = AESGCM(self._derived(f"part {part}", kept.take(SALT)))
        number, is_last = 0, False
        while not is_last:
            piece, is_last = kept.take(PIECE + TAG), kept.is_empty()
            try:
                yield cipher.decrypt(_nonce(number, is_last), piece, None)
            except (InvalidTag, ValueError):
                raise BackupError(f"The part {part} was changed, or sealed with another passphrase.") from None
            number += 1


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


class _Buffer:
    """Pieces of any size, taken in others."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._kept = bytearray()
        self._ended = False

    def _fill(self, size: int) -> None:
        while len(self._kept) < size and not self._ended:
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
            else:
                self._kept += piece

    def take(self, size: int) -> bytes:
        """The next `size` bytes; fewer at the end."""
        self._fill(size)
        found = bytes(self._kept[:size])
        del self._kept[:size]
        return found

    def is_empty(self) -> bool:
        self._fill(1)
        return not self._kept


def _resized(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """(piece of `size` bytes, whether it is the last, which may be shorter). At least one comes."""
    kept, is_last = _Buffer(pieces), False
    while not is_last:
        piece, is_last = kept.take(size), kept.is_empty()
        yield piece, is_last
