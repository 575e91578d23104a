"""The outbox: what changed is a row of the same transaction, and a reader misses none of them."""

import json
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from audit import context
from authorization.context import RequestContext
from common.clock import now
from common.live import Cause, announce, cause
from outbox import places
from outbox.models import Event, Place

pytestmark = pytest.mark.django_db(transaction=True)


def said() -> list[tuple[str, str, str, str]]:
    return list(Event.objects.order_by("number").values_list("kind", "object_id", "before", "after"))


def test_an_event_is_written_with_its_change_or_not_at_all() -> None:
    class Failed(Exception): ...

    def both(fail: type[Exception] | None) -> None:
        with transaction.atomic():
            announce("server", "s1", "p1")
            with pytest.raises(Failed), transaction.atomic():
                announce("port", "taken back", "p1")
                raise Failed
            if fail:
                raise fail

    with pytest.raises(Failed):
        both(Failed)
    assert said() == []
    both(None)
    assert said() == [("server", "s1", "", "")]
    announce("host", "h1")
    assert [one[1] for one in said()] == ["s1", "h1"], "outside of a transaction too"


def test_changes_of_one_transaction_are_one_event_from_the_first_state_to_the_last() -> None:
    with transaction.atomic():
        announce("server", "s1", "p1", what="stop", before="active", after="active")
        announce("server", "s1", "p1", before="active", after="stopped")
        announce("server", "s2", "p1", before="building", after="active")
    assert said() == [("server", "s1", "active", "stopped"), ("server", "s2", "building", "active")]
    assert Event.objects.get(object_id="s1").what == "stop"


def test_an_event_says_who_asked_also_in_a_flow() -> None:
    actor = RequestContext.internal("demo")
    request = SimpleNamespace(actor=actor, request_id="req-1")
    with context.of(context.Context(request=request)), transaction.atomic():
        announce("server", "s1", "p1")
    token = cause.set(Cause("u2", "req-2"))
    announce("server", "s2", "p1")
    cause.reset(token)
    announce("server", "s3", "p1")
    found = Event.objects.order_by("number").values_list("user_id", "request_id")
    assert list(found) == [(actor.user_id, "req-1"), ("u2", "req-2"), ("", "")]


def test_a_reader_that_dies_reads_the_same_again_and_misses_none() -> None:
    class Killed(BaseException): ...

    seen: list[str] = []

    def take(events: Sequence[Event]) -> None:
        seen.extend(one.object_id for one in events)

    def die(events: Sequence[Event]) -> None:
        raise Killed

    for n in range(5):
        announce("server", f"s{n}", "p1")
    assert places.read("r", take, limit=2) == 2
    with pytest.raises(Killed):
        places.read("r", die, limit=2)
    assert Place.objects.get().number == Event.objects.get(object_id="s1").number
    while places.read("r", take, limit=2):
        pass
    assert seen == ["s0", "s1", "s2", "s3", "s4"]


def test_old_events_go_and_numbers_go_on() -> None:
    for n in range(3):
        announce("server", f"s{n}", "p1")
    newest = places.newest()
    Event.objects.update(at=now() - timedelta(days=2))
    places.forget()
    assert [one.number for one in places.after(0)] == [newest], "SQLite would begin anew with its number"
    announce("server", "s9", "p1")
    assert places.newest() == newest + 1
    places.forget()
    assert [one.object_id for one in places.after(0)] == ["s9"]


def test_a_time_in_which_the_clock_was_years_ahead_does_not_keep_what_came_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(places, "AT_ONCE", 1)
    for n in range(4):
        announce("server", f"s{n}", "p1")
    Event.objects.update(at=now() - timedelta(days=2))
    Event.objects.filter(object_id="s0").update(at=now() + timedelta(days=3650))
    Event.objects.filter(object_id="s3").update(at=now())
    places.forget()
    assert [one.object_id for one in places.after(0)] == ["s3"]


def test_a_reader_that_slept_for_days_is_told_what_it_missed() -> None:
    """A log of changes that has a hole and does not say so is believed to be whole."""

    def complaint() -> str:
        error = StringIO()
        call_command("events", "--reader", "siem", stdout=StringIO(), stderr=error)
        return error.getvalue()

    announce("server", "s0", "p1")
    assert complaint() == ""
    first = places.newest()
    for n in range(1, 4):
        announce("server", f"s{n}", "p1")
    Event.objects.update(at=now() - timedelta(days=2))
    places.forget()
    assert f"Events {first + 1} to {first + 2} went unread" in complaint()
    announce("server", "s4", "p1")
    assert complaint() == ""


def test_an_operator_whose_pipe_is_full_holds_up_no_writer() -> None:
    """SQLite has one writer: a transaction that is open while somebody pages through the events stops the cloud."""
    announce("server", "s1", "p1")
    inside: list[bool] = []

    class Pipe(StringIO):
        def flush(self) -> None:
            inside.append(connection.in_atomic_block)

    call_command("events", "--reader", "siem", stdout=Pipe())
    assert inside and not any(inside)
    assert Place.objects.get().number == places.newest()


def test_an_operator_reads_on_where_the_last_call_ended() -> None:
    announce("server", "s1", "p1", what="stop", before="active", after="stopped")

    def call(*arguments: str) -> list[dict[str, object]]:
        out = StringIO()
        call_command("events", *arguments, stdout=out)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    (one,) = call("--reader", "siem")
    assert (one["kind"], one["object_id"], one["what"], one["after"]) == ("server", "s1", "stop", "stopped")
    assert call("--reader", "siem") == [] and call("--after", "0") == [one]
    announce("server", "s2", "p1")
    assert [one["object_id"] for one in call("--reader", "siem")] == ["s2"]
