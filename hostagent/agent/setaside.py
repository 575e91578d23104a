"""Things that nobody knows: stopped, and kept aside for SETASIDE_DAYS instead of being destroyed.

<host data>/setaside/<id>/note.json   what it was, when and why it came here, its domain (contract.setaside.Note)
                          disks/      the server's folder of disks, as it was
                          consoles/   its logs
                          memory      the memory of a suspended one

`<id>.part` is one that a kill cut short: the same cast, repeated, goes on with it.
"""

import json
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

from hostagent.contract.failures import Failure
from hostagent.contract.setaside import SETASIDE_DAYS, Note
from hostagent.process.durable import read_whole, sync_folder, write_whole

log = logging.getLogger(__name__)

ID: Final = re.compile(r"[0-9]+-[A-Za-z0-9:-]+")
NOTE: Final = "note.json"
PART: Final = ".part"
LOOK_EVERY: Final = 3600.0  # seconds between looks for what has been kept long enough


def _is_note(said: object) -> bool:
    return isinstance(said, dict) and said.keys() >= Note.__annotations__.keys()


class SetAside:
    """The set-aside things of one host. `clock` gives unix seconds."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._clock = clock
        self._lock = threading.Lock()

    def place(self, id: str) -> Path:
        """Raises: Failure not_found."""
        if not ID.fullmatch(id) or not (self.folder / id).is_dir():
            raise Failure("not_found", what="set-aside", id=id)
        return self.folder / id

    def begin(self, kind: str, key: str, why: str, **facts: Any) -> tuple[Note, Path]:
        """Write the note, to the disk, before anything moves. What a kill cut short is taken up again."""
        with self._lock:
            for part in sorted(self.folder.glob(f"*-{key.replace(':', '-')}{PART}")):
                return self._read(part), part
            at = self._clock()
            id = f"{int(at * 1000)}-{key.replace(':', '-')}"
            note = Note(
                id=id, kind=kind, key=key, why=why, at=at, until=at + SETASIDE_DAYS * 86400,
                state=facts.get("state", "absent"), xml=facts.get("xml", ""), record=facts.get("record", {}), files=[],
            )  # fmt: skip
            part = self.folder / f"{id}{PART}"
            part.mkdir(parents=True, mode=0o700)
            write_whole(part / NOTE, json.dumps(note))
            return note, part

    def is_begun(self, key: str) -> bool:
        return any(self.folder.glob(f"*-{key.replace(':', '-')}{PART}"))

    def finish(self, note: Note, part: Path) -> Note:
        note["files"] = sorted(str(path.relative_to(part)) for path in part.rglob("*") if path.name != NOTE)
        write_whole(part / NOTE, json.dumps(note))
        part.rename(self.folder / note["id"])
        sync_folder(self.folder)
        log.warning("set aside: %s (%s)", note["key"], note["why"])
        return note

    def items(self) -> list[Note]:
        """List those whose note can be read; the others stay until an operator looks."""
        if not self.folder.exists():
            return []
        found = (read_whole(path / NOTE, _is_note, absent=None, damaged=None) for path in sorted(self.folder.iterdir()))
        return [note for note in found if note is not None]

    def count(self) -> int:
        """How many there are, those being put aside counted."""
        try:
            return sum(1 for _ in self.folder.iterdir())
        except OSError:
            return 0

    def drop(self, id: str) -> None:
        """Absent is success."""
        if ID.fullmatch(id) and (self.folder / id).is_dir():
            shutil.rmtree(self.folder / id)

    def drop_moot(self, kind: str, keys: Collection[str]) -> None:
        """Drop the notes of things of a kind that are here again: what was kept of them would never be asked for."""
        for note in self.items():
            if note["kind"] == kind and note["key"] in keys:
                log.warning("set aside %s: it is wanted again, dropped", note["id"])
                self.drop(note["id"])

    def expire(self) -> list[str]:
        """Remove what has been kept long enough. Returns the ids. Nothing goes by a clock that stands before its arrival."""
        now = self._clock()
        gone = [note["id"] for note in self.items() if note["at"] <= now and note["until"] <= now]
        for id in gone:
            log.warning("set aside %s: kept for %s days, removed", id, SETASIDE_DAYS)
            self.drop(id)
        return gone

    @staticmethod
    def _read(place: Path) -> Note:
        note: Note = json.loads((place / NOTE).read_text())
        return note
