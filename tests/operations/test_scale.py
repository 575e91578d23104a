"""D: what operations keep, find and forget when there are many."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from authorization.context import RequestContext
from common.clock import now
from compute.servers.create import scheduling
from compute.servers.create.scheduling import Candidate, RequestSpec
from compute.servers.lifecycle import reconcile
from hostagent.contract.host import HOST_READ
from hosts.models import Host
from operations import engine, recovery, rpc, wakeups
from operations.flows import Flow, Step, Wait
from operations.models import Operation, OperationStep, State
from placement import deciding
from placement.services import ProviderSummary

KIB = 1024


def candidates(count: int) -> list[Candidate]:
    return [
        Candidate(
            name=f"host-with-a-long-name-{n:05d}.rack-{n % 40}.example.org",
            state="up",
            enabled=n % 5 != 1,
            provider=ProviderSummary("p", "h", {"MEMORY_MB": 1000 + n, "VCPU": 8}, {}),
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [1, 4, 1000])
def test_the_verdict_of_a_launch_that_fits_is_small_whatever_the_clouds_size(count: int) -> None:
    """D: sums and the few best hosts in 2 KB."""
    spec = RequestSpec(resources={"MEMORY_MB": 1000, "VCPU": 1}, project_id="p")
    decision = scheduling.decide(spec, candidates(count))
    verdict = decision.verdict()
    assert len(json.dumps(verdict)) <= 2 * KIB
    assert verdict["sums"]["hosts"] == count
    assert verdict["sums"]["fit"] + sum(verdict["sums"]["refused_by"].values()) == count
    assert decision.chosen is not None and verdict["scheduling"][0]["host"] == decision.chosen.name
    assert len(decision.table) == count, "scheduler_explain still tells of every host"


def test_the_verdict_of_a_refusal_says_what_the_nearest_hosts_lacked_and_is_bounded() -> None:
    """D: also of a resize, which kept 1,000 rows."""
    spec = RequestSpec(resources={"MEMORY_MB": 10**6}, project_id="p")
    verdict = scheduling.decide(spec, candidates(1000)).verdict()
    rows = verdict["scheduling"]
    assert len(rows) == deciding.MOST_REFUSALS and len(json.dumps(verdict)) <= 64 * KIB
    assert all(row["checks"][-1]["filter"] == "ResourcesFilter" for row in rows), "those that came furthest"
    assert sum(verdict["sums"]["refused_by"].values()) == 1000


@pytest.mark.django_db(transaction=True)
def test_prune_keeps_pace_with_whatever_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """D: not a thousand an hour."""
    monkeypatch.setattr(recovery, "BREATH", 0.0)
    old = now() - timedelta(days=recovery.KEEP_DAYS + 1)

    def rows(count: int, prefix: str, **values: Any) -> None:
        made = [
            Operation(id=f"{prefix}{n}", flow="f", subject_kind="thing", subject_id="t", action="a", **values)
            for n in range(count)
        ]
        Operation.objects.bulk_create(made)
        OperationStep.objects.bulk_create(OperationStep(operation=row, index=0, name="s") for row in made)

    rows(2500, "old", state=State.DONE, finished_at=old, wake_at=None)
    rows(3, "new", state=State.DONE, finished_at=now(), wake_at=None)
    rows(3, "broken", state=State.BROKEN, created_at=old, wake_at=None)
    rows(3, "live", created_at=old)
    recovery.prune()
    assert Operation.objects.count() == OperationStep.objects.count() == 9


@pytest.mark.django_db(transaction=True)
def test_what_runs_every_second_or_minute_reads_by_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """D: wake_at, finished_at, task_state."""
    if connection.vendor != "sqlite":
        pytest.skip("the plans of other databases depend on how many rows there are")
    monkeypatch.setattr(wakeups, "notify", lambda job: None)
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        recovery.recover()
        recovery.prune()
        reconcile.recover_stuck()
        assert not Operation.objects.broken().filter(subject_id="x").exists()
    plans = ""
    with connection.cursor() as cursor:  # with its parameters: by them SQLite may not know a partial index again
        for sql, params in asked:
            if sql.startswith("SELECT"):
                cursor.execute("EXPLAIN QUERY PLAN " + sql, params)
                plans += "".join(f"{row[3]}\n" for row in cursor.fetchall())
    for index in ("operation_due (state=? AND wake_at<?)", "operation_over", "servers_busy"):
        assert index in plans, plans
    assert "SCAN operations_operation\n" not in plans and "SCAN compute_server\n" not in plans, plans


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["done", "failed", "hello"])
def test_an_answer_locks_in_the_order_of_the_engine(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """D: operation, then step: PostgreSQL ended every other of two that met (1 s)."""
    monkeypatch.setattr(wakeups, "notify", lambda job: None)
    monkeypatch.setattr(rpc, "cast", lambda host, order: True)
    Host.objects.create(name="h1", number=1)

    def ask(op: engine.Op) -> Wait | None:
        return op.cast("h1", HOST_READ, {}) if op.answer is None else None

    with transaction.atomic():
        actor = RequestContext.internal("test")
        row = engine.start(Flow("test.asks", 1, (Step("ask", ask),)), subject=("t", "t"), project_id=None, actor=actor)
    engine.advance(row.id)
    message = {"operation": row.id, "step": "ask", "kind": kind, "body": {"code": "internal"}}
    with CaptureQueriesContext(connection) as asked:
        if kind == "hello":
            rpc.ask_again("h1")
        else:
            rpc._answered("h1", kind, message)
    texts = [query["sql"] for query in asked.captured_queries]
    locks = next(
        n for n, text in enumerate(texts) if text.startswith("SELECT") and 'FROM "operations_operation"' in text
    )
    writes = next(n for n, text in enumerate(texts) if text.startswith('UPDATE "operations_operationstep"'))
    assert locks < writes, texts
