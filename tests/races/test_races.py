"""What two transactions want at once goes to one: room on hosts, the rest of a quota, a hold. On both databases."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import CLONE
from tests.servers import postgres

CHURNED = "churned 48 drift 0"  # D (placement): the sums that are kept are the sums
CROSSED = "crossed 48 12 12"
ADDED = "added 1 1"
RACE = Path(__file__).with_name("race.py")


def race(folder: Path, url: str) -> list[str]:
    """Real threads and real commits need a database of their own, so the race runs in a process of its own."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cloud.settings",
        "DATABASE_URL": url,
        "PYTHONPATH": str(CLONE),
        "STACKLING_DATA": str(folder),
        "STACKLING_TESTING": "1",
    }
    ran = subprocess.run([sys.executable, str(RACE)], env=environment, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.process
def test_sqlite_promises_nothing_twice(tmp_path: Path) -> None:
    assert race(tmp_path, "") == [
        "database sqlite claims 12 used 900 900",
        "things 17 17 holds 1 1 1",
        CHURNED,
        CROSSED,
        ADDED,
    ]


@pytest.mark.process
def test_postgresql_promises_nothing_twice(tmp_path: Path) -> None:
    with postgres() as url:
        assert race(tmp_path, url) == [
            "database postgresql claims 12 used 900 900",
            "things 17 17 holds 1 1 1",
            CHURNED,
            CROSSED,
            ADDED,
        ]
