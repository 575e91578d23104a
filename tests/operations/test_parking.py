"""Operations that cannot go on: parked with an alarm, never in anybody's way, an operator's to retry or abandon."""

import io
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from authorization.context import RequestContext
from common import clock
from common.clock import now
from compute.servers import history
from operations import engine, parking, recovery, wakeups
from operations.flows import Flow, Step, Wait
from operations.models import LIVE, Hold, Operation, State

ACTOR = RequestContext(user_id="u1", user_name="demo", project_id="p1", request_id="req-1")
DONE = Flow("test.healthy", 1, (Step("a", lambda op: None),))


class Spoiled(engine.errors.Conflict):
    template = "Broken on purpose."


@pytest.fixture(autouse=True)
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(wakeups, "notify", found.append)
    return found


def start(flow: Flow, key: str = "t1", **more: Any) -> Operation:
    with transaction.atomic():
        return engine.start(flow, subject=("thing", key), project_id="p1", actor=ACTOR, **more)


def fails(op: engine.Op) -> None:
    raise Spoiled()


def raises(op: engine.Op, error: Exception | None = None) -> None:
    raise RuntimeError("cannot settle")


BAD_END = Flow("test.bad_end", 1, (Step("a", fails),), on_failed=raises)


def recoveries(count: int, notified: list[str], monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What each of `count` recoveries, a second apart, notified; each wake-up is answered at once."""
    out, moment = [], now()
    for second in range(count):
        at = moment + timedelta(seconds=second)
        for module in (recovery, parking, engine, clock):
            monkeypatch.setattr(module, "now", lambda at=at: at)
        notified.clear()
        recovery.recover()
        out.append(list(notified))
        for id in out[-1]:
            engine.advance(id)
    return out


@pytest.mark.django_db(transaction=True)
def test_an_exception_in_on_failed_is_tried_a_few_times_and_then_parked(
    notified: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """B7: not notified each second for ever, its hold free, an alarm in the log."""
    row = start(BAD_END, holds=["thing:t1"])
    seen = recoveries(60, notified, monkeypatch)
    row.refresh_from_db()
    assert (row.state, row.error_code, row.wake_at) == (State.BROKEN, "EngineFailed", None)
    assert sum(map(len, seen)) <= parking.STUMBLES, "each try waits longer than the one before"
    assert not Hold.objects.exists()
    assert any(record.levelno == logging.ERROR and "is broken" in record.message for record in caplog.records)
    start(DONE, holds=["thing:t1"])


@pytest.mark.django_db(transaction=True)
def test_an_operation_of_a_flow_that_is_gone_is_parked_and_its_pages_say_so(
    notified: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """B7"""
    row = start(DONE)
    Operation.objects.filter(id=row.id).update(version=99)
    recoveries(40, notified, monkeypatch)
    row.refresh_from_db()
    assert (row.state, row.error_code) == (State.BROKEN, "FlowGone")
    assert "operation_abandon" in history.timeline(row)["reason"]
    assert history.timeline(row)["ok"] is False


@pytest.mark.django_db(transaction=True)
def test_what_the_engine_itself_raises_is_parked_too(notified: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """B7: the sibling: data that cannot be written, outside of any step's own tries."""

    def unwritable(op: engine.Op) -> None:
        op.data["what"] = object()

    row = start(Flow("test.unwritable", 1, (Step("a", unwritable),)), holds=["thing:t1"])
    recoveries(40, notified, monkeypatch)
    row.refresh_from_db()
    assert row.state == State.BROKEN and "JSON" in row.error_data["detail"]
    assert not Hold.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_subject_that_cannot_be_told_does_not_keep_its_operation_from_being_parked(
    notified: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """B7: the sibling: on_broken raises."""
    monkeypatch.setitem(parking._on_broken, "thing", raises)
    row = start(BAD_END)
    recoveries(40, notified, monkeypatch)
    row.refresh_from_db()
    assert row.state == State.BROKEN


@pytest.mark.django_db(transaction=True)
def test_a_thousand_broken_operations_leave_the_others_unhurt(
    notified: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """B7: also before any is parked, in the first recovery."""
    monkeypatch.setattr(parking, "STUMBLES", 2)
    old = now() - timedelta(hours=1)
    Operation.objects.bulk_create(
        Operation(flow="test.gone", version=9, subject_kind="thing", subject_id=f"b{n}", action="x", wake_at=old)
        for n in range(1000)
    )
    healthy = [start(DONE, key=f"h{n}") for n in range(20)]
    first, *rest = recoveries(15, notified, monkeypatch)
    assert {row.id for row in healthy} <= set(first), "of each flow in turn"
    assert not Operation.objects.filter(id__in=[row.id for row in healthy], state__in=LIVE).exists()
    assert Operation.objects.filter(state=State.BROKEN).count() == 1000
    assert rest[-1] == []


@pytest.mark.django_db(transaction=True)
def test_those_that_wait_longest_come_first_also_of_one_flow(
    notified: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """B7: a healthy operation behind many of its own flow that raise is notified as soon as they have had one turn."""
    old = now() - timedelta(hours=1)
    for n in range(2 * recovery.AT_ONCE):
        Operation(flow="test.bad_end", subject_kind="thing", subject_id=f"b{n}", action="x", wake_at=old).save()
    row = start(Flow("test.bad_end", 2, (Step("a", lambda op: None),)))
    seen = recoveries(4, notified, monkeypatch)
    assert any(row.id in ids for ids in seen)
    row.refresh_from_db()
    assert row.state == State.DONE


@pytest.mark.django_db(transaction=True)
def test_an_operator_lists_retries_and_abandons(notified: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """B7"""
    works: list[bool] = []

    def settle(op: engine.Op, error: Exception) -> None:
        if not works:
            raises(op)

    flow = Flow("test.mended", 1, (Step("a", fails),), on_failed=settle)
    one, two = start(flow, key="t1", holds=["thing:t1"]), start(flow, key="t2", holds=["thing:t2"])
    recoveries(40, notified, monkeypatch)
    monkeypatch.undo()
    monkeypatch.setattr(wakeups, "notify", notified.append)
    out = io.StringIO()
    call_command("operation_list", "--broken", "--json", stdout=out)
    assert {row["id"] for row in json.loads(out.getvalue())} == {one.id, two.id}
    works.append(True)
    notified.clear()
    call_command("operation_retry", one.id, stdout=out)
    assert notified == [one.id] and Hold.objects.get().key == "thing:t1"
    engine.advance(one.id)
    one.refresh_from_db()
    assert (one.state, one.error_code, Hold.objects.count()) == (State.FAILED, "Spoiled", 0)
    call_command("operation_abandon", two.id, stdout=out)
    two.refresh_from_db()
    assert (two.state, two.finished_at is not None) == (State.FAILED, True)
    with pytest.raises(CommandError, match="not broken"):
        call_command("operation_retry", two.id)


@pytest.mark.django_db(transaction=True)
def test_a_retry_is_refused_once_something_newer_was_done(notified: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """B7: the sibling: a rebuild that broke last week must not remove the disk of a server that was mended since."""
    row = start(BAD_END, holds=["thing:t1"])
    recoveries(40, notified, monkeypatch)
    monkeypatch.undo()
    newer = start(Flow("test.newer", 1, (Step("a", lambda op: Wait(600)),)), holds=["thing:t1"])
    Operation.objects.filter(id=newer.id).update(created_at=now() + timedelta(minutes=2))
    with pytest.raises(parking.NewerDone):
        parking.retry(row.id)
    with pytest.raises(engine.Locked):
        parking.retry(row.id, force=True)
    row.refresh_from_db()
    assert row.state == State.BROKEN
