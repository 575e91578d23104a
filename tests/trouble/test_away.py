"""Control is away, or hears nobody, while its hosts live: nothing moves."""

import os
import signal
import time
from typing import Any

import pytest

from tests.rest import COMPUTE, Rest, until
from tests.trouble.conftest import Troubled
from tests.trouble.test_processes import service_state

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(300)]

NETWORK = "/api/network/v2.0"
AWAY = 60  # seconds


def carriers(admin: Rest) -> dict[str, Any]:
    """Which host carries each router's and each network's part."""
    found: dict[str, Any] = {}
    for router in admin.ok("GET", f"{NETWORK}/routers")["routers"]:
        agents = admin.ok("GET", f"{NETWORK}/routers/{router['id']}/l3-agents")["agents"]
        found[router["id"]] = [agent["host"] for agent in agents]
    for network in admin.ok("GET", f"{NETWORK}/networks")["networks"]:
        agents = admin.ok("GET", f"{NETWORK}/networks/{network['id']}/dhcp-agents")["agents"]
        found[network["id"]] = [agent["host"] for agent in agents]
    return found


def hosts_of(admin: Rest) -> list[str]:
    rows = admin.ok("GET", f"{COMPUTE}/os-services?binary=nova-compute")["services"]
    return [row["host"] for row in rows]


@pytest.mark.parametrize("program", ["control", "redis"])
def test_a_process_stopped_for_a_minute_moves_no_router(troubled: Troubled, rest: Rest, program: str) -> None:
    """B4: SIGSTOP of control, or of the broker, with two hosts; all are back within 30 s."""
    admin = Rest(troubled.cloud, "admin")
    made = [admin.ok("POST", f"{NETWORK}/routers", {"router": {"name": f"away{n}"}}) for n in range(4)]
    before = carriers(admin)
    assert len({tuple(on) for on in before.values()}) > 1, "both hosts carry something"
    pid = troubled.pid(program)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(AWAY)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: {service_state(admin, host) for host in hosts_of(admin)} == {"up"}, 30, "all hosts are up")
    time.sleep(5)
    assert carriers(admin) == before
    server_id = rest.boot("after")
    rest.until(server_id, "ACTIVE", seconds=60)
    rest.delete(server_id)
    for answer in made:
        admin.ok("DELETE", f"{NETWORK}/routers/{answer['router']['id']}")
