"""B3: background work is claimed while it runs, and long work has threads of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import transaction

from common.clock import now as real_now
from identity.ldap import people
from images.tasks import imports
from networking.desired import sync
from networking.desired.changes import TASK
from operations import background, recovery, wakeups
from operations.leases import ME
from operations.models import BackgroundJob
from operations.periodic import Clock, PeriodicTask

WAIT = 20.0  # seconds until a thread that should do something is given up; none of the tests lasts that long


@pytest.fixture
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(wakeups, "notify", found.append)
    return found


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock of jobs."""
    gone = [0.0]
    for module in (background, recovery):
        monkeypatch.setattr(module, "now", lambda: real_now() + timedelta(seconds=gone[0]))

    def wait(seconds: float) -> None:
        gone[0] += seconds

    return wait


def enqueue(kind: str = "test.slow", key: str = "k") -> None:
    with transaction.atomic():
        background.enqueue(kind, key)


@pytest.mark.django_db(transaction=True)
def test_a_kick_that_takes_long_runs_once_however_often_it_is_rung(
    notified: list[str], pass_time: Callable[[float], None]
) -> None:
    """B3: 60 s of work, looked for each second, also by another control process."""
    runs: list[str] = []

    def work(key: str) -> None:
        runs.append(key)
        for second in range(60):
            pass_time(1)
            if second % 10 == 0:
                background.prolong_claims()
            notified.clear()
            recovery.recover()
            assert notified == [], "what is claimed is not due"
            background.run("test.slow", key)
            here, background._at_it = background._at_it, set()  # as another process would see it
            background.run("test.slow", key)
            background._at_it = here
        assert len(runs) == 1

    background.register("test.slow", work, pool="bulk")
    enqueue()
    background.run("test.slow", "k")
    assert runs == ["k"] and not BackgroundJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_process_that_stood_still_does_not_begin_anew_what_it_is_still_at(
    notified: list[str], pass_time: Callable[[float], None]
) -> None:
    """B3: the sibling: SIGSTOP for ten minutes; nothing prolonged the claim."""
    runs: list[str] = []

    def work(key: str) -> None:
        runs.append(key)
        pass_time(600)
        recovery.recover()
        background.run("test.slow", key)

    background.register("test.slow", work)
    enqueue()
    background.run("test.slow", "k")
    assert runs == ["k"]


@pytest.mark.django_db(transaction=True)
def test_what_is_kicked_while_it_runs_runs_once_more(notified: list[str]) -> None:
    runs: list[str] = []

    def work(key: str) -> None:
        runs.append(key)
        if len(runs) == 1:
            enqueue()
            enqueue()

    background.register("test.slow", work)
    enqueue()
    background.run("test.slow", "k")
    assert BackgroundJob.objects.get().claimant == ""
    background.run("test.slow", "k")
    assert runs == ["k", "k"] and not BackgroundJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_work_of_a_process_that_died_is_done_anew(notified: list[str], pass_time: Callable[[float], None]) -> None:
    """B3: after its claim; at once where the next control of this machine sees that it is gone."""
    runs: list[str] = []
    background.register("test.slow", runs.append)
    enqueue()
    until = real_now() + timedelta(seconds=background.CLAIM)
    BackgroundJob.objects.update(claimant="elsewhere:77:aaaa", claimed_until=until)
    background.run("test.slow", "k")
    background.forget_dead_claims()
    background.run("test.slow", "k")
    assert runs == []
    pass_time(background.CLAIM + 5)
    notified.clear()
    recovery.recover()
    assert notified == ["background:test.slow:k"]
    BackgroundJob.objects.update(
        claimant=f"{ME.rpartition(':')[0]}:4194399:aaaa", claimed_until=until + timedelta(hours=1)
    )
    background.forget_dead_claims()
    background.run("test.slow", "k")
    assert runs == ["k"]


@pytest.mark.django_db(transaction=True)
def test_a_kick_that_always_fails_is_tried_ever_later(notified: list[str], pass_time: Callable[[float], None]) -> None:
    """B3: the sibling: it is not notified every other second for ever."""
    runs: list[str] = []

    def work(key: str) -> None:
        runs.append(key)
        raise RuntimeError("no")

    background.register("test.slow", work)
    enqueue()
    for _second in range(300):
        pass_time(1)
        notified.clear()
        recovery.recover()
        for _job in notified:
            with pytest.raises(RuntimeError):
                background.run("test.slow", "k")
    assert 6 <= len(runs) <= 10


