"""Reports of hosts to control, and their way there.

A host's Reporter says how casts ended, the facts that it noticed, that it lives. The Outbox of the process sends in order,
heartbeats before all else but their host's hello; the broker may be away for as long as it likes.
"""

import logging
import threading
import time
import typing
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from celery import Celery

from hostagent.agent.clock import ControlClock
from hostagent.agent.settings import HostSettings
from hostagent.contract import messages
from hostagent.contract.capabilities import Drivers
from hostagent.contract.failures import FailureBody
from hostagent.contract.host import AgentFigures, Cloud
from hostagent.contract.messages import Cast, Closed, Report
from hostagent.contract.reports import LIFE, NEWEST_ONLY, Event, Kind, queue_of
from hostagent.messaging import broker, envelope
from hostagent.process.journal import Journal
from hostagent.process.threads import Threads

log = logging.getLogger(__name__)

LIMIT = 10_000  # reports kept while the broker is away; beyond it the oldest goes, and control asks again
LARGEST = 64 * 1024 * 1024  # characters of a report as it is sent: RabbitMQ takes 128 MiB, and would cut the connection
RETRY = (0.1, 0.2, 0.5, 1.0)  # seconds between tries, the last one repeated
PARKED = 100  # reports that could not be encoded, kept to be looked at
RESTART_STEP: Final = 10**9  # by which `seq` is ahead after a restart, should the host's clock have gone back

Close = Callable[[Report], Closed]
Send = Callable[[Closed, Kind], None]


class Unsendable(ValueError):
    """A report that no broker would take."""


class Outbox:
    """Reports leave by the broker of `app`; `on_heartbeat(host)` is called for each heartbeat that left.

    Another `send(message, kind)` may take the broker's place. It raises when nothing can be sent; the report is then tried again.
    """

    def __init__(
        self,
        send: Send | None = None,
        threads: Threads | None = None,
        *,
        app: Celery | None = None,
        on_heartbeat: Callable[[str], object] = lambda host: None,
    ) -> None:
        self.parked: deque[Report] = deque(maxlen=PARKED)
        self.parked_count = 0  # of them ever
        self._app = app
        self._on_heartbeat = on_heartbeat
        self._send = send or self._publish
        self._threads = threads or Threads()
        self._reports: deque[tuple[Close, Report]] = deque(maxlen=LIMIT)
        self._beats: dict[str, tuple[Close, Report]] = {}  # host → its newest heartbeat: it waits for no report
        self._greeting: set[str] = set()  # hosts whose hello has not left: they are not heard before it
        self._wake = threading.Condition()
        self._stopped = False
        self._away_since: float | None = None
        self._tries = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = self._threads.keep("outbox", self._run)

    def stop(self, seconds: float = 2.0) -> None:
        """Send what is left, for at most `seconds`."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    @property
    def seconds_away(self) -> float:
        """How long the broker has been away; 0 while it takes reports."""
        since = self._away_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def waiting(self) -> int:
        """Reports that have not left, of all hosts of this process."""
        return len(self._reports)

    @property
    def deaths(self) -> int:
        """How often threads of this process that must not end did."""
        return sum(self._threads.deaths.values())

    def put(self, close: Close, report: Report) -> None:
        """Queue a report. `close(report)` stamps, signs and encrypts it when it leaves."""
        with self._wake:
            if report["kind"] == Kind.HEARTBEAT:
                self._beats[report["host"]] = (close, report)
                self._wake.notify()
                return
            if report["kind"] == Kind.HELLO:
                self._greeting.add(report["host"])
            if self._away_since is not None:
                if report["kind"] == Kind.WORKING:
                    return
                if report["kind"] in NEWEST_ONLY:
                    self._forget(report["host"], report["kind"])
            self._reports.append((close, report))
            self._wake.notify()

    def _forget(self, host: str, kind: str) -> None:
        kept = [item for item in self._reports if (item[1]["host"], item[1]["kind"]) != (host, kind)]
        self._reports.clear()
        self._reports.extend(kept)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._reports and not self._beats and not self._stopped:
                    self._wake.wait()
                if not self._reports:
                    self._greeting.clear()  # no hello waits, also where one was dropped for want of room
                beat = next((host for host in self._beats if host not in self._greeting), None)
                if beat is not None:
                    close, report = self._beats.pop(beat)
                elif self._reports:
                    close, report = self._reports.popleft()
                else:
                    return
            try:
                message = close(report)
                if len(message.get("box", "")) > LARGEST:
                    raise Unsendable(f"{len(message['box'])} characters")
            except Exception as error:  # noqa: BLE001 whatever is wrong with it, the next one may leave
                self._park(close, report, error)
                continue
            try:
                self._send(message, Kind(report["kind"]))
            except Exception as error:  # noqa: BLE001 whatever a broker's client raises, the report stays
                self._missed(close, report, error)
                if self._stopped:
                    return
                time.sleep(RETRY[min(self._tries, len(RETRY) - 1)])
                self._tries += 1
            else:
                self._tries = 0
                if report["kind"] == Kind.HELLO:
                    self._greeting.discard(report["host"])
                if self._away_since is not None:
                    log.warning("the broker is back after %.1f s", time.monotonic() - self._away_since)
                    self._away_since = None

    def _publish(self, message: Closed, kind: Kind) -> None:
        """Raises: whatever the broker's client raises when the broker is away."""
        assert self._app is not None, "an outbox has an app, or another way to send"
        queue = queue_of(kind, message["v"])
        if queue == messages.CONTROL_QUEUE:
            # by our clock; in version 2 control looks by its own
            expires = LIFE.get(kind) if message["v"] == 1 else None
            broker.send(self._app, messages.REPORT_TASK, message, queue, expires=expires)
        else:
            broker.publish(self._app, message, queue)
        if kind == Kind.HEARTBEAT:
            self._on_heartbeat(message["host"])

    def _missed(self, close: Close, report: Report, error: Exception) -> None:
        with self._wake:
            if self._away_since is None:
                self._away_since = time.monotonic()
                log.warning("the broker is away, reports wait: %s: %s", type(error).__name__, error)
            if report["kind"] == Kind.HEARTBEAT:
                self._beats.setdefault(report["host"], (close, report))
            elif report["kind"] != Kind.WORKING and len(self._reports) < LIMIT:
                self._reports.appendleft((close, report))

    def _park(self, close: Close, report: Report, error: Exception) -> None:
        """Keep aside what cannot be encoded, and say so in its place: a cast must not stay without a reply."""
        self._greeting.discard(report.get("host", ""))
        detail = ascii(f"{type(error).__name__}: {error}")[1:300]
        log.error("a report cannot be encoded and is parked: %s: %.2000s", detail, ascii(report))
        if report.get("kind") == Kind.EVENT and report["body"].get("event") == Event.PARKED:
            return
        self.parked.append(report)
        self.parked_count += 1
        body: dict[str, object] = {
            "event": Event.PARKED,
            "at": time.time(),
            "kind": report.get("kind", ""),
            "detail": detail,
        }
        told: Report = {**report, "kind": Kind.EVENT, "operation": "", "step": "", "subject": "", "body": body}
        with self._wake:
            self._reports.appendleft((close, told))
            if report.get("operation") and report.get("kind") in (Kind.DONE, Kind.FAILED):
                failure = FailureBody(code="internal", data={"detail": f"the answer could not be encoded: {detail}"})
                self._reports.appendleft((close, {**report, "kind": Kind.FAILED, "body": failure}))


