"""D (scans): what runs for each boot, at each turn of the clock and for each list reads no large table whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from common.clock import now
from identity.revocation import services as revocation
from operations import broker_memory, periodic
from tests.compute.client import Client
from tests.compute.conftest import admin, host, image, launch, network, red, signed_in, token, world
from tests.simulated import Cloud

__all__ = ["admin", "host", "image", "launch", "network", "red", "signed_in", "token", "world"]
pytestmark = pytest.mark.usefixtures("sqlite_only")

#: Tables that have a row for each server, port, operation or report of a large cloud.
LARGE = (
    "compute_server", "compute_migration", "networking_port", "networking_fixedip", "networking_portgroup", "networking_hostpiece",
    "operations_operation", "operations_operationstep", "operations_hold", "placement_allocation", "placement_consumer",
    "identity_revocation", "identity_portalsession", "identity_changedfact", "audit_event",
)  # fmt: skip
#: Partial indexes that hold only what waits: going through one costs what is waiting, not what there is.
SMALL_INDEXES = frozenset({"network_piece_unready", "servers_busy"})


@pytest.fixture
def sqlite_only() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the plans are SQLite's")


@contextmanager
def asked() -> Iterator[dict[str, Any]]:
    """{statement: its parameters} of what runs within."""
    found: dict[str, Any] = {}

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.split(" ", 1)[0] in ("SELECT", "UPDATE", "DELETE") and not many:
            found.setdefault(sql, params)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def scans(statements: dict[str, Any]) -> list[str]:
    """Those that go through a large table from end to end."""
    found = []
    for sql, params in statements.items():
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + sql, params)
            plan = [row[-1] for row in cursor.fetchall()]
        # The first rows of a list in the order of an index; where it is narrowed by anything, all may have to be read.
        in_order = "LIMIT" in sql and "TEMP B-TREE" not in " ".join(plan) and " WHERE " not in sql
        for line in plan:
            words = line.split()
            if words[0] == "SCAN" and words[1] in LARGE and not (in_order and "USING" in line):
                if SMALL_INDEXES & set(words):
                    continue
                found.append(f"{line}: {sql[:400]}")
    return found


def test_a_boot_and_a_deletion(world: Cloud, red: Client, launch: Callable[..., str]) -> None:
    launch("first")
    with asked() as statements:
        server_id = launch()
        red.ok("delete", f"servers/{server_id}", status=204)
        world.settle()
    assert len(statements) > 50
    assert scans(statements) == []


def test_every_periodic_task(world: Cloud, launch: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_memory, "fullness", lambda: 0.0)  # asks the broker, not the database
    launch()
    with asked() as statements:
        for task in periodic._TASKS.values():
            task.run()
    assert len(statements) > 10
    assert scans(statements) == []


@pytest.mark.parametrize(
    "path",
    [
        "servers", "servers/detail", "servers/detail?status=ACTIVE", "servers?name=one", "servers/detail?limit=5", "limits", "os-keypairs",
        "os-server-groups",
    ],
)  # fmt: skip
def test_lists_of_a_project(launch: Callable[..., str], red: Client, path: str) -> None:
    launch()
    with asked() as statements:
        red.ok("get", path)
    assert scans(statements) == []


def test_a_token_that_is_revoked(world: Cloud) -> None:
    with asked() as statements:
        revocation.revoke(owner="someone", token_issued_at=now(), audit_id="one")
    assert any("owner" in sql for sql in statements)
    assert scans(statements) == []
