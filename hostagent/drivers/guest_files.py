"""What a host keeps of a guest beside its disks: its console log, its configuration drive, and what control last said of it.

<host data>/consoles/<server>.log         the kept serial log, written by virtlogd
<host data>/disks/<server>/config.iso     the configuration drive
<host data>/disks/<server>/server.json    the record of the server, root's: root believes it
"""

import json
import shutil
from pathlib import Path
from typing import Final

from hostagent.contract.location import FileLocation
from hostagent.machine import guest_users
from hostagent.process.durable import put_whole, read_whole, sync_folder, write_whole

CONFIG_DRIVE: Final = "config.iso"
RECORD: Final = "server.json"


class GuestFiles:
    """The files of all guests of a host. `data` is the host's own folder."""

    def __init__(self, data: Path) -> None:
        self.consoles = data / "consoles"
        self.homes = data / "disks"  # a folder a server, which pools of files share

    def start(self) -> None:
        """Make the folder of logs, and close it to others, also where it comes from a time when it was open."""
        self.consoles.mkdir(parents=True, exist_ok=True)
        self.consoles.chmod(0o700)
        for path in self.consoles.iterdir():
            path.chmod(0o600)

    def home(self, server_id: str) -> Path:
        """Return the folder of a server, made where it is missing."""
        home = self.homes / server_id
        is_new = not home.exists()
        if is_new:
            guest_users.folder(self.homes)
        guest_users.folder(home)
        if is_new:
            sync_folder(self.homes)
        return home

    def ensure_config_drive(self, server_id: str, files: dict[str, str]) -> FileLocation:
        """Return an ISO labelled config-2 with these files (name → base64)."""
        from hostagent.drivers.config_drive import write_iso  # late: pycdlib is large and seldom used

        path = self.home(server_id) / CONFIG_DRIVE
        fresh = guest_users.fresh(path.with_suffix(".new"), server_id)
        write_iso(fresh, files)
        guest_users.give(fresh, server_id, mode=0o400)
        put_whole(fresh, path)
        return {"kind": "file", "path": str(path), "format": "raw"}

    def keep_record(self, server_id: str, record: dict[str, object]) -> None:
        """Write what control says of a server beside its disks: it may have to be told from there one day."""
        path = self.homes / server_id / RECORD
        if path.parent.exists() and record != self.read_record(server_id):
            write_whole(path, json.dumps(record))

    def read_record(self, server_id: str) -> dict[str, object]:
        path = self.homes / server_id / RECORD
        found: dict[str, object] = read_whole(path, lambda said: isinstance(said, dict), absent={}, damaged={})
        return found

    def remove(self, server_id: str) -> None:
        """Remove all files of a server. Absent is success."""
        for log in self.consoles.glob(f"{server_id}.*"):
            log.unlink(missing_ok=True)
        shutil.rmtree(self.homes / server_id, ignore_errors=True)

    def put_aside(self, server_id: str, place: Path) -> None:
        """Move the files of a server to `place`; a storage of files has taken its folder there already. Absent is success."""
        if (self.homes / server_id).exists():
            (self.homes / server_id).rename(place / "files")
        logs = list(self.consoles.glob(f"{server_id}.*"))
        if logs:
            (place / "consoles").mkdir(exist_ok=True)
        for log in logs:
            log.rename(place / "consoles" / log.name)
        for folder in (self.homes, self.consoles, place):
            if folder.exists():
                sync_folder(folder)

    def take_back(self, server_id: str, place: Path) -> None:
        """Move them the other way."""
        if (place / "files").exists() and not (self.homes / server_id).exists():
            (place / "files").rename(self.homes / server_id)
        for log in sorted((place / "consoles").glob("*")) if (place / "consoles").exists() else ():
            log.rename(self.consoles / log.name)
