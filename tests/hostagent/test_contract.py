"""The verb table: what stands on the wire stays readable, and nobody writes it a second time."""

import ast
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from hostagent.contract import VERBS
from hostagent.contract.failures import ANY, FAILURES

ROOT = Path(__file__).parents[2]
SERVER = ("server_id",)
VOLUME = ("backend", "volume_id")
SNAPSHOT = ("backend", "snapshot_id", "volume_id")
#: Verb → what its body must hold, as control and agents of 953748c and later have them. Copies come by the queue `bulk`.
WIRE = {
    "disk.ensure": ("image", "server_id", "size_gib"),
    "disk.remove": SERVER,
    "disk.resize": ("server_id", "size_gib"),
    "server.ensure": ("disks", "memory_mib", "name", "ports", "power", "server_id", "vcpus"),
    "server.remove": SERVER,
    "server.stop": ("server_id", "timeout"),
    "server.reboot": ("hard", "server_id"),
    "server.pause": SERVER,
    "server.unpause": SERVER,
    "server.suspend": SERVER,
    "server.resume": SERVER,
    "server.attach_port": ("port", "server_id"),
    "server.detach_port": ("port", "server_id"),
    "server.attach_disk": ("disk", "server_id"),
    "server.detach_disk": ("disk", "server_id"),
    "server.snapshot": ("image_id", "server_id", "upload_path"),
    "server.describe": ("server_ids",),
    "volume.ensure": ("backend", "size_gib", "volume_id"),
    "volume.remove": VOLUME,
    "volume.resize": ("backend", "size_gib", "volume_id"),
    "volume.send": ("backend", "disk_format", "image_id", "upload_path", "volume_id"),
    "snapshot.ensure": SNAPSHOT,
    "snapshot.remove": SNAPSHOT,
    "snapshot.restore": SNAPSHOT,
    "export.ensure": ("attachment_id", "backend", "clients", "password", "username", "volume_id"),
    "export.remove": VOLUME,
    "host.read": (),
    "host.recognise": ("cloud",),
    "network.apply": ("full", "pieces", "remove"),
    "port.probe": ("ip", "number", "port_id", "router_id"),
    "setaside.put": ("server_id", "why"),
    "setaside.list": (),
    "setaside.back": ("id", "server_id"),
    "setaside.drop": ("id",),
}
BULK = {
    "disk.ensure", "disk.resize", "server.suspend", "server.resume", "server.snapshot", "setaside.put", "volume.ensure",
    "volume.resize", "volume.send", "snapshot.ensure", "snapshot.remove", "snapshot.restore",
}  # fmt: skip
#: Places that are named as a verb is, and are none: flows, and files.
OTHERS = {
    "compute/servers/lifecycle/power.py",
    "compute/servers/lifecycle/snapshots.py",
    "hostagent/drivers/storage/file.py",
}


def test_what_agents_and_control_of_other_versions_say_is_still_understood() -> None:
    assert {name: tuple(sorted(verb.needs)) for name, verb in VERBS.items()} == WIRE
    assert {name for name, verb in VERBS.items() if verb.is_bulk} == BULK


@pytest.mark.process
def test_no_verb_is_written_twice() -> None:
    """Agent, tasks, drivers and control read the row."""
    tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found: Counter[str] = Counter()
    for name in tracked.splitlines():
        if name.startswith(("tests/", "bench/")) or name in OTHERS or not (ROOT / name).exists():
            continue
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.Constant) and node.value in VERBS:
                found[str(node.value)] += 1
    assert found == dict.fromkeys(WIRE, 1)


@pytest.mark.parametrize("name", WIRE)
def test_a_row_names_only_failures_that_there_are(name: str) -> None:
    verb = VERBS[name]
    assert set(verb.fails) <= set(FAILURES) and not ANY & set(verb.fails)
    assert verb.may_fail_with("internal") and all(map(verb.may_fail_with, verb.fails))
    assert len(set(verb.fails)) == len(verb.fails)


@pytest.mark.parametrize("name", ["export.ensure", "export.remove", "volume.remove"])
def test_what_ends_or_begins_daemons_may_say_that_they_do_not(name: str) -> None:
    """Else control would be told of an internal error, without the reason."""
    assert VERBS[name].may_fail_with("unreachable")


def test_each_failure_is_of_some_verb() -> None:
    assert set(FAILURES) == ANY.union(*(verb.fails for verb in VERBS.values()))


def test_orders_of_one_server_or_volume_are_in_one_lane_whatever_they_are_about() -> None:
    body = {"server_id": "s", "volume_id": "v", "id": "note", "router_id": "r"}
    queues = {name: verb.serial_queue_of(body) for name, verb in VERBS.items()}
    of_a_server = {name for name, needs in WIRE.items() if "server_id" in needs}
    assert {name for name, queue in queues.items() if queue == "server:s"} == of_a_server
    of_a_volume = {name for name, needs in WIRE.items() if "volume_id" in needs}
    assert {name for name, queue in queues.items() if queue == "volume:v"} == of_a_volume
    assert queues.pop("port.probe") == "router:r"  # one router's tries wait for each other, and for nothing else
    assert all(queues[name] == name for name in queues.keys() - of_a_server - of_a_volume)
