"""The fake host is a full citizen: states, facts, refusals, repeats."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hostagent.contract.network import piece_hash
from hostagent.contract.server import SERVER_RESUME, SERVER_UNPAUSE
from hostagent.contract.states import POWER
from hostagent.contract.verb import AnyVerb
from hostagent.drivers.storage.fake import empty_qcow2

IMAGE = {"id": "i", "checksum": "a" * 128, "size": 1000, "disk_format": "qcow2", "path": "/internal/images/i"}


def boot(desk: Any, spec: dict[str, Any]) -> None:
    desk.order("disk.ensure", {"server_id": spec["server_id"], "image": IMAGE, "size_gib": 1})
    assert desk.order("server.ensure", spec)["body"]["state"] == "running"


def test_a_booted_guest_tells_its_address_and_login(desk: Any, spec: dict[str, Any]) -> None:
    port = spec["ports"][0]["port_id"]
    body = {"id": port, "ips": ["10.0.0.5"]}
    desk.order(
        "network.apply",
        {"full": False, "remove": [], "pieces": {f"port:{port}": {"hash": piece_hash(body), "body": body}}},
    )
    boot(desk, spec)
    lease = desk.until(lambda r: r["kind"] == "event" and r["body"]["event"] == "lease")["body"]
    assert (lease["port_id"], lease["ip"], lease["mac"]) == (port, "10.0.0.5", "fa:16:3e:00:00:01")
    assert desk.until(lambda r: r["body"].get("event") == "login")["body"]["server_id"] == spec["server_id"]


def test_repeating_an_ensure_boots_nothing_twice(desk: Any, spec: dict[str, Any]) -> None:
    boot(desk, spec)
    desk.until(lambda r: r["body"].get("event") == "login")
    boot(desk, spec)
    desk.order("host.read", {})
    assert sum(r["body"].get("event") == "login" for r in desk.reports) == 1


def test_guests_survive_their_agent(make_desk: Any, spec: dict[str, Any]) -> None:
    first = make_desk()
    boot(first, spec)
    first.close()
    second = make_desk()
    facts = second.order("host.read", {})["body"]
    assert facts["servers"] == {spec["server_id"]: "running"}
    assert facts["disks"] == [spec["server_id"]]


@pytest.mark.parametrize("verb", [verb for verb in POWER if verb is not SERVER_RESUME], ids=lambda verb: verb.name)
def test_a_power_verb_may_be_repeated(desk: Any, spec: dict[str, Any], verb: AnyVerb) -> None:
    boot(desk, spec)
    body = {"server_id": spec["server_id"], "timeout": 1, "hard": True}
    if verb is SERVER_UNPAUSE:
        desk.order("server.pause", body)
    assert [desk.order(verb.name, body)["body"]["state"] for _ in range(2)] == [POWER[verb][1]] * 2


def test_a_verb_of_a_server_that_is_not_there_says_so(desk: Any) -> None:
    assert desk.order("server.pause", {"server_id": "nobody"})["body"] == {
        "code": "not_found",
        "data": {"what": "server", "id": "nobody"},
    }


def test_removing_what_is_not_there_is_success(desk: Any) -> None:
    assert desk.order("server.remove", {"server_id": "nobody"})["kind"] == "done"
    assert desk.order("disk.remove", {"server_id": "nobody"})["kind"] == "done"


def test_a_disk_larger_than_the_host_is_refused_with_both_numbers(desk: Any) -> None:
    failure = desk.order("disk.ensure", {"server_id": "s", "image": None, "size_gib": 10**6})["body"]
    assert failure["code"] == "no_space"
    assert failure["data"]["need"] > failure["data"]["have"]


def test_nothing_is_left_of_a_removed_server(desk: Any, spec: dict[str, Any]) -> None:
    boot(desk, spec)
    desk.order("server.remove", {"server_id": spec["server_id"]})
    desk.order("disk.remove", {"server_id": spec["server_id"]})
    facts = desk.order("host.read", {})["body"]
    assert (facts["servers"], facts["disks"]) == ({}, [])


def sizes(desk: Any, server_id: str) -> tuple[int | None, int | None]:
    return desk.host.storage.sizes.get(server_id), desk.host.storage.kept.get(server_id)


def resize(desk: Any, server_id: str, size_gib: int) -> Any:
    return desk.order("disk.resize", {"server_id": server_id, "size_gib": size_gib})


@pytest.mark.parametrize(("kept", "after"), [("back", (1, None)), ("gone", (3, None))])
def test_a_grown_disk_stays_or_goes_back_as_with_real_files(
    desk: Any, spec: dict[str, Any], kept: str, after: tuple[int | None, int | None]
) -> None:
    end = {"server_id": spec["server_id"], "image": None, "size_gib": 7, "kept": kept}
    assert desk.order("disk.ensure", end)["kind"] == "done"
    assert sizes(desk, spec["server_id"]) == (None, None), "it makes no disk"
    boot(desk, spec)
    desk.order("server.remove", spec)
    for size in (2, 3, 3):
        resize(desk, spec["server_id"], size)
    assert sizes(desk, spec["server_id"]) == (3, 1), "what is kept is the oldest"
    for _ in range(2):
        assert desk.order("disk.ensure", end)["kind"] == "done"
        assert sizes(desk, spec["server_id"]) == after


def test_no_other_disk_is_put_under_a_machine(desk: Any, spec: dict[str, Any]) -> None:
    boot(desk, spec)
    resize(desk, spec["server_id"], 2)
    end = {"server_id": spec["server_id"], "image": None, "size_gib": 1, "kept": "back"}
    assert desk.order("disk.ensure", end)["body"]["code"] == "hypervisor_refused"
    assert sizes(desk, spec["server_id"]) == (2, 1)


def test_what_is_kept_is_set_aside_and_comes_back_with_its_disk(desk: Any, spec: dict[str, Any]) -> None:
    boot(desk, spec)
    resize(desk, spec["server_id"], 2)
    note = desk.order("setaside.put", {"server_id": spec["server_id"], "why": "?"})["body"]
    assert sizes(desk, spec["server_id"]) == (None, None)
    desk.order("setaside.back", {"server_id": spec["server_id"], "id": note["id"]})
    assert sizes(desk, spec["server_id"]) == (2, 1)


@pytest.mark.process
@pytest.mark.parametrize("size", [2**20, 2**30, 3 * 2**30 + 512])
def test_an_empty_disk_is_one_to_qemu(tmp_path: Path, size: int) -> None:
    path = tmp_path / "disk.qcow2"
    path.write_bytes(empty_qcow2(size))
    subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", str(path)], check=True)
    seen = subprocess.run(["qemu-img", "info", "--output=json", str(path)], check=True, capture_output=True).stdout
    info = json.loads(seen)
    assert (info["format"], info["virtual-size"]) == ("qcow2", size)
