"""Keys are changed under running processes: the new one is accepted everywhere before anything uses it, the old one after.

A file of keys (hostagent/process/keyfile.py) goes through three states: the new one staged, the old one retired, the new one alone.
A rotation that is cut short goes on from the state of its files. Sources: NIST SP 800-57 part 1, 5.3 (cryptoperiods); Keystone's fernet_rotate.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from django.conf import settings

from cloud.backup.errors import BackupError
from compute.consoles.models import ConsoleLink, ConsoleTicket
from hostagent.contract.messages import CAST_LIFE, WINDOW
from hostagent.process import keyfile
from hostagent.process.keyfile import RETIRED, STAGED
from identity import tokenkeys
from identity.credentials import hashing
from identity.revocation import services as revocation
from keystore import rotation as keystore
from keystore import secret as root

Say = Callable[[str], None]

SETTLE: Final = 2 * keyfile.LOOK + 0.5  # seconds until every process has read a file again


def _lines(path: Path) -> dict[str, str]:
    """Word → key of a file; "" is the one in use. Raises: BackupError."""
    try:
        return {word: key for key, word in keyfile.parse(path.read_text())}
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}. `make run` makes what is missing.") from None


def _write(path: Path, first: str, second: str = "", word: str = "") -> None:
    keyfile.write(path, f"{first}\n" + (f"{second} {word}\n" if second else ""))


def stage(paths: Iterable[Path], fresh: Callable[[], str]) -> None:
    """Give each a new key that is accepted beside the old; one that was interrupted goes on from where it was."""
    waits = False
    for path in paths:
        found = _lines(path)
        if STAGED not in found and RETIRED not in found:
            _write(path, found[""], fresh(), STAGED)
        waits = waits or RETIRED not in found
    if waits:
        time.sleep(SETTLE)


def promote(paths: Iterable[Path]) -> None:
    """Have each use its new key, and accept the one before."""
    for path in paths:
        found = _lines(path)
        if STAGED in found:
            _write(path, found[STAGED], found[""], RETIRED)
    time.sleep(SETTLE)


def drop(paths: Iterable[Path]) -> None:
    """Drop each one's key of before: the new one alone counts."""
    for path in paths:
        _write(path, _lines(path)[""])


def _change(paths: list[Path], window: float, say: Say) -> None:
    stage(paths, lambda: secrets.token_hex(32))
    promote(paths)
    say(f"The new keys are in use; those of before are accepted for {window:.0f} s more.")
    time.sleep(window)
    drop(paths)


# ── Of what ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def hosts(say: Say) -> str:
    """Rotate the key of each host, which signs its casts, its reports and its requests."""
    paths = sorted((Path(settings.KEYS) / "hosts").glob("*.key"))
    _change(paths, CAST_LIFE + WINDOW, say)
    return f"Hosts with new keys: {len(paths)}."


def consoles(say: Say) -> str:
    """Delete all console tickets and links: each is a secret of its own, so none given out before opens anything."""
    links, tickets = ConsoleLink.objects.all().delete()[1], ConsoleTicket.objects.all().delete()[1]
    count = sum(links.values()) + sum(tickets.values())
    return f"Tickets and links to consoles that have ended: {count}. What was opened with them ends within a second or two."


def tokens(say: Say, *, at_once: bool = False) -> str:
    """Rotate the keys that tokens are made with; `at_once`: no token of before counts any more."""
    if at_once:
        number = tokenkeys.replace()
        time.sleep(SETTLE)
        revocation.touch()  # what processes remember of tokens that they read before
        return f"Tokens are made with key {number}; every token of before has ended."
    return f"Tokens are made with key {tokenkeys.rotate()}."


def secret(say: Say) -> str:
    """Rotate the cloud's secret: keys in the key store are wrapped under the new one, and columns are encrypted with new data keys.

    Raises: BackupError where the secret comes from a setting, or where something could not be opened.
    """
    if settings.SECRET_FILE is None:
        raise BackupError(
            "The secret of this cloud is the setting STACKLING_SECRET_KEY, which no command can change. Write its value into"
            f" {settings.KEYS}/secret (0600), take the setting away, start the cloud again, and rotate then."
        )
    path = Path(settings.SECRET_FILE)
    stage([path], lambda: secrets.token_hex(32))
    found = _lines(path)
    hashing.keep_hash_key(found.get(RETIRED) or found[""])
    promote([path])
    root.forget()
    count = keystore.rotate(say)
    drop([path])
    return f"{count} values are encrypted with new keys under the new secret; the old one opens nothing any more."
