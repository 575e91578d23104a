"""A broker that takes connections and answers nothing, as a stopped redis does."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from cloud import health
from tests.live import CLONE

RING_TWICE = """
import time
import django
django.setup()
from operations import wakeups
began = time.monotonic()
wakeups.notify_all(["one", "two"])
print(time.monotonic() - began)
"""


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[str]:
    """The address of such a broker."""
    path = tmp_path / "redis.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(16)  # the kernel takes the connections; nobody reads them
        yield f"redis+socket://{path}"


@pytest.mark.process
def test_a_request_waits_for_it_less_than_a_second(silent: str, tmp_path: Path) -> None:
    env = {**os.environ, "BROKER_URL": silent, "STACKLING_DATA": str(tmp_path), "STACKLING_SECRET_KEY": "signs-nothing"}
    ended = subprocess.run(
        [sys.executable, "-c", RING_TWICE], cwd=CLONE, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert 0.3 < float(ended.stdout) < 0.9


@pytest.mark.process
def test_readyz_says_so_within_seconds(silent: str, settings: Any) -> None:
    settings.BROKER_URL = silent
    began = time.monotonic()
    with pytest.raises(redis.TimeoutError):
        health._broker()
    assert time.monotonic() - began < 3
