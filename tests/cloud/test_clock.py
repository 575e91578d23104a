"""D: what control does every few seconds: a slow one delays neither the lease nor what others depend on."""

import threading
from collections.abc import Iterator

import pytest

from operations import periodic

WAIT = 20.0  # seconds until a thread that should do something is given up


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What slow tasks wait for."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def without_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic, "close_old_connections", lambda: None)


def test_slow_tasks_delay_no_urgent_one(held: threading.Event) -> None:
    """D: networking's drain hangs, and so does every other task: hosts are still looked at, every time."""
    seen = threading.Semaphore(0)
    slow = [periodic.PeriodicTask(f"slow{n}", 1.0, lambda: held.wait(WAIT)) for n in range(10)]
    clock = periodic.Clock([*slow, periodic.PeriodicTask("hosts", 2.0, seen.release, urgent=True)])
    for moment in range(0, 20, 2):
        clock.look(float(moment))
        assert seen.acquire(timeout=WAIT), f"the look at {moment} s"


def test_a_task_that_is_not_done_is_not_begun_again(held: threading.Event, caplog: pytest.LogCaptureFixture) -> None:
    """D: neither does it pile up behind itself; the log says that it hangs."""
    begun: list[int] = []
    started = threading.Event()

    def slow() -> None:
        begun.append(1)
        started.set()
        held.wait(WAIT)

    clock = periodic.Clock([periodic.PeriodicTask("slow", 1.0, slow)])
    for moment in range(100):
        clock.look(float(moment))
    assert started.wait(WAIT) and begun == [1]
    assert "slow has been going on for" in caplog.text


def test_a_task_that_raises_is_run_again_in_its_time() -> None:
    done = threading.Semaphore(0)

    def bad() -> None:
        done.release()
        raise RuntimeError("no")

    task = periodic.PeriodicTask("bad", 5.0, bad, urgent=True)
    clock = periodic.Clock([task])
    for moment in (0.0, 2.0, 5.0):
        clock.look(moment)
        if moment != 2.0:
            assert done.acquire(timeout=WAIT)
        for _ in range(1000):
            if task.begun is None:
                break
            threading.Event().wait(0.01)
    assert not done.acquire(timeout=0.1)
