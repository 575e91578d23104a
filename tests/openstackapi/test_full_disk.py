"""C7: a change that finds no room on the database's disk is a sentence with 503, on either database, in any service's form."""

import sqlite3

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from common.database import is_full
from openstackapi import faults, services


def _full() -> OperationalError:
    """As Django raises it."""
    link = sqlite3.connect(":memory:")
    link.execute("PRAGMA max_page_count = 1")
    error = OperationalError("database or disk is full")
    with pytest.raises(sqlite3.OperationalError) as caught:
        link.executescript("CREATE TABLE a (b); CREATE TABLE c (d);")
    error.__cause__ = caught.value
    return error


def test_a_full_disk_is_told_apart() -> None:
    assert is_full(_full())
    busy = OperationalError("database is locked")
    busy.__cause__ = sqlite3.OperationalError("database is locked")
    assert not is_full(busy) and not is_full(ValueError("database or disk is full"))
    other = OperationalError("could not extend file: No space left on device")
    other.__cause__ = type("DiskFull", (Exception,), {"sqlstate": "53100"})()
    assert is_full(other)


@pytest.mark.parametrize("service", [service.type for service in services.every()])
def test_a_change_without_room_is_refused_with_a_sentence(service: str) -> None:
    request = RequestFactory().post(f"/api/{service}/x", HTTP_ACCEPT="application/json")
    request.request_id = "req-1"  # type: ignore[attr-defined]
    answer = faults.handle(_full(), {"request": request, "view": None})
    assert answer is not None and answer.status_code == 503
    assert "no room on its disk" in str(getattr(answer, "data", "") or answer.content)
