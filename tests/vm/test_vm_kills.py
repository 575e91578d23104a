"""kill -9 on the way to a real guest, at three steps: it ends ACTIVE and is one guest with one disk."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.live import LiveCloud
from tests.rest import Rest, until
from tests.trouble.conftest import Troubled

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = [
    ("agent-host1", "host.create_disk"),
    ("agent-host1", "host.start_domain"),
    ("control", "server.boot.wire_network"),
]


@pytest.fixture(scope="module")
def troubled() -> Iterator[Troubled]:
    cloud = LiveCloud(hosts=1, STACKLING_TESTING="1")
    cloud.environment["STACKLING_FAULT"] = f"@{cloud.data.parent}/fault"
    with cloud:
        yield Troubled(cloud)


@pytest.mark.parametrize(("program", "step"), KILLS, ids=[step for _, step in KILLS])
def test_a_boot_survives(troubled: Troubled, program: str, step: str) -> None:
    rest = Rest(troubled.cloud)
    before = troubled.pid(program)
    troubled.fault(f"{step}:kill:once")
    server_id = rest.boot(step)
    rest.until(server_id, "ACTIVE", seconds=60)
    troubled.fault("")
    assert troubled.pid(program) != before, f"{program} was killed"
    assert guests(server_id) == 1
    rest.delete(server_id)
    assert guests(server_id) == 0
    clean = lambda: troubled.cloud.manage("doctor", "--json", check=False).returncode == 0  # noqa: E731
    until(clean, 40, "doctor finds nothing")


def guests(server_id: str) -> int:
    """How many QEMU processes run this server."""
    found = subprocess.run(["pgrep", "-fc", f"qemu-system.*{server_id}"], capture_output=True, text=True)
    return int(found.stdout)
