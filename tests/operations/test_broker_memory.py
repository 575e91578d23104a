"""C10: redis had no maxmemory: orders to a dead host piled up until the machine had no memory left."""

import logging
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from cloud.run import programs
from hostagent.messaging import broker
from operations import broker_memory


@pytest.fixture
def small_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Celery]:
    """The embedded Redis, as small as it may be."""
    path = tmp_path / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(tmp_path),
               "--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    settings.BROKER_URL = f"redis+socket://{path}"
    app = Celery("small", broker=settings.BROKER_URL, amqp=broker.PatientAMQP, set_as_current=False)
    monkeypatch.setattr("operations.queue.app", app)
    yield app
    process.terminate()
    process.wait(10)


@pytest.mark.process
def test_a_full_broker_refuses_rather_than_forgets_and_an_alarm_comes_before(
    small_redis: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="operations.broker_memory"):
        kept = 0
        with pytest.raises(Exception, match=r"OOM|maxmemory"):
            while kept < 1000:
                broker.publish(small_redis, {"order": "x" * 20_000}, "host.dead")
                kept += 1
                broker_memory.look()
    assert "the broker's memory is" in caplog.text
    with small_redis.connection_for_read() as connection:
        connection.default_channel.client.config_set("maxmemory", "2mb")  # full beyond doubt
        assert connection.default_channel._size("host.dead") == kept  # what it took, it has
    assert broker.purge(small_redis, ["host.dead"]) == kept  # as an agent does before its hello


def test_the_embedded_redis_has_a_limit_and_forgets_nothing() -> None:
    text = Path(programs.__file__).read_text()
    assert '"--maxmemory", REDIS_MEMORY, "--maxmemory-policy", "noeviction"' in text
