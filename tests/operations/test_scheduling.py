"""Schedules as rows: due times outlive a restart, and a run is claimed once however many control processes there are."""

import json
import threading
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from common.clock import now
from operations import periodic, scheduling
from operations.models import Schedule
from operations.periodic import Clock, PeriodicTask

pytestmark = pytest.mark.django_db


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(scheduling, "now", lambda: moment)


def test_two_control_processes_that_saw_the_same_row_run_it_once() -> None:
    scheduling.declare({"prune": 3600.0})
    (row,) = scheduling._due(now(), {"prune": 3600.0})
    (same,) = scheduling._due(now(), {"prune": 3600.0})
    assert [scheduling.claim(row, now()), scheduling.claim(same, now())] == [True, False]


def test_a_clock_that_was_years_ahead_and_is_set_back_stops_no_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    today, ahead = now(), now() + timedelta(days=3650)
    at(monkeypatch, ahead)
    scheduling.declare({"prune": 3600.0})
    assert scheduling.claim_due({"prune": 3600.0}) == ["prune"]
    at(monkeypatch, today + timedelta(seconds=60))
    assert scheduling.claim_due({"prune": 3600.0}) == ["prune"]
    at(monkeypatch, today + timedelta(seconds=70))
    assert scheduling.claim_due({"prune": 3600.0}) == []
    at(monkeypatch, today + timedelta(seconds=3661))
    assert scheduling.claim_due({"prune": 3600.0}) == ["prune"]


def test_a_row_that_cannot_be_claimed_takes_no_other_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first was claimed, and would not have been due again for a day."""
    real = scheduling.claim

    def locked(row: Schedule, moment: datetime) -> bool:
        if row.key == "second":
            raise OperationalError("database is locked")
        return real(row, moment)

    monkeypatch.setattr(scheduling, "claim", locked)
    tasks = {"first": 86400.0, "second": 3600.0}
    scheduling.declare(tasks)
    assert scheduling.claim_due(tasks) == ["first"]
    monkeypatch.setattr(scheduling, "claim", real)
    assert scheduling.claim_due(tasks) == ["second"]


def test_a_due_time_outlives_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hourly task ran at each start of control."""
    begun = now()
    at(monkeypatch, begun)
    scheduling.declare({"prune": 3600.0})
    assert scheduling.claim_due({"prune": 3600.0}) == ["prune"]
    at(monkeypatch, begun + timedelta(seconds=600))
    scheduling.declare({"prune": 3600.0})
    assert scheduling.claim_due({"prune": 3600.0}) == []
    at(monkeypatch, begun + timedelta(seconds=3601))
    assert scheduling.claim_due({"prune": 3600.0}) == ["prune"]


def test_rows_follow_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = now()
    at(monkeypatch, begun)
    scheduling.declare({"prune": 3600.0, "gone": 60.0})
    scheduling.claim_due({"prune": 3600.0, "gone": 60.0})
    scheduling.declare({"prune": 100.0})
    row = Schedule.objects.get()
    assert (row.key, row.seconds, row.due_at) == ("prune", 100.0, begun + timedelta(seconds=100))


def test_missed_periods_are_not_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = now()
    at(monkeypatch, begun)
    scheduling.declare({"prune": 60.0})
    at(monkeypatch, begun + timedelta(days=1))
    assert [scheduling.claim_due({"prune": 60.0}) for _n in range(2)] == [["prune"], []]


@pytest.mark.django_db(transaction=True)
def test_the_clock_runs_a_task_of_a_row_and_writes_how_it_ended(capsys: Any) -> None:
    ran = threading.Event()

    def fails() -> None:
        ran.set()
        raise RuntimeError("no room")

    task = PeriodicTask("test.fails", 60.0, fails)
    clock = Clock([task])
    scheduling.declare({"test.fails": 60.0})
    clock.look(1.0)
    assert not ran.is_set(), "its row says when"
    clock.look_at_rows(1.0)
    assert ran.wait(20)
    clock._shared.shutdown(wait=True)
    assert task.begun is None and Schedule.objects.get().last_error == "RuntimeError: no room"
    said = StringIO()
    call_command("schedules", "--json", stdout=said)
    rows = {row["key"]: row for row in json.loads(said.getvalue())}
    assert rows["test.fails"]["last_error"] == "RuntimeError: no room"
    assert {task.name for task in periodic.tasks() if not task.has_row} <= rows.keys()
    call_command("schedules", stdout=said)
    assert "failed: RuntimeError: no room" in said.getvalue()
