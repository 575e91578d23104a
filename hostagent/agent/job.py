"""One cast while it is carried out: its deadline, its progress, its child processes."""

import subprocess
import threading
import time
from collections.abc import Sequence

from hostagent.contract import VERBS, reports
from hostagent.contract.failures import Failure
from hostagent.contract.messages import Cast
from hostagent.contract.verb import AnyVerb
from hostagent.machine import confinement

DEFAULT_DEADLINE = 120.0  # seconds, when a cast names none


class Job:
    """A cast as its verb sees it: deadline, progress, child processes. Safe from any thread."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.body = cast["body"]
        self.deadline = float(cast.get("deadline") or DEFAULT_DEADLINE)
        self.progress: float | None = None
        self.begun: float | None = None
        self.notes: dict[str, float] = {}  # of a verb that is run again (serial_queues.Later): what it noted before
        self.word_due = time.monotonic() + reports.WORKING_FIRST - 1.0  # the report has a way to go too
        self._children: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._expired = False

    @property
    def verb(self) -> AnyVerb:
        """The row of the contract that the cast names."""
        return VERBS[self.cast["verb"]]

    def begin(self) -> None:
        """Begin the job, whose turn in the serial queue has come: the deadline counts from now. Nothing changes when the job is run again."""
        if self.begun is None:
            self.begun = time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - (self.begun or time.monotonic()), 3)

    @property
    def seconds_left(self) -> float:
        return self.deadline - (time.monotonic() - (self.begun or time.monotonic()))

    def check(self) -> None:
        """Raises: Failure timed_out past the deadline. Long loops call it."""
        if self._expired or self.seconds_left <= 0:
            raise Failure("timed_out", seconds=self.deadline)

    def expire(self) -> None:
        """Past the deadline: kill the children, so that the verb's thread comes back and says timed_out."""
        self._expired = True
        with self._lock:
            for child in self._children:
                child.kill()

    def run(self, argv: Sequence[str], uid: int | None = None) -> bytes:
        """Standard output of a child that dies with the deadline and with the agent; of a guest's user, or of all guests'.

        Raises: Failure timed_out; ChildError with the child's error text when it ends badly.
        """
        self.check()
        guarded = confinement.command(
            "guest", *argv, uid=uid, pdeathsig=True
        )  # it must not outlive who takes its result
        with subprocess.Popen(
            guarded, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=confinement.ENVIRONMENT,
            umask=confinement.DAEMONS["guest"].umask, cwd="/",
        ) as child:  # fmt: skip
            with self._lock:
                self._children.add(child)
            try:
                out, err = child.communicate()
            finally:
                with self._lock:
                    self._children.discard(child)
        self.check()
        if child.returncode:
            raise ChildError(argv, child.returncode, err.decode(errors="replace").strip())
        return out


class ChildError(Exception):
    """A command that a verb needs ended badly."""

    def __init__(self, argv: Sequence[str], code: int, text: str) -> None:
        super().__init__(f"{argv[0]} ended with {code}: {text[-500:]}")
        self.text = text
