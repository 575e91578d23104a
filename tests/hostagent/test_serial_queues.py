"""One job at a time for one object; a copy never blocks a stop."""

import threading
import time

from hostagent.agent.serial_queues import BULK_THREADS, SerialQueues


def test_jobs_of_one_object_never_overlap_and_keep_their_order() -> None:
    queues = SerialQueues("t")
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
        queues.submit("server:1", lambda n=number: job(n), bulk=number % 3 == 0)
    assert finished.wait(5)
    queues.stop()
    assert seen == list(range(20))


def test_copies_take_at_most_their_threads_and_leave_a_stop_alone() -> None:
    queues = SerialQueues("t")
    free, stopped = threading.Event(), threading.Event()
    running: list[str] = []
    for number in range(5):
        queues.submit(f"server:{number}", lambda n=number: (running.append(str(n)), free.wait(5)), bulk=True)
    queues.submit("server:other", stopped.set)
    assert stopped.wait(2)
    assert len(running) <= BULK_THREADS
    free.set()
    queues.stop()


def test_a_job_that_raises_frees_its_queue() -> None:
    queues = SerialQueues("t")
    after = threading.Event()

    def broken() -> None:
        raise RuntimeError("on purpose")

    queues.submit("server:1", broken)
    queues.submit("server:1", after.set)
    assert after.wait(2)
    queues.stop()
