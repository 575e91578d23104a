"""Each process gives its metrics at a socket of its own in the run folder; web asks them all to answer /metrics.

Not files: a process that is asked and does not answer is news in itself, and a full disk spoils nothing (decision 0088).
"""

import logging
import socket
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
from django.conf import settings
from prometheus_client import Metric
from prometheus_client.samples import Sample

from common import file_modes, metrics

log = logging.getLogger(__name__)

#: Processes whose figures web asks for at a socket; web adds its own.
PROCESSES = ("bytes", "control", "sockets")
PATIENCE = 0.5  # seconds that a process may take to answer, and a reader to read
LARGEST = 1 << 24  # bytes of an answer

Told = list[tuple[str, str, str, list[tuple[str, dict[str, str], float]]]]


def tell() -> bytes:
    """Serialize this process's metrics as JSON."""
    told: Told = [
        (family.name, family.type, family.documentation, [(s.name, s.labels, s.value) for s in family.samples])
        for family in metrics.registry.collect()
        if family.samples
    ]
    return orjson.dumps(told)


def path_of(process: str) -> Path:
    return Path(settings.RUN) / "metrics" / process / "figures.sock"


def serve(process: str) -> None:
    """Tell who connects, on a thread of its own. Only web can open the socket (cloud/run/users.py)."""
    path = path_of(process)
    listener = socket.socket(socket.AF_UNIX)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(file_modes.socket_mode(path.parent))
        listener.listen(8)
    except OSError as error:
        log.warning("what this process counts cannot be asked for: %s", error)
        return
    threading.Thread(target=_serve, args=(listener,), name="metrics", daemon=True).start()


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            link, _ = listener.accept()
            with link:
                link.settimeout(PATIENCE)
                link.sendall(tell())
        except OSError as error:  # whoever asked is gone, or does not read
            log.debug("what this process counts was not read: %s", error)
        except Exception:
            log.exception("what this process counts could not be told")


def _ask(process: str) -> Told | None:
    pieces: list[bytes] = []
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(PATIENCE)
            link.connect(str(path_of(process)))
            while piece := link.recv(1 << 16):
                pieces.append(piece)
                if sum(map(len, pieces)) > LARGEST:
                    return None
        found: Told = orjson.loads(b"".join(pieces))
    except (OSError, ValueError):
        return None
    return found


class Gathered:
    """Families of all processes of this machine, each sample with the label `process`."""

    def __init__(self, own: str = "web") -> None:
        self._own = own

    def collect(self) -> Iterator[Metric]:
        with ThreadPoolExecutor(len(PROCESSES)) as pool:
            answers = dict(zip(PROCESSES, pool.map(_ask, PROCESSES), strict=True))
        up = Metric("stackling_process_up", "Whether a process says what it counts.", "gauge")
        for process in (self._own, *PROCESSES):
            known = process == self._own or answers[process] is not None
            up.add_sample(up.name, {"process": process}, float(known))
        yield up
        yield from merged({self._own: orjson.loads(tell()), **answers})


def merged(answers: dict[str, Told | None]) -> Iterable[Metric]:
    """Merge the processes' answers into one metric a family, with the label `process`."""
    families: dict[str, Metric] = {}
    for process, told in answers.items():
        for name, kind, documentation, samples in told or ():
            family = families.setdefault(name, Metric(name, documentation, kind))
            family.samples.extend(_sample(process, *sample) for sample in samples)
    return families.values()


def _sample(process: str, name: str, labels: dict[str, str], value: float) -> Sample:
    return Sample(name, {**labels, "process": process}, value)
