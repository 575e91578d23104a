"""What 1,000 hosts cost that say nothing but that they live, through a real broker."""

import itertools
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from common.clock import now
from hostagent.contract import messages, reports
from hostagent.messaging import broker, envelope
from hosts import epoch, heartbeats, services
from hosts.models import Host
from hosts.states import HostState
from operations import arrivals
from tests import servers

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

HOSTS = 1000
KEY = "ab" * 32
_seq = itertools.count(int(time.time() * 1e6))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    with servers.redis(tmp_path) as found:
        yield found


def make_app(url: str) -> Celery:
    app = Celery("heartbeats", broker=url, amqp=broker.PatientAMQP, set_as_current=False)
    app.conf.broker_transport_options = {"priority_steps": [0]}
    return app


def say(app: Celery, turn: int) -> None:
    """One round of heartbeats, as agents send them."""
    for number in range(1, HOSTS + 1):
        body = {"seconds_up": 5.0 * turn, "others": True, "cloud": None}
        report = {"host": f"h{number}", "boot": "b", "kind": "heartbeat", "operation": "", "step": "", "generation": 0,
                  "subject": "", "body": body, "sent": time.time(), "seq": next(_seq)}  # fmt: skip
        broker.publish(app, envelope.close(report, KEY, "report"), messages.HEARTBEAT_QUEUE)


def test_heartbeats_of_a_thousand_hosts_take_a_fifth_of_a_core_at_most_and_none_is_called_down(
    redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D: they were 200 transactions a second, waited behind reports, and hosts were called down."""
    monkeypatch.setattr(arrivals, "fresh", arrivals.Freshness())
    monkeypatch.setattr(services, "key_of", lambda name: KEY)
    monkeypatch.setattr(services, "_carriers", (0.0, frozenset()))
    monkeypatch.setattr(heartbeats, "_is_running", True)
    epoch.forget()
    life = epoch.current()["life"]
    Host.objects.bulk_create(
        [Host(name=f"h{n}", number=n, state=HostState.UP, inventory={"vcpus": 1}, roles=["network"], recognised=life)
         for n in range(1, HOSTS + 1)]
    )  # fmt: skip
    app, taken = make_app(redis), itertools.count(1)
    costs = []
    for turn in range(3):
        say(app, turn)
        Host.objects.update(last_seen_at=now() - timedelta(seconds=15))
        over = threading.Event()

        def take(message: Any, over: threading.Event = over) -> None:
            heartbeats.take(message)
            if next(taken) % HOSTS == 0:
                over.set()

        began, until = time.process_time(), time.monotonic() + 60
        broker.read(
            app,
            messages.HEARTBEAT_QUEUE,
            take,
            lambda over=over, until=until: over.is_set() or time.monotonic() > until,
        )
        heartbeats.flush()
        costs.append(time.process_time() - began)
        assert over.is_set()
        assert not Host.objects.filter(last_seen_at__lt=now() - timedelta(seconds=10)).exists()
    print(f"{HOSTS} heartbeats cost {costs[1:]} s of CPU, of the {reports.HEARTBEAT_EVERY} s in which they come")
    assert min(costs[1:]) <= 0.2 * reports.HEARTBEAT_EVERY
