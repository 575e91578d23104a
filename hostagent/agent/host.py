"""One host as its agent sees it: its life, and the casts that it is given."""

import logging
import threading
import time
import typing
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from celery import Celery

from hostagent.agent import faults
from hostagent.agent.clock import ControlClock
from hostagent.agent.control_link import ControlLink
from hostagent.agent.gate import Gate
from hostagent.agent.job import Job
from hostagent.agent.outbox import Outbox, Reporter
from hostagent.agent.sampling import Reading, Sampling
from hostagent.agent.seen import Seen
from hostagent.agent.serial_queues import Later, SerialQueues
from hostagent.agent.setaside import LOOK_EVERY, SetAside
from hostagent.agent.settings import HostSettings, Settings
from hostagent.agent.standing import ISOLATED_AFTER, Standing
from hostagent.agent.tasks import TASKS
from hostagent.agent.tasks.host import inventory
from hostagent.contract import VERBS, messages, reports
from hostagent.contract.capabilities import Drivers
from hostagent.contract.failures import Failure
from hostagent.contract.host import AgentFigures, Cloud
from hostagent.contract.location import DiskLocation, DiskSource
from hostagent.contract.messages import Cast, Welcome
from hostagent.contract.network import piece_hash
from hostagent.contract.reports import Event, Kind
from hostagent.contract.verb import AnyVerb
from hostagent.drivers.guest_files import GuestFiles
from hostagent.drivers.loading import driver_class, exports_of, told
from hostagent.drivers.network.keeper import Keeper
from hostagent.drivers.storage.volumes import Volumes
from hostagent.machine import load
from hostagent.machine.daemons import Daemons
from hostagent.machine.disk_space import disk_space
from hostagent.messaging import light
from hostagent.process import logs, tracing
from hostagent.process.threads import Threads
from hostagent.process.timers import Timers

log = logging.getLogger(__name__)

SKEW_SAID = 5.0  # seconds by which the host's clock is off before it says so
PATROL_EVERY = 0.5  # seconds, while a job runs
REMEMBERED = 50  # answers of verbs whose rows say so

Stuck = Callable[[str], None]


