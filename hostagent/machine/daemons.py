"""Daemons that outlive the agent: started once, found again after its restart, started again when they die.

A daemon is known by its program, its user, a file of its own in its command line, and the moment at which its process began.
Pid files are not read: a daemon writes its own, and could name any process of the host there.
"""

import fcntl
import logging
import os
import pwd
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from hostagent.machine import confinement
from hostagent.machine.accounts import NoAccount
from hostagent.process.journal import Journal

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 3.0
LOOK_EVERY: Final = 5.0  # seconds between looks for dead daemons
PAUSE_LIMIT: Final = 60.0  # seconds between two starts of a daemon that dies, or does not start, each time

Died = Callable[[str, int, str], None]


@dataclass(frozen=True)
class Daemon:
    """A daemon that a host should have. It puts itself into the background."""

    name: str  # for people: "dnsmasq <network id>"
    kind: str  # its row of confinement.DAEMONS: user, capabilities, limits
    command: tuple[str, ...]  # the program first; one of the words is `config`, or ends with "=" and `config`
    config: str  # a path that no other daemon of the machine has in its command line
    net: str = ""  # the file of its network namespace; "": the agent's own
    environment: tuple[str, ...] = ()  # what it finds there besides confinement.ENVIRONMENT, as NAME=value
    is_restarted: bool = True  # False: whoever wants it starts it again after a death, in an order of its own

    def __post_init__(self) -> None:
        assert any(_is_of(word, self.config) for word in self.command[1:]), (
            f"{self.command} does not name {self.config}"
        )


@dataclass(frozen=True)
class Process:
    pid: int
    began: int  # clock ticks from the machine's start: a number that was used again has another


