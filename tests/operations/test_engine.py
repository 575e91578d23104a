"""The engine: flows that wait, fail, repeat, hold and are woken."""

import itertools
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authorization.context import RequestContext
from common.clock import now
from common.errors import Conflict
from hostagent.contract.disk import DISK_REMOVE
from hostagent.contract.host import HOST_READ
from hostagent.contract.server import SERVER_REMOVE
from hostagent.messaging import envelope
from operations import engine, rpc, wakeups
from operations.flows import Flow, Step, Wait
from operations.models import Hold, Operation, OperationStep, State

KEY = "ab" * 32
_seq = itertools.count(int(time.time() * 1e6))
ACTOR = RequestContext(user_id="u1", user_name="demo", project_id="p1", request_id="req-1")


class Broken(Conflict):
    template = "Broken on purpose: %(why)s."


@pytest.fixture(autouse=True)
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    notified: list[str] = []
    monkeypatch.setattr(wakeups, "notify", notified.append)
    return notified


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    orders: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(rpc, "cast", lambda host, order: orders.append((host, order)) or True)
    monkeypatch.setattr(rpc, "_key_of", lambda host: KEY if host == "h1" else None)
    return orders


def start(flow: Flow, **more: Any) -> Operation:
    with transaction.atomic():
        return engine.start(flow, subject=("thing", "t1"), project_id="p1", actor=ACTOR, **more)


def report(operation: Operation, step: str, kind: str, body: dict[str, Any], host: str = "h1", key: str = KEY) -> None:
    message = {"host": host, "boot": "b", "kind": kind, "operation": operation.id, "step": step, "seq": next(_seq)}
    message |= {"generation": 0, "subject": "thing:t1", "sent": time.time(), "body": body}
    rpc.receive(envelope.close(message, key, "report"))


@pytest.mark.django_db(transaction=True)
def test_steps_run_in_order_and_free_their_holds() -> None:
    seen: list[str] = []
    flow = Flow("test.order", 1, (Step("a", lambda op: seen.append("a")), Step("b", lambda op: seen.append("b"))))
    row = start(flow, holds=["thing:t1"])
    assert Hold.objects.count() == 1
    engine.advance(row.id)
    row.refresh_from_db()
    assert (seen, row.state, Hold.objects.count()) == (["a", "b"], State.DONE, 0)


@pytest.mark.django_db(transaction=True)
def test_a_second_taker_of_a_hold_is_told_who_has_it() -> None:
    flow = Flow("test.hold", 1, (Step("a", lambda op: Wait(60)),))
    start(flow, holds=["thing:t1"], action="create")
    with pytest.raises(engine.Locked, match="busy with create"):
        start(flow, holds=["thing:t1"])
    assert Operation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(1, 6), fails=st.integers(0, 5), again=st.integers(1, 3))
def test_a_failure_anywhere_undoes_every_step_begun_in_reverse(length: int, fails: int, again: int) -> None:
    made: list[int] = []
    undone: list[int] = []

    def step(n: int) -> Step:
        def do(op: engine.Op) -> None:
            if n == fails:
                raise Broken(why=str(n))
            made.append(n)

        def undo(op: engine.Op) -> None:
            undone.append(n)

        return Step(f"s{n}", do, undo)

    settled: list[str] = []
    flow = Flow("test.fail", 1, tuple(map(step, range(length))), on_failed=lambda op, error: settled.append(str(error)))
    row = start(flow, holds=["thing:t1"])
    for _ in range(again):
        engine.advance(row.id)
    row.refresh_from_db()
    if fails < length:
        assert undone == list(range(fails, -1, -1))
        assert (row.state, settled) == (State.FAILED, [f"Broken on purpose: {fails}."])
    else:
        assert (made, undone, row.state) == (list(range(length)), [], State.DONE)
    assert Hold.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_an_unexpected_error_is_tried_three_times_and_leaves_no_half_written_row() -> None:
    tries: list[int] = []

    def do(op: engine.Op) -> None:
        tries.append(1)
        op.data["half"] = True
        Hold.objects.create(key="half", operation=op.row)
        raise RuntimeError("boom")

    row = start(Flow("test.raise", 1, (Step("a", do),)))
    for _ in range(5):
        engine.advance(row.id)
    row.refresh_from_db()
    assert (len(tries), row.state, row.error_code) == (3, State.FAILED, "StepFailed")
    assert not Hold.objects.filter(key="half").exists() and "half" not in row.data


@pytest.mark.django_db(transaction=True)
def test_an_order_is_answered_once_and_only_by_the_host_that_was_asked(sent: list[Any]) -> None:
    answers: list[Any] = []

    def do(op: engine.Op) -> Wait | None:
        if op.answer is None:
            return op.cast("h1", SERVER_REMOVE, {"server_id": "t1"})
        answers.append(op.answer)
        return None

    row = start(Flow("test.ask", 1, (Step("ask", do), Step("rest", lambda op: Wait(60)))))
    engine.advance(row.id)
    engine.advance(row.id)
    assert len(sent) == 1, "an order is not sent again while its host may be at it"
    report(row, "ask", "done", {"state": "stolen"}, host="h2", key="cd" * 32)
    report(row, "ask", "done", {"state": "forged"}, key="cd" * 32)
    engine.advance(row.id)
    assert answers == []
    report(row, "ask", "done", {"state": "running"})
    report(row, "ask", "done", {"state": "doubled"})
    engine.advance(row.id)
    engine.advance(row.id)
    assert answers == [{"state": "running"}]


