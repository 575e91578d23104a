"""Item 7: /metrics of a cloud with much in it, with processes that hang, with a broker and a database that are away."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from cloud.metrics import local, rows, view
from compute.servers.models import Server
from hosts import figures
from hosts.models import Host

pytestmark = [pytest.mark.django_db, pytest.mark.process]


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> Iterator[None]:
    settings.RUN, settings.DATA = tmp_path, tmp_path
    for process in local.PROCESSES:  # as the start makes them
        local.path_of(process).parent.mkdir(parents=True)
    settings.BROKER_URL = f"redis+socket://{tmp_path}/redis.sock?virtual_host=0"
    monkeypatch.setattr(view, "_known", (-view.FRESH, b""))
    yield
    figures._known.clear()


def _told() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = Client().get("/metrics").content.decode()
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families), "a family is told twice"
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_a_process_that_hangs_is_down_and_holds_nobody_up(tmp_path: Path) -> None:
    """Item 7: attack: bytes does not answer, control answers rubbish, sockets is gone."""
    hung, rubbish = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    hung.bind(str(local.path_of("bytes")))
    hung.listen()
    rubbish.bind(str(local.path_of("control")))
    rubbish.listen()

    def answer() -> None:
        link, _ = rubbish.accept()
        link.sendall(b'{"rub')
        link.close()

    threading.Thread(target=answer, daemon=True).start()
    begun = time.process_time()
    told = _told()
    up = {dict(labels)["process"]: value for (name, labels), value in told.items() if name == "stackling_process_up"}
    assert up == {"web": 1, "bytes": 0, "control": 0, "sockets": 0}
    assert time.process_time() - begun < 5
    hung.close()
    rubbish.close()


def test_what_processes_count_is_told_once_with_their_names() -> None:
    """Item 7: the same families of several processes are one family, so that the text is one that Prometheus takes."""
    local.serve("bytes")
    local.serve("control")
    Client().get("/api/compute/")
    told = _told()
    found = {dict(labels)["process"] for (name, labels), _ in told.items() if name == "stackling_http_responses_total"}
    assert found == {"web", "bytes", "control"}  # one process of a test plays all three


def test_a_reader_that_does_not_read_holds_no_process_up() -> None:
    """Item 7: the sibling: who connects and says nothing keeps the next one waiting for half a second at most."""
    local.serve("control")
    idle = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for link in idle:
        link.connect(str(local.path_of("control")))
    assert any(local._ask("control") is not None for _ in range(5)), (
        "within five times what a reader waits on a busy machine"
    )
    for link in idle:
        link.close()


def test_a_broker_a_reverse_proxy_and_a_database_that_are_away_are_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Item 7: what is down says so instead of a 500."""
    told = _told()
    assert told["stackling_broker_up", ()] == 0 and told["stackling_frontdoor_up", ()] == 0
    assert told["stackling_database_up", ()] == 1

    def away() -> Any:
        raise DatabaseError("the database is away")
        yield

    monkeypatch.setattr(rows, "collect", away)
    monkeypatch.setattr(view, "_known", (-view.FRESH, b""))
    told = _told()
    assert told["stackling_database_up", ()] == 0 and "stackling_up_seconds" in {name for name, _ in told}


def test_what_an_agent_says_makes_no_labels_and_breaks_nothing() -> None:
    """Item 7: attack: a host that was taken over says nonsense: keys, texts, numbers without an end."""
    evil = {
        "jobs": {"quick": 1e308, "evil\n": 1, "bulk": "x"},
        "reports": "many",
        "parked": float("nan"),
        "x{}": 1,
        "deaths": 10**400,
    }
    figures.note("host1", evil)
    figures.note("host2", ["no", "dict"])
    text = "\n".join(str(family.samples) for family in figures.collect())
    assert "evil" not in text and "x{}" not in text and "host2" not in text and "nan" not in text.lower()


def test_a_flood_of_scrapes_asks_everything_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(rows, "collect", lambda: iter(asked.append(1) or ()))
    for _ in range(20):
        view.text()
    assert len(asked) <= 2


#: Tables that grow with a cloud, or with its history.
_LARGE = (
    "compute_server",
    "operations_operation",
    "operations_operationstep",
    "networking_port",
    "placement_allocation",
)


@pytest.mark.sqlite
def test_no_large_table_is_read_row_by_row() -> None:
    """Item 7: each statement of a scrape is answered by an index, or reads a small table."""
    with CaptureQueriesContext(connection) as seen:
        list(rows.collect())
    plans = []
    with connection.cursor() as cursor:
        for query in seen.captured_queries:
            if query["sql"].startswith("SELECT") and connection.vendor == "sqlite":
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                plans += [row[3] for row in cursor.fetchall()]
    assert plans
    for plan in plans:
        if any(f"{table}" in plan.split() for table in _LARGE):
            assert "INDEX" in plan, plan


@pytest.mark.slow
def test_a_scrape_of_30000_servers_and_1000_hosts_is_cheap(record_property: Any) -> None:
    """Item 7: the processor time of what the database is asked for, and of the text, beside one answer of 100 servers."""
    Server.objects.bulk_create([Server(name=f"s{n}", project_id="p", user_id="u", vm_state="active") for n in range(30_000)], batch_size=500)  # fmt: skip
    Host.objects.bulk_create([Host(name=f"h{n}", number=n + 1, state="up") for n in range(100)])
    for n in range(100):
        figures.note(
            f"h{n}", {"jobs": {"quick": 1}, "reports": 0, "parked": 0, "deaths": 0, "disk_free": 1, "disk_size": 2}
        )
    list(rows.collect())
    begun = time.process_time()
    for _ in range(10):
        list(rows.collect())
    seconds = (time.process_time() - begun) / 10
    record_property("seconds", seconds)
    print(f"rows of a scrape with 30,000 servers: {seconds * 1000:.1f} ms")
    assert seconds < 0.05
