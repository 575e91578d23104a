"""Which database this host last served, remembered beside its disks.

An older copy of a database, or another one, does not know what was made since: whatever it would have removed here as
unknown was not its to remove. Each order says which database it comes from (contract.Cloud); orders of one that this host
has seen newer are refused, until an operator's word (`host.recognise`) says that it counts from now on.
"""

import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hostagent.contract import READS, Cloud, Failure

log = logging.getLogger(__name__)

#: What a host says that no longer knows whom it served. It is no database's, so an operator is asked.
UNREADABLE: Final = Cloud(id="unreadable", life="unreadable", count=0)


class Seen:
    """The newest Cloud that this host was ordered by. Written, to the disk, before the order is acted on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.cloud: Cloud | None = read_whole(path, _is_cloud, absent=None, damaged=UNREADABLE)
        self._lock = threading.RLock()  # orders come by two queues, on several threads
        self._since = 0.0  # when the order left that brought the newest count

    def accept(self, order: dict[str, Any]) -> None:
        """Raises: Failure estranged for an order of an older database, or of another one. Reading is always allowed.

        One that left before the count rose, and was overtaken by one that left after it, is no older database's.
        """
        got: Cloud | None = order.get("cloud")
        if got is None or order["verb"] in READS:
            return
        with self._lock:
            have, sent = self.cloud, float(order.get("sent") or 0.0)
            is_lower = have is not None and have["life"] == got["life"] and have["count"] > got["count"]
            if have is not None and (have["id"] != got["id"] or (is_lower and sent > self._since)):
                raise Failure("estranged", have=dict(have), got=dict(got))
            if got != have and not is_lower:
                self._since = sent
                self.take(got)

    def take(self, cloud: Cloud) -> None:
        """Serve this one from now on."""
        with self._lock:
            if cloud == self.cloud:
                return
            write_whole(self._path, json.dumps(cloud))
            self.cloud = cloud


def _is_cloud(said: Any) -> bool:
    return isinstance(said, dict) and {name: type(value) for name, value in said.items()} == Cloud.__annotations__


def read_whole(path: Path, is_one: Callable[[Any], bool], *, absent: Any, damaged: Any) -> Any:
    """What a file says that `write_whole` or its like wrote. A file that a crash of the machine or its disk spoiled ends no
    agent, which would end again each time it is started: then it is `damaged`."""
    try:
        said = json.loads(path.read_bytes())
    except FileNotFoundError:
        return absent
    except (OSError, ValueError, RecursionError) as error:
        log.error("%s cannot be read: %s", path, error)
        return damaged
    if not is_one(said):
        log.error("%s does not say what it should", path)
        return damaged
    return said


def is_object(said: Any) -> bool:
    """For `read_whole`: a JSON object of objects."""
    return isinstance(said, dict) and all(isinstance(one, dict) for one in said.values())


_WRITING: Final = tuple(threading.Lock() for _ in range(64))  # two threads that write one file share the name below


def write_whole(path: Path, text: str) -> None:
    """Put a file in another's place so that one of the two is there whole whenever the power goes. Any thread may."""
    fresh = path.with_name(path.name + ".new")
    with _WRITING[hash(path) % len(_WRITING)]:
        with fresh.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """What was renamed in it stays renamed when the power goes."""
    sync_file(folder)


def sync_file(path: Path) -> None:
    """What was written to it stays when the power goes."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