class Host:
    """The drivers, serial queues and journals of one host. `stuck` ends the process (a thread that will not come back)."""

    def __init__(self, settings: Settings, own: HostSettings, outbox: Outbox, timers: Timers, stuck: Stuck) -> None:
        self.settings, self.own, self.name = settings, own, own.name
        self.boot = uuid.uuid4().hex
        self.timers = timers
        own.data.mkdir(parents=True, exist_ok=True)
        own.run.mkdir(parents=True, exist_ok=True)
        self.clock = ControlClock()
        self.standing = Standing(own.data)
        self.link = ControlLink(settings.control, own.name, own.signing_key, self.clock)
        self.threads = Threads()
        self.threads.on_death(self.thread_died)
        self._gate = Gate(
            own, self.clock, lambda event, facts: self.reporter.event(event, **facts), least=settings.contract
        )
        self.reporter = Reporter(own, self.boot, self.clock, outbox)
        self._outbox = outbox
        self._stuck = stuck
        self._fault = settings.fault
        faults.given(self._fault)  # refused now, not at the first cast
        self._jobs: dict[tuple[str, ...], Job] = {}
        self._answers: dict[tuple[str, ...], Mapping[str, object]] = {}
        self._lock = threading.Lock()
        self._patrolling = False
        self._isolated = False
        self._has_greeted = False
        self.seen = Seen(own.data / "cloud.json")
        self.aside = SetAside(own.data / "setaside")
        self.daemons = Daemons(own.run, self.daemon_died)
        self._is_leaving_control = False  # isolation was begun, and perhaps not ended
        chosen = settings.drivers
        self.queues = SerialQueues(own.name, timers, inline=chosen.is_fake and not self._fault)
        self.files = GuestFiles(own.data)
        self.exports = exports_of(self, chosen)
        #: Name → storage pool. The first is where root disks lie.
        self.pools = {choice.name: driver_class(choice, "storage")(self, choice) for choice in chosen.of["storage"]}
        self.storage = next(iter(self.pools.values()))
        self.backends = {choice.name: driver_class(choice, "volume")(self, choice) for choice in chosen.of["volume"]}
        self.network = Keeper(self)
        self.hypervisor = driver_class(chosen.main("hypervisor"), "hypervisor")(self)
        self.sampling = Sampling(own.data / "samples", own.name, self.clock, self.reporter, self._read_samples)

    # ── Life ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Find what runs here already, say hello, and keep talking."""
        self.hypervisor.start()
        self._greet()
        self.timers.after(0, self._beat, every=reports.HEARTBEAT_EVERY)
        self.timers.after(0, self.inventory_changed, every=reports.INVENTORY_EVERY)
        self.timers.after(self.sampling.wait(), self._sample)
        self.timers.after(0, lambda: self._aside(self.aside.expire), every=LOOK_EVERY)
        self.network.start()
        self.exports.start()
        if self.network.real:
            self.threads.keep(f"{self.name}-daemons", self.daemons.watch)

    def _greet(self) -> None:
        self._has_greeted = True
        self.reporter.hello(self.seen.cloud, self.drivers)

    @property
    def drivers(self) -> Drivers:
        """The drivers of this host, as control is told of them."""
        chosen = self.settings.drivers
        return told(
            (chosen.main("hypervisor"), self.hypervisor),
            (chosen.main("network"), self.network.driver),
            [(choice, self.pools[choice.name]) for choice in chosen.of["storage"]],
            [(choice, self.backends[choice.name]) for choice in chosen.of["volume"]],
        )

    @property
    def bases(self) -> tuple[Path, ...]:
        """The folders with what disks and volumes may rest on."""
        return (self.storage.bases, *(backend.bases for backend in self.backends.values()))

    def locate(self, server_id: str, source: DiskSource, job: Job) -> DiskLocation:
        """Tell where a disk of a domain is, ready to be opened by the guest. Raises: Failure not_found."""
        if source["kind"] == "volume":
            return self.backend(source["backend"]).locate(source["volume_id"], server_id)
        return self.storage.locate(server_id, source, job)

    def backend(self, name: str) -> Volumes:
        """Find a backend of volumes. Raises: Failure not_found."""
        if name not in self.backends:
            raise Failure("not_found", what="volume backend", id=name)
        return self.backends[name]

    def hypervisor_found(self) -> None:
        """Say hello once more if the hypervisor first answers after our hello: control could not see what runs."""
        if self._has_greeted:
            self._greet()

    def stop(self) -> None:
        """Let go of everything; guests and their networks stay as they are."""
        self.threads.stop()
        self.hypervisor.stop()
        self.daemons.stop_watching()
        self.exports.stop()
        self.network.stop()
        self.queues.stop()
        self._gate.close()

    def _aside(self, call: Callable[[], object]) -> None:
        """Run `call` on a thread of the pool `aside`, where a timer may not wait for it; not twice at once. Failures go to the log."""
        key = f"aside:{call.__qualname__}"

        def run() -> None:
            try:
                call()
            except Failure as failure:
                log.warning("%s: %s: %s %s", self.name, call.__qualname__, failure.code, failure.data)
            except Exception:
                log.exception("%s: %s failed", self.name, call.__qualname__)

        if not self.queues.busy(key):
            self.queues.submit(key, run, pool="aside")

    def inventory_changed(self) -> None:
        self._aside(self._say_inventory)

    def thread_died(self, name: str, count: int, detail: str) -> None:
        """Report that a thread of the agent died and was started again: control keeps the count."""
        self.reporter.event(Event.THREAD, name=name, count=count, detail=detail)

    def daemon_died(self, name: str, count: int, detail: str) -> None:
        """Report that a daemon of this host died: control keeps the count."""
        self.reporter.event(Event.DAEMON, name=name, count=count, detail=detail)

    def _beat(self) -> None:
        self.reporter.heartbeat(
            self.seen.cloud, self._figures(), others=self.standing.others, wants_welcome=self._gate.wants_welcome
        )
        if self._outbox.seconds_away > ISOLATED_AFTER or self._is_leaving_control:
            self._aside(self._see_control)

    def _figures(self) -> AgentFigures:
        deaths = sum(self.threads.deaths.values()) + self._outbox.deaths
        free, size = disk_space(self.own.data)
        return AgentFigures(
            jobs=self.queues.jobs(),
            reports=self._outbox.waiting,
            parked=self._outbox.parked_count,
            deaths=deaths,
            hypervisor_up=self.hypervisor.is_up,
            disk_free=free,
            disk_size=size,
            set_aside=self.aside.count(),
        )

    def _welcomed(self, body: Welcome) -> None:
        """Control answered our challenge: it speaks version 2, says what time it is, and whether there are others."""
        if "challenge" in body and not self.clock.hear(body):
            log.warning("%s: a welcome that answers no challenge of ours is dropped", self.name)
            return
        self.standing.hear(bool(body.get("others")))
        if "challenge" not in body or not self.clock.is_known:
            return  # or it came too late to say the time: asked again with the next heartbeat
        first, self._gate.wants_welcome = self._gate.wants_welcome, False
        if first and abs(self.clock.skew) > SKEW_SAID:
            log.warning("%s: this host's clock is %.1f s off control's", self.name, self.clock.skew)
            self.reporter.event(Event.CLOCK, skew=round(self.clock.skew, 1))

    def _see_control(self) -> None:
        """Isolate this host's routers while control is out of reach, for it may have given them to another host; then rejoin.

        Control counts as reached while the broker takes reports, or its web front answers. Where there is nobody who could
        take them, they stay. What fails is tried again with the next heartbeat.
        """
        if self._outbox.seconds_away > ISOLATED_AFTER and not self.link.is_reachable():
            if self.standing.may_be_replaced and not self._isolated:
                self._is_leaving_control = True
                self._isolate()
        elif self._is_leaving_control:
            self.network.rejoin()
            self._isolated = self._is_leaving_control = False

    def _isolate(self) -> None:
        try:
            self.network.isolate()
        except Exception as error:
            self.reporter.event(Event.ISOLATED, done=False, detail=ascii(str(error))[1:300])
            raise
        self._isolated = True
        self.reporter.event(Event.ISOLATED, done=True, detail="")

    def _say_inventory(self) -> None:
        self.reporter.report(Kind.INVENTORY, inventory(self))

    def _sample(self) -> None:
        self.timers.after(self.sampling.wait(), self._sample)
        self._aside(self._take_sample)

    def _take_sample(self) -> None:
        self.sampling.take(is_away=self._outbox.seconds_away > 0)

    def _read_samples(self) -> Reading:
        """Measure. A hypervisor that is away has no guests' figures; the host's own count none the less."""
        try:
            servers = self.hypervisor.read_samples()
        except Failure as failure:
            log.info("%s: no samples of guests: %s", self.name, failure.code)
            servers = {}
        return load.machine(self.own.data), servers, self.network.driver.read_samples()

    # ── Casts ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, message: object) -> None:
        """Take one message from the broker. One that is not ours, not signed, late or replayed is dropped (gate.py says it)."""
        cast = self._gate.admit(message)
        if cast is None:
            return
        if cast["verb"] == messages.WELCOME:
            self._welcomed(typing.cast(Welcome, cast["body"]))
            return
        if cast.get("v") not in messages.ACCEPTED_VERSIONS:
            self.reporter.fail(cast, "unsupported", what=f"cast version {cast.get('v')}", driver="agent")
            return
        verb = VERBS.get(cast["verb"])
        missing = sorted(verb.needs - cast["body"].keys()) if verb else []
        if verb is None or missing:
            what = f"{cast['verb']} without {', '.join(missing)}" if verb else cast["verb"]
            self.reporter.fail(cast, "unsupported", what=what, driver="agent")
            return
        self._accept(cast, verb)

    def _accept(self, cast: Cast, verb: AnyVerb) -> None:
        same = self._same(cast)
        with self._lock:
            running = self._jobs.get(same)
            if running is None and same not in self._answers:
                job = self._jobs[same] = Job(cast)
                if not self._patrolling:
                    self._patrolling = True
                    self.timers.after(PATROL_EVERY, self._patrol)
        if running is not None:
            self.reporter.reply(Kind.WORKING, {"progress": running.progress}, cast)
        elif same in self._answers:
            self.reporter.reply(Kind.DONE, self._answers[same], cast)
        else:
            self.queues.submit(verb.serial_queue_of(cast["body"]), lambda: self.do(same, job), pool=verb.pool)

    @staticmethod
    def _same(cast: Cast) -> tuple[str, ...]:
        """The key under which a repeated cast is the same one: control asks again under the same operation and step."""
        body = piece_hash(cast["body"])
        return (
            cast["verb"],
            str(cast.get("operation", "")),
            str(cast.get("step", "")),
            cast.get("subject", ""),
            body,
        )

    def recognise(self, cloud: Cloud) -> None:
        """Accept casts of this database at an operator's word, also where their generations are older."""
        self.seen.take(cloud)
        self._gate.forget_turns()

    def do(self, same: tuple[str, ...], job: Job) -> Later | None:
        """Run one job and report how it ended, or return after what time it wants to be run again. Never raises."""
        cast = job.cast
        operation, parent = str(cast.get("operation", "")), str(cast.get("traceparent", ""))
        with logs.about(host=self.name, operation=operation):
            if not parent:  # what nobody traces begins no trace of its own
                return self._do(same, job, cast)
            with tracing.span(
                cast["verb"], parent, "consumer", stackling__host=self.name, stackling__operation=operation,
                stackling__subject=str(cast.get("subject", "")),
            ):  # fmt: skip
                return self._do(same, job, cast)

    def _do(self, same: tuple[str, ...], job: Job, cast: Cast) -> Later | None:
        is_first = job.begun is None
        job.begin()
        try:
            if is_first:
                self.seen.accept(cast)
                self._gate.take_turn(cast)
                faults.inject(self._fault, cast.get("step", ""), self.own.data)
            answer = TASKS[job.verb](self, job.body, job) or {}
        except Later as later:
            return later
        except Failure as failure:
            if not job.verb.may_fail_with(failure.code):
                log.error("%s: %s failed with %s, which its row does not name", self.name, cast["verb"], failure.code)
            tracing.failed(failure.code)
            self._ended(same)
            self.reporter.fail(cast, failure.code, **failure.data)
        except Exception as error:  # the boundary: an unknown failure is a report, and a traceback in the log
            log.exception("%s: %s failed", self.name, cast["verb"])
            tracing.failed("internal")
            self._ended(same)
            self.reporter.fail(cast, "internal", detail=f"{type(error).__name__}: {error}")
        else:
            self._ended(same, answer if job.verb.is_remembered else None)
            self.reporter.reply(Kind.DONE, answer, cast)
        return None

    def _ended(self, same: tuple[str, ...], answer: Mapping[str, object] | None = None) -> None:
        with self._lock:
            self._jobs.pop(same, None)
            if answer is not None:
                self._answers[same] = answer
                while len(self._answers) > REMEMBERED:
                    del self._answers[next(iter(self._answers))]

    def _patrol(self) -> None:
        """Look after the jobs while there are any: say `working`, end what is late, give up on what is stuck.

        `working` counts from the cast (a job that waits for its serial queue talks too), the deadlines from its start.
        """
        with self._lock:
            jobs = list(self._jobs.values())
            self._patrolling = bool(jobs)
        for job in jobs:
            if time.monotonic() >= job.word_due:
                job.word_due = time.monotonic() + reports.WORKING_EVERY - PATROL_EVERY
                self.reporter.reply(Kind.WORKING, {"progress": job.progress}, job.cast)
            if job.begun is not None and job.seconds_left < -job.deadline:
                self._stuck(
                    f"{self.name}: {job.cast['verb']} did not come back within twice its deadline of {job.deadline} s"
                )
            if job.begun is not None and job.seconds_left < 0:
                job.expire()
        if jobs:
            self.timers.after(PATROL_EVERY, self._patrol)


def take_casts(app: Celery, hosts: Mapping[str, Host]) -> None:
    """Register the task of the hosts' queues: each cast goes to its host. One for a host that is not served here is dropped."""

    @app.task(name=messages.CAST_TASK, ignore_result=True, Strategy=light.STRATEGY)
    def take(message: object) -> None:
        name = str(message.get("host", "")) if isinstance(message, dict) else ""
        if name in hosts:
            hosts[name].receive(message)
        else:
            log.warning("a cast for host %r is dropped: it is not served here", name[:64])
