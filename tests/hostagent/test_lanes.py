"""One job at a time for one object; a copy never blocks a stop."""

import threading
import time

from hostagent.agent.serial_queues import BULK_THREADS, Lanes


def test_jobs_of_one_object_never_overlap_and_keep_their_order() -> None:
    lanes = Lanes("t")
    seen: list[int] = []
    inside = threading.Lock()
    finished = threading.Event()

    def job(number: int) -> None:
        assert inside.acquire(blocking=False), "two jobs of one object at a time"
        time.sleep(0.002)
        seen.append(number)
        inside.release()
        if number == 19:
            finished.set()

    for number in range(20):
        lanes.submit("server:1", lambda n=number: job(n), bulk=number % 3 == 0)
    assert finished.wait(5)
    lanes.stop()
    assert seen == list(range(20))


def test_copies_take_at_most_their_threads_and_leave_a_stop_alone() -> None:
    lanes = Lanes("t")
    free, stopped = threading.Event(), threading.Event()
    running: list[str] = []
    for number in range(5):
        lanes.submit(f"server:{number}", lambda n=number: (running.append(str(n)), free.wait(5)), bulk=True)
    lanes.submit("server:other", stopped.set)
    assert stopped.wait(2)
    assert len(running) <= BULK_THREADS
    free.set()
    lanes.stop()


def test_a_job_that_raises_frees_its_lane() -> None:
    lanes = Lanes("t")
    after = threading.Event()

    def broken() -> None:
        raise RuntimeError("on purpose")

    lanes.submit("server:1", broken)
    lanes.submit("server:1", after.set)
    assert after.wait(2)
    lanes.stop()
