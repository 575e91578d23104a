"""Files that hold after a power cut: written whole, named when they are whole, and read without ending whoever reads them."""

import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)


def read_whole(path: Path, is_one: Callable[[Any], bool], *, absent: Any, damaged: Any) -> Any:
    """Read a JSON file that `write_whole` or its like wrote. A file that a crash of the machine or its disk spoiled ends no
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


def is_object(said: object) -> bool:
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


def put_whole(fresh: Path, path: Path) -> None:
    """Give a finished file its name: whoever finds it there after the power went finds all of it. A tool's exit is no promise."""
    sync_file(fresh)
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder, so that a rename in it outlives a power cut."""
    sync_file(folder)


def sync_file(path: Path) -> None:
    """Flush a file, so that its content outlives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