# ── Threads ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Worked:
    """What a dispatcher ran, and on which thread; jobs named ``…hang`` wait until `go`."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}
        self.go = threading.Event()
        self._changed = threading.Condition()

    def __call__(self, job: str) -> None:
        with self._changed:
            self.seen[job] = threading.current_thread().name
            self._changed.notify_all()
        if job.endswith("hang"):
            self.go.wait(WAIT)

    def wait_for(self, *jobs: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(jobs) <= set(self.seen), WAIT), f"{jobs} of {self.seen}"


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worked]:
    monkeypatch.setattr(wakeups, "close_old_connections", lambda: None)
    found = Worked()
    yield found
    found.go.set()


def test_long_work_keeps_no_operation_waiting(worked: Worked) -> None:
    """B3: as many imports, directories and renders as anybody likes; operations and ports' changes go on."""
    dispatcher = wakeups.Dispatcher(worked, wakeups.pool_of)
    long = [f"background:{kind}:{n}hang" for kind in (imports.KIND, people.KIND) for n in range(20)]
    full = [f"background:{TASK}:{sync.FULL}host{n}-hang" for n in range(20)]
    for job in (*long, *full):
        dispatcher.notify(job)
    dispatcher.notify("an-operation")
    dispatcher.notify(f"background:{TASK}:all")
    worked.wait_for("an-operation", f"background:{TASK}:all")
    names = {name.rpartition("-")[0] for job, name in worked.seen.items() if job in long}
    assert names <= {"bulk"} and worked.seen["an-operation"].startswith("operations-")


def test_collecting_kicks_occupies_no_thread_of_operations(worked: Worked, monkeypatch: pytest.MonkeyPatch) -> None:
    """D: a thousand jobs are collected at once, not one after another by a sleeping thread."""
    monkeypatch.setattr(wakeups, "COALESCE", 1.0)
    dispatcher = wakeups.Dispatcher(
        worked, lambda job: "background" if wakeups.is_background(job) else wakeups.OPERATIONS
    )
    begun = time.monotonic()
    jobs = [f"background:a:{n}" for n in range(1000)]
    for job in jobs:
        dispatcher.notify(job)
        dispatcher.notify(job)
    dispatcher.notify("an-operation")
    worked.wait_for("an-operation")
    assert not set(jobs) & set(worked.seen), "background work is collected first"
    worked.wait_for(*jobs)
    assert time.monotonic() - begun < 1000 * wakeups.COALESCE / 20


def test_every_kind_of_work_has_a_pool() -> None:
    """B3: what a new service registers cannot name a pool that is not there."""
    assert apps.ready
    for kind in [name for name in background._KINDS if not name.startswith("test.")]:
        for key in ("all", f"{sync.FULL}host1", "x"):
            assert background.pool_of(kind, key) in wakeups.POOLS, kind
    assert background.pool_of(imports.KIND, "x") == "bulk"


@pytest.mark.parametrize("odd", ["background:gone.kind:k", "kick:gone.kind:k", "background:x", "background:"])
def test_a_kick_of_another_version_stops_no_other_work(odd: str, worked: Worked) -> None:
    """B7, C7: one row of a kind that this version does not know ended the thread of all jobs, until control's next start."""
    dispatcher = wakeups.Dispatcher(worked, wakeups.pool_of)
    dispatcher.notify(odd)
    time.sleep(3 * wakeups.COALESCE)
    dispatcher.notify(f"background:{TASK}:all")
    worked.wait_for(f"background:{TASK}:all")
    assert odd not in dispatcher._pending


@pytest.mark.django_db
def test_kicks_of_another_version_keep_none_from_being_found() -> None:
    """B7: two hundred rows that nobody can run were all that periodic recovery looked at."""
    BackgroundJob.objects.bulk_create(
        BackgroundJob(kind="gone.kind", key=str(n), due_at=real_now() - timedelta(days=1)) for n in range(300)
    )
    BackgroundJob.objects.create(kind=TASK, key="all")
    assert background.due(real_now() + timedelta(seconds=1)) == [(TASK, "all")]


def test_a_moment_without_threads_costs_a_pool_none_for_good(worked: Worked, monkeypatch: pytest.MonkeyPatch) -> None:
    """C7: a thread that could not be started counted as one that runs."""
    dispatcher = wakeups.Dispatcher(worked, wakeups.pool_of)
    right = threading.Thread.start

    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none)
        for number in range(5):
            dispatcher.notify(f"early-{number}")
    assert threading.Thread.start is right
    dispatcher.notify("late")
    worked.wait_for("late", *(f"early-{number}" for number in range(5)))


def test_a_moment_without_threads_does_not_end_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """C7: the thread that holds the lease and begins every periodic task died of it."""
    ran = threading.Event()
    clock = Clock([PeriodicTask("t", 0.0, ran.set, urgent=True)])
    monkeypatch.setattr("operations.periodic.close_old_connections", lambda: None)

    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none)
        clock.look(1.0)
    clock.look(2.0)
    assert ran.wait(WAIT)
