"""kill -9 at every step of a boot and of a deletion: within 60 s the server is ACTIVE or gone, and nothing is left over."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.rest import COMPUTE, Rest
from tests.trouble.conftest import Troubled

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

BOOT = ("claim_host", "bind_ports", "create_disk", "wire_network", "start_domain", "mark_active")
DELETE = ("wait_turn", "remove_domain", "remove_disk", "release")
RESIZE = ("claim_more", "remove_domain", "change_flavor", "resize_disk", "wire_network", "start_domain", "mark_resized")
REVERT = ("remove_domain", "put_disk_back", "change_back", "wire_network", "start_domain", "mark_reverted")
CONFIRM = ("forget_disk", "confirm")
#: The steps that run in every `make test`; the others in `make test-slow`.
SHORT = {
    "server.boot.create_disk",
    "server.boot.mark_active",
    "server.delete.remove_domain",
    "server.revert_resize.put_disk_back",
}
LIMIT = 60.0


def steps(flow: str, names: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(f"{flow}.{name}", id=name, marks=() if f"{flow}.{name}" in SHORT else pytest.mark.slow)
        for name in names
    ]


def test_the_matrix_is_whole() -> None:
    from compute.servers.lifecycle import boot, deletion, resize

    whole = {boot.BOOT: BOOT, deletion.DELETE: DELETE, resize.RESIZE: RESIZE}
    whole |= {resize.REVERT_RESIZE: REVERT, resize.CONFIRM_RESIZE: CONFIRM}
    for flow, names in whole.items():
        assert tuple(step.name for step in flow.steps) == names


@pytest.mark.parametrize("step", steps("server.boot", BOOT))
def test_control_is_killed_in_a_boot(
    troubled: Troubled, rest: Rest, leaves_nothing: Callable[[str], None], step: str
) -> None:
    before = troubled.pid("control")
    troubled.fault(f"{step}:kill:once")
    server_id = rest.boot(step)
    server = rest.until(server_id, "ACTIVE", seconds=LIMIT)
    assert "fault" not in server
    assert troubled.pid("control") != before, "control was killed"
    leaves_nothing(server_id)


@pytest.mark.parametrize("step", steps("server.delete", DELETE))
def test_control_is_killed_in_a_deletion(
    troubled: Troubled, rest: Rest, leaves_nothing: Callable[[str], None], step: str
) -> None:
    server_id = rest.boot(step)
    rest.until(server_id, "ACTIVE")
    before = troubled.pid("control")
    troubled.fault(f"{step}:kill:once")
    rest.ok("DELETE", f"{COMPUTE}/servers/{server_id}")
    rest.until_gone(server_id, LIMIT)
    assert troubled.pid("control") != before, "control was killed"


@pytest.mark.parametrize(
    "step",
    [
        *steps("server.resize", RESIZE),
        *steps("server.revert_resize", REVERT),
        *steps("server.confirm_resize", CONFIRM),
    ],
)
def test_control_is_killed_in_a_resize_and_its_end(
    troubled: Troubled, rest: Rest, leaves_nothing: Callable[[str], None], step: str
) -> None:
    word = "confirmResize" if "confirm" in step else "revertResize"
    server_id = rest.boot(step.replace("_", "-"))
    rest.until(server_id, "ACTIVE")
    before = troubled.pid("control")
    troubled.fault(f"{step}:kill:once")
    rest.act(server_id, {"resize": {"flavorRef": "small"}})
    rest.until(server_id, "VERIFY_RESIZE", seconds=LIMIT)
    rest.act(server_id, {word: None})
    server = rest.until(server_id, "ACTIVE", seconds=LIMIT)
    assert server["flavor"]["original_name"] == ("small" if word == "confirmResize" else "tiny")
    assert troubled.pid("control") != before, "control was killed"
    leaves_nothing(server_id)


@pytest.mark.parametrize("step", ["create_disk", pytest.param("start_domain", marks=pytest.mark.slow)])
def test_the_agent_is_killed_in_a_boot(
    troubled: Troubled, rest: Rest, leaves_nothing: Callable[[str], None], step: str
) -> None:
    before = troubled.pid("agent-fake")
    troubled.fault(f"host.{step}:kill:once")
    server_id = rest.boot(f"agent-{step}")
    rest.until(server_id, "ACTIVE", seconds=LIMIT)
    assert troubled.pid("agent-fake") != before, "the agent was killed"
    leaves_nothing(server_id)


@pytest.mark.parametrize("step", [pytest.param(name, marks=pytest.mark.slow) for name in BOOT[:-1]])
def test_a_step_that_fails_is_an_error_with_its_sentence(
    troubled: Troubled, rest: Rest, leaves_nothing: Callable[[str], None], step: str
) -> None:
    troubled.fault(f"server.boot.{step}:fail")
    server_id = rest.boot(f"fails-{step}")
    server = rest.until(server_id, "ERROR")
    assert step in server["fault"]["message"]
    troubled.fault("")
    leaves_nothing(server_id)
