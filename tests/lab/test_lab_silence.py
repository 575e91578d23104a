"""Control and broker are away, and the host's routers: what goes on, and what is given up."""

import time

import pytest

from tests.lab.test_lab_agent import apply, change, told
from tests.lab.world import LabHost, World, eventually

pytestmark = pytest.mark.lab

FLOATING = "172.24.9.77"


def serve(world: World) -> LabHost:
    """host1 under a whole agent, with a guest that its floating address leads to."""
    host = world.hosts["host1"]
    host.stop_agent(kill=True)
    host.start_agent("tests.lab.whole_agent")
    world.rules = [world.rule("ingress", protocol="icmp"), world.rule("egress")]
    port = world.add_port("host1", "192.168.77.11")
    world.floating = [{"id": "f", "ip": FLOATING, "fixed_ip": "192.168.77.11"}]
    order(world, host)
    assert world.plug("host1", port).dhcp()
    assert eventually(lambda: world.reached_from_outside(FLOATING))
    return host


def order(world: World, host: LabHost) -> None:
    assert apply(host, **told(world))["failed"] == {}


def restart_machine(world: World, host: LabHost) -> None:
    """What is left of a router after one: nothing but what the agent has written down."""
    host.stop_agent(kill=True)
    router = f"qrouter-{world.router_id}"
    for pid in host.run("ip", "netns", "pids", router).stdout.split():
        host.run("kill", "-KILL", pid)
    host.run("ip", "netns", "del", router)
    assert eventually(lambda: not world.reached_from_outside(FLOATING))
    host.start_agent("tests.lab.whole_agent")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_in_a_cloud_of_one_a_floating_address_answers_throughout_with_broker_and_web_stopped(world: World) -> None:
    """Case 45, B4: after 25 s the only agent cut its own cloud off."""
    host = serve(world)
    host.ask("others", there_are=False)
    host.ask("broker", away=True)
    began, answers = time.monotonic(), []
    while time.monotonic() - began < 60:
        answers.append(world.reached_from_outside(FLOATING))
        time.sleep(1)
    assert len(answers) >= 20 and all(answers)
    host.ask("broker", away=False)
    assert world.reached_from_outside(FLOATING)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_where_others_could_take_it_a_silent_host_gives_its_floating_address_up_and_has_it_back(world: World) -> None:
    """B4, the other side: two hosts must not answer for one router."""
    host = serve(world)
    host.ask("others", there_are=True)
    host.ask("broker", away=True)
    assert eventually(lambda: not world.reached_from_outside(FLOATING), 45)
    host.ask("reports", kind="network", count=99, seconds=0)
    host.ask("broker", away=False)
    said = eventually(lambda: host.ask("reports", kind="network", seconds=1))
    router = f"router:{world.router_id}"
    assert router not in said[-1]["hashes"]
    assert change(host, {})["hashes"] == {router: ""}, "also where control did not hear that"
    order(world, host)
    assert eventually(lambda: world.reached_from_outside(FLOATING))


@pytest.mark.parametrize("others", [True, False])
def test_after_a_machines_restart_an_old_gateway_comes_up_when_control_was_asked(world: World, others: bool) -> None:
    """C7: it came up at once, though control had given it to another host. In a cloud of one nobody could have it."""
    host = serve(world)
    host.ask("others", there_are=others)
    restart_machine(world, host)
    [said] = host.ask("reports", kind="network")
    assert (f"router:{world.router_id}" in said["hashes"]) is not others
    assert eventually(lambda: world.reached_from_outside(FLOATING), 0 if others else 60) is not others
    order(world, host)
    assert eventually(lambda: world.reached_from_outside(FLOATING))
