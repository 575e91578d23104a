"""I7: a page of records costs the same whatever the table holds: each filter has an index that leads, and nothing is counted."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from audit import reading
from audit.models import Event
from authorization.context import RequestContext
from common.ids import new_ordered_id
from portal.activity.asked import Asked

MILLION = 1_000_000
LOT = 20_000
MEMBER = RequestContext(user_id="u", roles=frozenset({"member", "reader"}), project_id="p")
OPERATOR = RequestContext(user_id="root", roles=frozenset({"admin"}), project_id="admins")
OBJECT = "0123456789abcdef0123456789abcdef"
#: Filter → the index that leads for a member of a project.
LEADS = {
    "": "audit_by_project",
    "state=failed": "audit_by_project",
    "person=somebody": "audit_by_project",
    "object=web": "audit_by_project",
    "type=service/compute/servers&since=2020-01-01": "audit_by_project",
    f"object={OBJECT}": "audit_by_target",
    "request=req-1": "audit_by_request",
}


def fill(count: int, project: Callable[[int], str]) -> None:
    """Write so many records a second apart, the last of now, one in ten thousand a failure."""
    first = time.time_ns() // 1_000_000 - count * 1000
    for start in range(0, count, LOT):
        rows = [
            Event(
                id=new_ordered_id(first + n * 1000, n), action="update", outcome="success" if n % 10_000 else "failure",
                target_type="service/compute/servers", target_id=f"{n % 5000:032x}", target_name=f"web-{n % 5000}", project_id=project(n),
                initiator_id=f"u{n % 50}", initiator_name=f"user-{n % 50}", request_id=f"req-{n}", body={"after": {"name": "other"}},
            )
            for n in range(start, min(start + LOT, count))
        ]  # fmt: skip
        Event.objects.write(rows)


def fill_fast(count: int) -> None:
    """As `fill`, half in project p and half in q: on SQLite by one statement, for a million from here takes minutes."""
    if connection.vendor != "sqlite":
        fill(count, lambda n: "p" if n % 2 else "q")
        return
    first = time.time_ns() // 1_000_000 - count * 1000
    columns = {
        "id": f"printf('%08x-%04x-7000-8000-%012x', ({first} + i * 1000) >> 16, ({first} + i * 1000) & 65535, i)",
        "event_time": "'2026-01-01 00:00:00'", "action": "'update'", "outcome": "iif(i % 10000, 'success', 'failure')",
        "initiator_id": "'u' || (i % 50)", "initiator_name": "'user-' || (i % 50)", "address": "''",
        "target_type": "'service/compute/servers'", "target_id": "printf('%032x', i % 5000)", "target_name": "'web-' || (i % 5000)",
        "project_id": "iif(i % 2, 'p', 'q')", "domain_id": "''", "request_id": "'req-' || i", "operation_id": "''", "count": "1",
        "body": """'{"after": {"name": "other"}}'""",
    }  # fmt: skip
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1})"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO audit_event ({', '.join(columns)}) {numbers} SELECT {', '.join(columns.values())} FROM n")  # fmt: skip


def read(actor: RequestContext, query: str, before: str = "") -> reading.Found:
    led, wanted = Asked.read(QueryDict(query)).records(actor)
    return reading.page(led, wanted, 40, before=before)


@pytest.mark.parametrize(("query", "index"), LEADS.items())
def test_a_filter_is_led_by_its_index(db: None, query: str, index: str) -> None:
    """I7: the database says itself by which index it finds the rows; it reads no whole table and sorts at most one page."""
    fill(3000, lambda n: "p" if n % 2 else "q")
    with CaptureQueriesContext(connection) as asked:
        read(MEMBER, query)
    about = [one["sql"] for one in asked.captured_queries if "audit_event" in one["sql"]]
    assert about and not any("COUNT(" in sql for sql in about)
    if connection.vendor != "sqlite":
        pytest.skip("the plans of this database depend on its statistics")
    with connection.cursor() as cursor:
        for sql in about:
            plan = " ".join(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
            assert index in plan or "PRIMARY KEY" in plan or "sqlite_autoindex_audit_event" in plan, (sql, plan)
            assert "SCAN audit_event" not in plan, (sql, plan)


def test_pages_follow_each_other_without_gap_or_twin(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """I7: whatever the windows are, all records that fit are given once, newest first."""
    fill(1000, lambda n: "p" if n % 3 else "q")
    fitting = list(Event.objects.filter(project_id="p").order_by("-pk").values_list("pk", flat=True))
    monkeypatch.setattr(reading, "LOOK", 7)
    found: list[str] = []
    before, turns = "", 0
    while turns == 0 or before:
        page = read(MEMBER, "", before)
        found += [row.pk for row in page.rows]
        before, turns = page.older, turns + 1
    assert found == fitting
    assert [row.pk for row in reading.every(Event.objects.filter(project_id="p"), Q(), 50)] == fitting[:50]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_million_records_are_read_by_pages_in_bounded_time(db: None, capsys: Any) -> None:
    """I7: every filter of a member and of an operator answers in less than a second of CPU, the first page and a later one."""
    fill_fast(MILLION)
    took = {}
    for actor in (MEMBER, OPERATOR):
        for query in LEADS:
            began = time.thread_time()
            page = read(actor, query)
            if page.older:
                read(actor, query, page.older)
            took[f"{'operator' if actor is OPERATOR else 'member'} ?{query}"] = round(
                (time.thread_time() - began) * 1000
            )
    with capsys.disabled():
        print("\nms of CPU for two pages of 1,000,000 records:", took)
    assert max(took.values()) < 2000, took
