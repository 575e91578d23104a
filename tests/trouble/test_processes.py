"""Any process is killed while servers boot; the broker is away; the database is locked; a host dies."""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.rest import COMPUTE, Rest, until
from tests.trouble.conftest import Troubled

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

PROGRAMS = ["redis", "agent-fake", *(pytest.param(name, marks=pytest.mark.slow) for name in ("web", "bytes", "nginx", "frontdoor", "sockets", "control", "consoles"))]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_process_is_killed_while_servers_boot(
    troubled: Troubled, rest: Rest, leaves_nothing: Callable[[str], None], program: str
) -> None:
    ids = [rest.boot(f"{program}-{n}") for n in range(3)]
    old = troubled.kill(program)
    for server_id in ids:
        rest.until(server_id, "ACTIVE", seconds=60)
    troubled.wait_restarted(program, old)
    troubled.wait_ready()
    for server_id in ids:
        leaves_nothing(server_id)


def test_without_a_broker_a_server_is_accepted_and_boots_later(
    troubled: Troubled, rest: Rest, leaves_nothing: Callable[[str], None]
) -> None:
    network = rest.named("/api/network/v2.0/networks", "networks", "private")
    rest.delete(rest.boot("warm"))  # everything that is loaded at the first request is
    troubled.supervisor.stopProcess("redis")
    try:
        body = {
            "name": "no-broker",
            "imageRef": rest.named("/api/image/v2/images", "images", "demo"),
            "flavorRef": rest.named(f"{COMPUTE}/flavors", "flavors", "tiny"),
            "networks": [{"uuid": network}],
        }
        answer = rest.ask("POST", f"{COMPUTE}/servers", {"server": body})
        assert answer.status == 202, answer.text
        assert answer.seconds < 1.0, "an API call waited for the broker"
        server_id = answer.json["server"]["id"]
        time.sleep(2)
        shown = rest.server(server_id)
        assert shown is not None and shown["status"] == "BUILD"
        ready = rest.ask("GET", "/readyz", token="")
        assert ready.status == 503 and ready.headers["retry-after"] and "broker" not in ready.text
        assert (
            "TimeoutError" in troubled.cloud.local("/readyz")[1]
            or "ConnectionError" in troubled.cloud.local("/readyz")[1]
        )
    finally:
        troubled.supervisor.startProcess("redis")
    rest.until(server_id, "ACTIVE", seconds=60)
    leaves_nothing(server_id)


def test_a_locked_database_costs_time_and_nothing_else(
    troubled: Troubled, rest: Rest, leaves_nothing: Callable[[str], None]
) -> None:
    """A writer holds SQLite for some seconds: reads answer, writes wait, no answer is a 500."""
    assert rest.token
    answers: list[int] = []
    made: list[str] = []

    def ask() -> None:
        made.append(rest.boot("locked"))

    with closing(sqlite3.connect(troubled.cloud.data / "database" / "db.sqlite3", isolation_level=None)) as link:
        link.execute("BEGIN IMMEDIATE")
        worker = threading.Thread(target=ask)
        worker.start()
        for _ in range(8):
            answers.append(rest.ask("GET", f"{COMPUTE}/servers/detail").status)
            time.sleep(0.5)
        link.execute("ROLLBACK")
    worker.join(30)
    assert set(answers) == {200}
    rest.until(made[0], "ACTIVE", seconds=60)
    leaves_nothing(made[0])


@pytest.mark.slow
def test_a_host_that_dies_is_unreachable_then_down_and_its_servers_say_so(
    troubled: Troubled, rest: Rest, leaves_nothing: Callable[[str], None]
) -> None:
    admin = Rest(troubled.cloud, "admin")
    server_id = rest.boot("lonely")
    host = admin.until(server_id, "ACTIVE")["OS-EXT-SRV-ATTR:host"]
    begin = time.monotonic()
    troubled.supervisor.stopProcess("agent-fake")
    try:
        until(lambda: service_state(admin, host) == "down", 32, "the compute service of the host is down")
        assert time.monotonic() - begin >= 15, "a short silence is no death"
        until(
            lambda: (rest.server(server_id) or {}).get("host_status", "DOWN") != "UP", 20, "the server's host is not up"
        )
        refused = rest.boot("nowhere")
        fault = rest.until(refused, "ERROR")["fault"]["message"]
        assert "No host" in fault or "No valid host" in fault
        rest.delete(refused)
    finally:
        troubled.supervisor.startProcess("agent-fake")
    until(lambda: service_state(admin, host) == "up", 30, "the host is back")
    rest.until(server_id, "ACTIVE")
    leaves_nothing(server_id)


def service_state(admin: Rest, host: str) -> str:
    (row,) = admin.ok("GET", f"{COMPUTE}/os-services?binary=nova-compute&host={host}")["services"]
    return str(row["state"])
