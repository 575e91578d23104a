"""Steps of a start: one line each with its seconds, and stamps that let a step whose inputs are unchanged be skipped."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud.run.settings import Refused


class Steps:
    """Runs and times steps; `seconds` holds what each one took, for the `ready` file."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.started = time.monotonic()

    def line(self, name: str, seconds: float, note: str = "") -> None:
        self.seconds[name] = round(seconds, 2)
        print(f"  {name:<44} {seconds:6.1f} s{'   ' + note if note else ''}", flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Times what happens inside. Text appended to the list it gives is shown at the end of the line."""
        begin, notes = time.monotonic(), list[str]()
        yield notes
        self.line(name, time.monotonic() - begin, " · ".join(notes))

    def once(self, name: str, stamp: Path, inputs: str, make: Callable[[], None]) -> None:
        """Runs `make` unless `stamp` says it was last run with the same `inputs` (a hash)."""
        if stamp.exists() and stamp.read_text() == inputs:
            return
        with self.step(name):
            make()
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(inputs)


def hash_files(paths: Iterable[Path], *more: str) -> str:
    """Return a hash of files' contents and of `more`; folders are walked, absent files count as empty."""
    digest = hashlib.sha256("\0".join(more).encode())
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(str(file).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def hash_tree_facts(paths: Iterable[Path], *more: str) -> str:
    """Like hash_files, by size and modification time only: for large trees."""
    digest = hashlib.sha256("\0".join(more).encode())
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                facts = file.stat()
                digest.update(f"{file}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def run(command: list[str], **kwargs: object) -> str:
    """Runs a command to its end and gives what it printed.

    Raises: Refused with the end of its output when it fails.
    """
    done = subprocess.run(  # type: ignore[call-overload]
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL, **kwargs
    )
    if done.returncode:
        tail = "\n".join(str(done.stdout).strip().splitlines()[-25:])
        raise Refused(f"`{' '.join(command)}` ended with {done.returncode}:\n{tail}")
    return str(done.stdout)


def stream_steps(steps: Steps, command: list[str], **kwargs: object) -> None:
    """Runs a command that prints its steps as JSON lines {"step", "seconds", "note"}; other lines pass through.

    Raises: Refused when it fails; its own error output has been shown by then.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, **kwargs)  # type: ignore[call-overload]
    last = ""
    for line in process.stdout:
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if isinstance(found, dict) and "step" in found:
            steps.line(found["step"], found["seconds"], found.get("note", ""))
        elif isinstance(found, dict) and "refused" in found:
            last = found["refused"]
        else:
            print(line, end="", file=sys.stderr, flush=True)
    if process.wait():
        raise Refused(last or f"`{' '.join(command)}` ended with {process.returncode}; the lines above say why.")
