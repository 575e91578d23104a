"""The plug pulled in each step of a server's boot: cloud and server are back, nothing half-made stays."""

import json
import subprocess
import time

import pytest

from tests.machines.machine import Machine
from tests.machines.product import DATA, Product
from tests.rest import COMPUTE

pytestmark = [pytest.mark.slow, pytest.mark.machine, pytest.mark.timeout(10800)]

STEPS = ("claim_host", "bind_ports", "create_disk", "wire_network", "start_domain", "mark_active")

#: Runs in the machine until the newest boot has begun the step that is its argument. What the database holds is on the disk.
_WATCH = f"""
import sqlite3, sys, time
link = sqlite3.connect("file:{DATA}/database/db.sqlite3?mode=ro", uri=True, timeout=30)
asks = '''SELECT count(*) FROM operations_operationstep s JOIN operations_operation o ON o.id = s.operation_id
          WHERE o.flow = 'server.boot' AND s.phase = 'do' AND s.name = ? '''
before = link.execute(asks, sys.argv[1:2]).fetchone()
print("watching", flush=True)
while link.execute(asks, sys.argv[1:2]).fetchone() == before:
    time.sleep(0.005)
print("begun", flush=True)
"""


def watcher(machine: Machine, step: str) -> subprocess.Popen[str]:
    """A process outside that prints `begun` when the step has begun inside."""
    machine.run("cat > /root/watch.py", text=_WATCH)
    found = machine.popen(f"python3 /root/watch.py {step}")
    assert found.stdout is not None
    assert found.stdout.readline().strip() == "watching"
    return found


@pytest.mark.parametrize("step", STEPS)
def test_a_power_cut_in_each_step_of_a_boot(product: Product, step: str) -> None:
    """After power on the server is ACTIVE, or ERROR with its reason; doctor finds nothing; another server boots."""
    machine, rest = product.machine, product.rest()
    watch = watcher(machine, step)
    server = rest.boot("cut", image="counter")
    assert watch.stdout is not None and watch.stdout.readline().strip() == "begun"
    machine.power_off()
    watch.wait(30)
    machine.power_on()
    product.wait_ready()

    found = rest.until(server, "ACTIVE", "ERROR", seconds=900)
    if found["status"] == "ERROR":
        assert found["fault"]["message"], found
        rest.delete(server, seconds=300)
    else:
        machine.until(lambda: product.boots(server) >= 1, 300, "the guest runs", every=3)
    assert left_after(product, 300) == []

    after = rest.boot("after", image="counter")
    rest.until(after, "ACTIVE", seconds=300)
    machine.until(lambda: product.boots(after) == 1, 300, "the new guest runs", every=3)
    for one in {server, after}:
        if rest.server(one):
            rest.delete(one, seconds=300)
    gone = [f"{DATA}/hosts/host1/disks/{one}" for one in (server, after)]
    assert machine.ask(f"ls -d {' '.join(gone)}", check=False) == "", "disks of deleted servers stay"
    assert rest.ok("GET", f"{COMPUTE}/servers")["servers"] == []


def left_after(product: Product, seconds: float) -> list[dict[str, str]]:
    """What doctor still finds after `seconds`; empty as soon as it finds nothing."""
    end = time.monotonic() + seconds
    while (found := findings(product)) and time.monotonic() < end:
        time.sleep(5)
    return found


def findings(product: Product) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(product.manage("doctor", "--json", check=False).stdout)["findings"]
    return found