class Daemons:
    """The daemons of one host. Safe from any thread; `folder` remembers them for the next agent, until the machine restarts.

    `on_death` is called as (name, deaths since this agent began, what was done about it).
    """

    def __init__(self, folder: Path, on_death: Died = lambda name, count, detail: None) -> None:
        self.deaths: dict[str, int] = {}
        self._on_death = on_death
        self._folder = folder
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._journal = Journal(folder / "daemons.journal")
        self._wanted: dict[str, Daemon] = {}
        self._known: dict[str, list[Process]] = {}  # config → its processes, as they were found last
        self._waits: dict[str, tuple[float, float]] = {}  # config → (pause, when it is tried again) of one that fails
        for said in self._journal.values.values():
            with suppress(AssertionError, KeyError, TypeError, ValueError):  # a row that a crash of the machine spoiled
                lists = {name: tuple(said["daemon"].get(name, ())) for name in ("command", "environment")}
                daemon = Daemon(**{**said["daemon"], **lists})
                self._wanted[daemon.config] = daemon
                self._known[daemon.config] = [Process(int(pid), int(began)) for pid, began in said["processes"]]

    # ── One daemon ──────────────────────────────────────────────────────────────────────────────────────────────────

    def ensure(self, daemon: Daemon, *, restart: bool = False, prepare: Callable[[], None] = lambda: None) -> bool:
        """Have it run, once. `restart` ends one that runs; so does a change of its row. `prepare` is called before it starts.

        Returns whether it was started now. Raises: NotStarted, NoAccount, and what `prepare` raises.
        """
        with self._alone():
            running = self.find(daemon)
            if running and not restart and self._wanted.get(daemon.config, daemon) == daemon:
                self._note(daemon, running)
                return False
            if running:
                self._end(daemon)
            self._note(daemon, [])  # wanted from now on, also where it does not start
            prepare()
            self._start(daemon)
            return True

    def remove(self, daemon: Daemon, *, within: float = STOP_SECONDS) -> None:
        """End it, by force after some seconds, and have it no more. Raises: RuntimeError where it does not end."""
        with self._alone():
            self._wanted.pop(daemon.config, None)
            self._waits.pop(daemon.config, None)
            self.deaths.pop(daemon.name, None)
            self._end(daemon, within)
            self._known.pop(daemon.config, None)
            self._journal.drop(daemon.config)

    def send(self, daemon: Daemon, sign: signal.Signals) -> None:
        """Send a signal to each of its processes. One that has ended meanwhile gets none, nor does another in its place."""
        for process in self.find(daemon):
            _send(process, daemon, sign)

    def runs(self, daemon: Daemon) -> bool:
        """Whether each of its processes lives that was found last. Looks at those alone: it costs next to nothing."""
        known = self._known.get(daemon.config, [])
        return bool(known) and all(_identify(process.pid, daemon) == process for process in known)

    def find(self, daemon: Daemon) -> list[Process]:
        """Find its processes on this machine, those found before first: a walk through all of a host takes long."""
        if self.runs(daemon):
            return self._known[daemon.config]
        found = self._known[daemon.config] = _walk([daemon]).get(daemon.config, [])
        return found

    # ── All of them ─────────────────────────────────────────────────────────────────────────────────────────────────

    def restart_dead(self) -> list[str]:
        """Start again each that has died and whose namespace is there. Returns the names of those that were started."""
        with self._alone():
            missing = [daemon for daemon in self._wanted.values() if daemon.is_restarted and not self.runs(daemon)]
            found = _walk(missing) if missing else {}
            started = []
            for daemon in missing:
                if processes := found.get(daemon.config):
                    self._note(daemon, processes)
                elif (not daemon.net or Path(daemon.net).exists()) and self._is_due(daemon) and self._revive(daemon):
                    started.append(daemon.name)
            return started

    def watch(self) -> None:
        """Look for dead daemons every LOOK_EVERY seconds, until `stop_watching`."""
        while not self._stopping.wait(LOOK_EVERY):
            self.restart_dead()

    def stop_watching(self) -> None:
        """Let go. The daemons stay as they are."""
        self._stopping.set()

    # ── How ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread, and no agent that begins while another ends, looks for a daemon or starts one meanwhile."""
        with self._lock, (self._folder / "daemons.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _is_due(self, daemon: Daemon) -> bool:
        return time.monotonic() >= self._waits.get(daemon.config, (0.0, 0.0))[1]

    def _revive(self, daemon: Daemon) -> bool:
        pause = min(2 * self._waits.get(daemon.config, (LOOK_EVERY / 2, 0.0))[0], PAUSE_LIMIT)
        self._waits[daemon.config] = (pause, time.monotonic() + pause)
        self.deaths[daemon.name] = self.deaths.get(daemon.name, 0) + 1
        try:
            self._start(daemon)
        except (confinement.NotStarted, NoAccount, OSError, subprocess.SubprocessError) as error:
            detail = f"it cannot be started again: {error}"
        else:
            detail = "it was started again"
        log.warning("%s had died; %s", daemon.name, detail)
        self._on_death(daemon.name, self.deaths[daemon.name], ascii(detail)[1:-1][:300])
        return bool(self._known.get(daemon.config))

    def _start(self, daemon: Daemon) -> None:
        entering = ("nsenter", f"--net={daemon.net}") if daemon.net else ()
        confinement.start(daemon.kind, *daemon.command, entering=entering, environment=daemon.environment)
        self._note(daemon, _walk([daemon]).get(daemon.config, []))

    def _note(self, daemon: Daemon, processes: list[Process]) -> None:
        self._wanted[daemon.config] = daemon
        self._known[daemon.config] = processes
        row = asdict(daemon) | {"command": list(daemon.command), "environment": list(daemon.environment)}
        self._journal.set(
            daemon.config, {"daemon": row, "processes": [[process.pid, process.began] for process in processes]}
        )

    def _end(self, daemon: Daemon, within: float = STOP_SECONDS) -> None:
        """Raises: RuntimeError."""
        running = self.find(daemon)
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for process in running:
                _send(process, daemon, sign)
            until = time.monotonic() + within
            while running and time.monotonic() < until:
                time.sleep(0.01)
                running = self.find(daemon)
        if running:
            raise RuntimeError(f"{daemon.name} does not end")


def _is_of(word: str, config: str) -> bool:
    return word == config or word.endswith(f"={config}")


def _users(kind: str) -> set[int]:
    """User ids that such a daemon may have: its account's, and root's, as which agents older than the account started it."""
    if os.geteuid():
        return {os.geteuid()}
    with suppress(KeyError):
        return {0, pwd.getpwnam(confinement.DAEMONS[kind].account).pw_uid}
    return {0}


def _identify(pid: int, daemon: Daemon) -> Process | None:
    """The process of this number, where it lives and is this daemon's."""
    try:
        words = _words(pid)
        if not words or Path(words[0]).name != Path(daemon.command[0]).name:
            return None
        if not any(_is_of(word, daemon.config) for word in words[1:]):
            return None
        status = Path(f"/proc/{pid}/status").read_text()
        user = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("Uid:"))
        # From the third field on: the second, in parentheses, is a name that may hold anything. proc(5).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, StopIteration):
        return None  # it ended while we looked
    is_zombie, began = fields[0] == "Z", int(fields[19])
    return Process(pid, began) if not is_zombie and user in _users(daemon.kind) else None


def _words(pid: int) -> list[str]:
    return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).rstrip("\0").split("\0")


def _named(words: Iterable[str]) -> set[str]:
    """Each text that `_is_of` holds for: a word, and what follows each of its "="."""
    found: set[str] = set()
    for word in words:
        found.add(word)
        while "=" in word:
            word = word.partition("=")[2]
            found.add(word)
    return found


def _walk(daemons: Collection[Daemon]) -> dict[str, list[Process]]:
    """Config → processes of these daemons, in one walk through all of the machine's."""
    by_config = {daemon.config: daemon for daemon in daemons}
    found: dict[str, list[Process]] = {}
    for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        with suppress(OSError):
            for config in _named(_words(pid)[1:]) & by_config.keys():
                if process := _identify(pid, by_config[config]):
                    found.setdefault(config, []).append(process)
    return found


def _send(process: Process, daemon: Daemon, sign: signal.Signals) -> None:
    """Through a handle that stays with this process, so that the number cannot pass to another between look and signal."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if _identify(process.pid, daemon) == process:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, sign)
    finally:
        os.close(handle)
