"""Process of `make run` once all runs: it watches and, told to stop, stops the cloud (`python -m cloud.run.watch LOCK NAME=PID…`).

It is the same process: what only a start needs (YAML, keys, front-end packages) would be held for as long as the cloud runs.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from typing import Never

from cloud.run import deadlines, settings, supervise
from cloud.run.settings import Cloud

STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK_EVERY = 0.5  # seconds


def become(lock: int, children: dict[str, int]) -> Never:
    """Go on as this module, with the cloud's lock and the supervisors: name → pid. Signals to stop are blocked and wait."""
    os.set_inheritable(lock, True)
    words = [str(lock), *(f"{name}={pid}" for name, pid in children.items())]
    os.execv(sys.executable, [sys.executable, "-m", "cloud.run.watch", *words])


def end(cloud: Cloud, names: Iterable[str]) -> None:
    """Stop the supervisors, the last one first. Raises: Refused."""
    for name in reversed([*names]):
        supervise.stop(cloud, name)
    print("Stopped. Guests and their networks go on; `make clean` removes them.", flush=True)


def watch(cloud: Cloud, children: dict[str, int]) -> int:
    """Cut overdue requests until told to stop, or a supervisor ends. Gives the exit status."""
    looked = time.monotonic()
    while not signal.sigtimedwait(STOP, LOOK_EVERY):
        if ended := [name for name, pid in children.items() if os.waitpid(pid, os.WNOHANG)[0]]:
            print(f"{', '.join(ended)} ended by itself; see {cloud.logs}.", file=sys.stderr)
            return 1
        if time.monotonic() - looked > deadlines.EVERY:
            deadlines.cut(cloud)
            looked = time.monotonic()
    return 0


def main(words: list[str]) -> int:
    """Watch over the cloud; the lock is held by being open."""
    children = {name: int(pid) for name, _, pid in (word.partition("=") for word in words[1:])}
    cloud = settings.read()
    try:
        return watch(cloud, children)
    finally:
        (cloud.data / "ready").unlink(missing_ok=True)
        end(cloud, children)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    sys.exit(main(sys.argv[1:]))
