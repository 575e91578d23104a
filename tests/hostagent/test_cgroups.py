"""Shares of guests, on a cgroup file system that is pretended: folders and files of the kernel's names."""

from pathlib import Path

import pytest

from hostagent.machine import cgroups
from hostagent.machine.cgroups import Shares

UNIT = "/system.slice/stackling.service"


def pretend(root: Path, *, controllers: str = "cpuset cpu io memory hugetlb pids", procs: str = "11\n12\n") -> Path:
    unit = root / UNIT.lstrip("/")
    unit.mkdir(parents=True)
    (unit / "cgroup.controllers").write_text(controllers)
    (unit / "cgroup.procs").write_text(procs)
    return unit


@pytest.fixture
def delegated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "is_delegated", lambda group: True)


def test_each_guest_gets_a_share_by_its_size(tmp_path: Path, delegated: None) -> None:
    """A5, fairness: processor and disk by weight, memory and tasks by ceiling; the cloud's own processes make room."""
    unit = pretend(tmp_path)
    found = Shares(tmp_path, UNIT)
    found.start()
    assert found.reason == ""
    assert (unit / "cloud" / "cgroup.procs").read_text() == "12", "the last of those moved"
    assert (unit / "cgroup.subtree_control").read_text() == "+cpu +io +memory +pids"
    assert (unit / "guests" / "cgroup.subtree_control").read_text() == "+cpu +io +memory +pids"
    found.place("s1", 4711, vcpus=4, memory_mib=2048)
    group = unit / "guests" / "s1"
    assert {path.name: path.read_text() for path in group.iterdir()} == {
        "cgroup.procs": "4711", "cpu.weight": "400", "io.weight": "400", "memory.max": str(5120 * 2**20),
        "memory.oom.group": "1", "pids.max": "1024",
    }  # fmt: skip
    assert cgroups.shares(500, 1)["cpu.weight"] == "10000", "the kernel takes no more"


@pytest.mark.parametrize(
    "case, said",
    [("none", "no cgroups of version 2"), ("few", "no controller io, memory"), ("foreign", "not delegated")],
)
def test_where_there_is_no_share_the_reason_is_said_and_nothing_touched(tmp_path: Path, case: str, said: str) -> None:
    unit = tmp_path / UNIT.lstrip("/")
    if case != "none":
        unit = pretend(tmp_path, controllers="cpu pids" if case == "few" else "cpu io memory pids")
    found = Shares(tmp_path, UNIT)
    found.start()
    assert said in found.reason
    found.place("s1", 4711, vcpus=1, memory_mib=64)
    found.forget("s1")
    assert not (unit / "guests").exists() and not (unit / "cloud").exists()


def test_a_guest_runs_on_where_its_share_cannot_be_made(
    tmp_path: Path, delegated: None, caplog: pytest.LogCaptureFixture
) -> None:
    unit = pretend(tmp_path)
    found = Shares(tmp_path, UNIT)
    found.start()
    (unit / "guests" / "s1").write_text("in the way")
    found.place("s1", 4711, vcpus=1, memory_mib=64)
    assert "s1 has no share of its own" in caplog.text


def test_a_stop_of_the_unit_lets_the_next_start_in(tmp_path: Path, delegated: None) -> None:
    """A5: with controllers on, systemd could put no process into the unit's group again: 219/CGROUP, for as long as a guest ran."""
    unit = pretend(tmp_path)
    Shares(tmp_path, UNIT).start()
    for place in (unit, unit / "guests"):
        (place / "cgroup.subtree_control").write_text("cpu io memory pids")  # as the kernel would show it
    cgroups.release(tmp_path, UNIT)
    for place in (unit, unit / "guests"):
        assert (place / "cgroup.subtree_control").read_text() == "-cpu -io -memory -pids"
    cgroups.release(tmp_path, "/no/such.service")  # a unit that never had guests