@pytest.mark.django_db(transaction=True)
def test_silence_and_hello_have_an_order_sent_again(sent: list[Any]) -> None:
    def do(op: engine.Op) -> Wait | None:
        return op.cast("h1", SERVER_REMOVE, {"server_id": "t1"}) if op.answer is None else None

    row = start(Flow("test.silence", 1, (Step("ask", do, deadline=600),)))
    engine.advance(row.id)
    OperationStep.objects.update(ordered_at=now() - timedelta(seconds=13))
    engine.advance(row.id)
    assert len(sent) == 2
    rpc.ask_again("h1")
    engine.advance(row.id)
    assert len(sent) == 3


@pytest.mark.django_db(transaction=True)
def test_a_host_that_never_answers_fails_the_step_by_its_deadline_with_a_reason(sent: list[Any]) -> None:
    def do(op: engine.Op) -> Wait | None:
        return op.cast("h1", SERVER_REMOVE, {"server_id": "t1"}) if op.answer is None else None

    row = start(Flow("test.deadline", 1, (Step("ask", do, deadline=30),)))
    engine.advance(row.id)
    OperationStep.objects.update(started_at=now() - timedelta(seconds=31))
    engine.advance(row.id)
    row.refresh_from_db()
    assert (row.state, row.error_code, row.error_data["host"]) == (State.FAILED, "HostSilent", "h1")


@pytest.mark.django_db(transaction=True)
def test_a_failure_of_the_host_is_the_operations_reason(sent: list[Any]) -> None:
    def do(op: engine.Op) -> Wait | None:
        return op.cast("h1", DISK_REMOVE, {"server_id": "t1"}) if op.answer is None else None

    row = start(Flow("test.full", 1, (Step("ask", do),)))
    engine.advance(row.id)
    report(row, "ask", "failed", {"code": "no_space", "data": {"path": "/d", "need": 10, "have": 3}})
    engine.advance(row.id)
    row.refresh_from_db()
    assert (row.state, row.error_code) == (State.FAILED, "no_space")
    assert row.error_data["need"] == 10


@pytest.mark.django_db(transaction=True)
def test_wake_makes_a_waiting_operation_due(notified: list[str]) -> None:
    ready: list[bool] = []
    flow = Flow("test.wake", 1, (Step("a", lambda op: None if ready else Wait(600, on=("port", "p1"))),))
    row = start(flow)
    engine.advance(row.id)
    row.refresh_from_db()
    assert row.wake_at > now() + timedelta(seconds=500)
    ready.append(True)
    notified.clear()
    with transaction.atomic():
        engine.wake("port", "p1")
    assert notified == [row.id]
    engine.advance(row.id)
    row.refresh_from_db()
    assert row.state == State.DONE


@pytest.mark.django_db(transaction=True)
def test_an_operation_waits_in_line_behind_actions_that_it_names(notified: list[str]) -> None:
    seen: list[str] = []
    ended = {"now": False}

    def first(op: engine.Op) -> Wait | None:
        return None if ended["now"] else Wait(60)

    slow = start(Flow("test.slow", 1, (Step("a", first),)), holds=["thing:t1"], action="attach")
    flow = Flow("test.line", 1, (Step("b", lambda op: seen.append("b"), undo=lambda op: seen.append("undo b")),))
    queued = start(flow, holds=["thing:t1"], behind={"attach"})
    with pytest.raises(engine.Locked):
        start(flow, holds=["thing:t1"], behind={"detach"})
    engine.advance(slow.id)
    engine.advance(queued.id)
    assert seen == [] and Hold.objects.get().operation_id == slow.id
    ended["now"] = True
    notified.clear()
    engine.advance(slow.id)
    assert queued.id in notified, "the end of the one before wakes it"
    engine.advance(queued.id)
    queued.refresh_from_db()
    assert (seen, queued.state, Hold.objects.count()) == (["b"], State.DONE, 0)


@pytest.mark.django_db(transaction=True)
def test_an_operation_that_waits_too_long_in_line_is_undone_with_the_reason() -> None:
    undone: list[str] = []
    start(Flow("test.ever", 1, (Step("a", lambda op: Wait(60)),)), holds=["thing:t1"], action="attach")
    flow = Flow("test.late", 1, (Step("b", lambda op: None, undo=lambda op: undone.append("b")),))
    row = start(flow, holds=["thing:t1"], behind={"attach"})
    Operation.objects.filter(id=row.id).update(created_at=now() - timedelta(seconds=engine.QUEUE_SECONDS + 1))
    engine.advance(row.id)
    row.refresh_from_db()
    assert (undone, row.state, row.error_code) == (["b"], State.FAILED, "OperationLocked")


@pytest.mark.django_db(transaction=True)
def test_a_step_that_the_database_refuses_is_tried_again_and_undone_never_parked(
    sent: list[tuple[str, dict[str, Any]]],
) -> None:
    """B7: save() marks its whole transaction as broken; that was not taken back with what the step did, so the engine
    itself could not go on, and the operation was parked with nothing said of why."""
    undone: list[str] = []

    def refused(op: engine.Op) -> Wait:
        wait = op.cast("h1", HOST_READ, {})
        Hold(key="thing:t1", operation_id=op.row.id).save(force_insert=True)  # a row that is there
        return wait

    flow = Flow(
        "test.refused", 1, (Step("a", lambda op: None, lambda op: undone.append("a")), Step("b", refused))
    )  # fmt: skip
    row = start(flow, holds=["thing:t1"])
    for _ in range(engine.TRIES):
        engine.advance(row.id)
        Operation.objects.filter(state=State.RUNNING).update(wake_at=now())
    row.refresh_from_db()
    assert (row.state, row.error_code, undone) == (State.FAILED, "StepFailed", ["a"])
    assert "UNIQUE" in row.error_data["detail"].upper()
    assert sent == [], "what a step ordered that failed does not leave"
    assert OperationStep.objects.get(operation=row, name="b", phase="do").ordered_at is None