class Reporter:
    """Safe from any thread: reports wait in the outbox, and are stamped, signed and encrypted when they leave."""

    def __init__(self, own: HostSettings, boot: str, clock: ControlClock, outbox: Outbox) -> None:
        self._host = own.name
        self._boot = boot
        self._clock = clock
        self._outbox = outbox
        self._seals = Reports(own, clock)

    def report(self, kind: Kind, body: Mapping[str, object], cast: Cast | None = None) -> None:
        """Queue a report; with `cast` it is the reply for which that cast's operation waits."""
        of = cast or Cast(verb="", body={})
        message: Report = {
            "host": self._host,
            "boot": self._boot,
            "kind": kind,
            "operation": of.get("operation", ""),
            "step": of.get("step", ""),
            "generation": of.get("generation", 0),
            "subject": of.get("subject", ""),
            "body": body,
        }
        self._outbox.put(self._seals.close, message)

    # ── Casts ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def reply(self, kind: Kind, body: Mapping[str, object], cast: Cast) -> None:
        """Reply to the operation that a cast belongs to. Nobody waits for a cast of none: a failure is logged, a network's state is a report of its own."""
        if cast.get("operation"):
            self.report(kind, body, cast)
        elif kind == Kind.FAILED:
            log.warning("%s: %s failed: %s", self._host, cast["verb"], body)

    def fail(self, cast: Cast, code: str, **data: object) -> None:
        """Answer that it could not be done, and why."""
        self.reply(Kind.FAILED, FailureBody(code=code, data=data), cast)

    # ── Facts ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def event(self, event: Event, /, *, at: float | None = None, **facts: object) -> None:
        """Report a fact that was true `at` this host's clock, in unix seconds; now if left out."""
        true = self._clock.now() if at is None else at - self._clock.skew
        self.report(Kind.EVENT, {"event": event, "at": true, **facts})

    # ── That it lives ───────────────────────────────────────────────────────────────────────────────────────────────

    def hello(self, cloud: Cloud | None, drivers: Drivers) -> None:
        """Report that the agent began anew. `cloud` is the database that it last served."""
        self.report(Kind.HELLO, {**self._challenge(), "cloud": cloud, "drivers": drivers})

    def heartbeat(self, cloud: Cloud | None, agent: AgentFigures, *, others: bool | None, wants_welcome: bool) -> None:
        """`others`: what it was told last of other hosts, None where it never was."""
        body = {"others": others, "cloud": cloud, "agent": agent}
        self.report(Kind.HEARTBEAT, body | (self._challenge() if wants_welcome else {}))

    def _challenge(self) -> dict[str, object]:
        return {"speaks": messages.VERSION, "challenge": self._clock.challenge()}


class Reports:
    """The form in which reports leave: the version that control speaks. Used by the outbox's one thread."""

    def __init__(self, own: HostSettings, clock: ControlClock) -> None:
        self._own = own
        self._clock = clock
        kept = Journal(own.data / "reports.jsonl")
        self._seq = max(int(time.time() * 1e6), int(kept.get("began") or 0) + RESTART_STEP)
        kept.set("began", self._seq)
        kept.close()

    def close(self, report: Report) -> Closed:
        """Return the report as it leaves. Raises: ValueError, TypeError when it is no JSON."""
        if self._clock.speaks == 1 or report["kind"] == Kind.HELLO:
            signed = messages.sign({**report, "v": 1, "sent": time.time()}, self._own.signing_key())
            return typing.cast(Closed, signed)
        self._seq += 1
        boxed = envelope.close(
            {**report, "sent": self._clock.now(), "seq": self._seq}, self._own.signing_key(), "report"
        )
        return typing.cast(Closed, boxed)
