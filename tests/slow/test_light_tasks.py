"""Tasks taken straight to a worker's threads are acknowledged to a broker that asks for it, and once only."""

import threading
import time

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker

from hostagent.messaging import broker, light
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


def test_what_is_no_message_ends_no_worker_and_does_not_come_again() -> None:
    """C9: RabbitMQ gives back what was not acknowledged: it ended each worker that took it, one after the other."""
    with rabbitmq() as server:
        app = Celery("small", broker=server.url, amqp=broker.PatientAMQP, set_as_current=False)
        app.conf.update(
            task_queues=[broker.queue("q", server.url)], task_ignore_result=True, worker_consumer=broker.CONSUMER
        )
        app.conf.update(broker.rabbitmq_settings(), worker_hijack_root_logger=False)
        ran: list[object] = []
        over = threading.Event()

        @app.task(name="light.task", shared=False, Strategy=light.STRATEGY)
        def some(what: object) -> None:
            ran.append(what)

        def take(what: object) -> None:
            ran.append(what)
            if what == "last beat":
                over.set()

        odd = [
            (b"\xff", {"task": ["light.task"]}, "application/json"),
            (b"\xff", {"task": "light.task", "id": "1"}, "application/json"),
            (b"\xff", {}, "application/x-python-serialize"),
            (b"[" * 100_000, {"compression": "gzip"}, "application/json"),
        ]
        broker.send(app, "light.task", "first", "q")
        broker.publish(app, "first beat", "beats")
        with app.connection_for_write() as link:
            producer = link.Producer()
            for body, headers, kind in odd:
                for name in ("q", "beats"):
                    producer.publish(
                        body,
                        exchange="",
                        routing_key=name,
                        headers=headers,
                        content_type=kind,
                        content_encoding="utf-8",
                    )
        broker.send(app, "light.task", "last", "q")
        broker.publish(app, "last beat", "beats")
        with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, loglevel="CRITICAL"):
            threading.Thread(target=broker.read, args=(app, "beats", take, over.is_set), daemon=True).start()
            until = time.monotonic() + 60
            while not {"last", "last beat"} <= set(ran) and time.monotonic() < until:
                time.sleep(0.05)
        assert sorted(map(str, ran)) == ["first", "first beat", "last", "last beat"]
