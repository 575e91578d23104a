"""What a process loads at start: libraries that few requests need are loaded by those, not by every process."""

import os
import subprocess
import sys

import pytest

ALL = ("cloud.asgi", "cloud.urls", "cloud.run.control")
#: Library → the processes' modules that start without it, and why it would cost.
WITHOUT = {
    "ldap3": ALL,  # 5 MiB, 0.2 s: for domains that live in a directory
    "qrcode": ALL,  # for setting up an app
    "opentelemetry": ALL,  # 12 MiB: for who sets STACKLING_OTLP_ENDPOINT
    "pythonjsonlogger": ALL,  # for STACKLING_LOG_FORMAT=json
    "rest_framework.views": ("cloud.asgi", "cloud.run.control"),  # 20 MiB, 0.5 s: for the APIs, which only web serves
}
#: Small processes: what they do without.
SMALL = {
    "cloud.run.consoles": ("numpy", "django"),  # 10 MiB, in each console's process too
    "hostagent.agent.worker": ("opentelemetry", "pythonjsonlogger", "prometheus_client"),
    "cloud.run.watch": ("yaml", "cryptography", "xmlrpc", "django"),  # 11 MiB, for as long as the cloud runs
}


@pytest.mark.process
@pytest.mark.parametrize("process", SMALL)
def test_a_small_process_stays_small(process: str) -> None:
    program = f"import sys, {process}; print(*[name for name in {SMALL[process]!r} if sys.modules.get(name)])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []


@pytest.mark.process
@pytest.mark.parametrize("process", ALL)
def test_a_process_starts_without_what_it_may_never_need(process: str) -> None:
    unwanted = sorted(name for name, processes in WITHOUT.items() if process in processes)
    program = (
        f"import django, sys; django.setup(); import {process}; "
        f"assert {process!r} in sys.modules; print(*[name for name in {unwanted!r} if sys.modules.get(name)])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cloud.settings", "STACKLING_SECRET_KEY": "signs-nothing"}
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert said.stdout.split() == []
