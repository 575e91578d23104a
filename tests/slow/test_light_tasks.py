"""Tasks taken straight to a worker's threads are acknowledged to a broker that asks for it, and once only."""

import threading
import time

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker

from hostagent import broker, light
from tests.servers import rabbitmq

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.timeout(300)]


def test_rabbitmq_hears_that_a_task_has_begun_and_gives_no_more_than_are_asked_for() -> None:
    with rabbitmq() as server:
        app = Celery("small", broker=server.url, amqp=broker.PatientAMQP, set_as_current=False)
        app.conf.update(
            task_queues=[broker.queue("q", server.url)], task_ignore_result=True, worker_prefetch_multiplier=2
        )
        app.conf.update(broker.rabbitmq_settings(), worker_hijack_root_logger=False)
        ran: list[int] = []
        go_on = threading.Event()

        @app.task(name="light.task", shared=False, Strategy=light.STRATEGY)
        def some(number: int) -> None:
            ran.append(number)
            go_on.wait(60)

        def waiting() -> int:
            with app.connection_for_read() as link:
                return int(
                    broker.queue("q", server.url)(link.default_channel).queue_declare(passive=True).message_count
                )

        for number in range(20):
            broker.send(app, "light.task", number, "q")
        with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, loglevel="ERROR"):
            until = time.monotonic() + 60
            while len(ran) < 2 and time.monotonic() < until:
                time.sleep(0.05)
            time.sleep(1)
            assert waiting() >= 20 - 2 - 2 * 2 - 2, "what no thread has begun counts as waiting here, and is bounded"
            go_on.set()
            while len(ran) < 20 and time.monotonic() < until:
                time.sleep(0.05)
        assert sorted(ran) == list(range(20))
        assert waiting() == 0, "what was not acknowledged would be there again"
