"""Queues of plain messages, read for as long as control lives."""

import pytest
from django.db import connection

from hostagent.messaging import broker
from operations import consuming


class Over(BaseException):
    """What ends the endless."""


@pytest.mark.django_db
def test_a_connection_that_broke_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that reads for months would fail with each message after the database was away once."""
    closed: list[bool] = []
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: closed.append(True))

    def read(_app: object, name: str, take: consuming.Take, _is_over: object) -> None:
        assert name == "some"
        take("first")
        take("second")
        raise Over

    monkeypatch.setattr(broker, "read", read)
    taken: list[tuple[object, int]] = []
    with pytest.raises(Over):
        consuming._consume("reader", "some", lambda message: taken.append((message, len(closed))))
    assert taken == [("first", 1), ("second", 2)]
