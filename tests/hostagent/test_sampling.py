"""Samples of an agent: numbered, on the same seconds, kept while nobody takes them; and what the kernel's files say."""

import os
from pathlib import Path
from typing import Any

import pytest

from hostagent.agent.sampling import EARLIEST, LATEST, MOST, Sampling
from hostagent.contract.network import tap_name
from hostagent.contract.samples import SAMPLE_EVERY, SAMPLES_KEPT
from hostagent.machine import load

PORT = "12345678-9abc-4def-8000-000000000000"
NET = f"""\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 9999999    9999    0    0    0     0          0         0  9999999    9999    0    0    0     0       0          0
  eth0:    1000      10    0    0    0     0          0         0     2000      20    0    0    0     0       0          0
{tap_name(PORT)}:     300       3    0    1    0     0          0         0      400       4    0    2    0     0       0          0
brq0: 7 7 0 0 0 0 0 0 7 7 0 0 0 0 0 0
"""


class Clock:
    moment = 1_800_000_000.0

    def now(self) -> float:
        return self.moment


class Reporter:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def report(self, kind: str, body: Any) -> None:
        assert kind == "stats"
        self.sent.append(body)


def sampling(folder: Path, clock: Clock, reporter: Reporter, name: str = "host1") -> Sampling:
    return Sampling(folder, name, clock, reporter, lambda: ({"cpus": 2}, {}, {}))  # type: ignore[arg-type, return-value]


def test_samples_are_numbered_and_each_ten_seconds_have_one(tmp_path: Path) -> None:
    clock, reporter = Clock(), Reporter()
    one = sampling(tmp_path, clock, reporter)
    for _ in range(50):
        clock.moment += one.wait() + 0.05  # a timer is late, never early
        one.take(is_away=False)
    assert [body["number"] for body in reporter.sent] == list(range(1, 51))
    slots = [int(body["at"] // SAMPLE_EVERY) for body in reporter.sent]
    assert slots == list(range(slots[0], slots[0] + 50))
    assert all(EARLIEST <= body["at"] % SAMPLE_EVERY <= LATEST + 0.1 for body in reporter.sent)


def test_hosts_sample_at_different_moments(tmp_path: Path) -> None:
    waits = {round(sampling(tmp_path, Clock(), Reporter(), f"host{n}").wait(), 2) for n in range(50)}
    assert len(waits) > 30


def test_what_cannot_be_sent_waits_an_hour_also_over_a_restart(tmp_path: Path) -> None:
    clock, reporter = Clock(), Reporter()
    one = sampling(tmp_path, clock, reporter)
    for _ in range(MOST + 20):
        clock.moment += 10
        one.take(is_away=True)
    assert reporter.sent == [] and len(list(tmp_path.iterdir())) == MOST
    next(tmp_path.iterdir()).write_text('{"cut')  # the machine lost its power over this one
    again = sampling(tmp_path, clock, reporter)
    clock.moment += 10
    again.take(is_away=False)
    ages = [clock.moment - body["at"] for body in reporter.sent]
    assert ages == sorted(ages, reverse=True) and max(ages) <= SAMPLES_KEPT
    assert len(reporter.sent) >= MOST - 2 and list(tmp_path.iterdir()) == []
    runs = {body["run"] for body in reporter.sent}
    assert len(runs) == 2 and len({(body["run"], body["number"]) for body in reporter.sent}) == len(reporter.sent)


def test_a_full_disk_costs_no_sample(tmp_path: Path) -> None:
    clock, reporter = Clock(), Reporter()
    (tmp_path / "taken").write_text("no folder")
    one = sampling(tmp_path / "taken", clock, reporter)
    one.take(is_away=True)
    clock.moment += 10
    one.take(is_away=False)
    assert [body["number"] for body in reporter.sent] == [1, 2]


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine's /proc with numbers that are easy to recognise."""
    (tmp_path / "thread-self" / "net").mkdir(parents=True)
    (tmp_path / "thread-self" / "net" / "dev").write_text(NET)
    (tmp_path / "stat").write_text(
        "cpu  100 0 50 900 40 1 2 7 60 0\ncpu0 1 0 0 0 0 0 0 0 0 0\ncpu1 1 0 0 0 0 0 0 0 0 0\nintr 5\n"
    )
    (tmp_path / "meminfo").write_text("MemTotal: 4194304 kB\nMemFree: 1 kB\nMemAvailable: 3145728 kB\n")
    disks = [
        "8 0 sda 1 0 10 0 1 0 20 0 0 0 0",
        "8 1 sda1 1 0 10 0 1 0 20 0 0 0 0",
        "259 0 nvme0n1 1 0 1 0 1 0 2 0 0 0 0",
    ]
    layers = [
        "253 0 dm-0 1 0 10 0 1 0 20 0 0 0 0",
        "7 0 loop0 1 0 10 0 1 0 20 0 0 0 0",
        "259 1 nvme0n1p1 1 0 1 0 1 0 2 0 0 0 0",
    ]
    (tmp_path / "diskstats").write_text("\n".join((*disks, *layers)) + "\n")
    return tmp_path


def test_a_port_is_told_in_its_guests_directions(proc: Path) -> None:
    """What a tap takes in is what the guest sent."""
    assert load.ports([PORT, "ffffffff-0000-4000-8000-000000000000"], proc) == {
        PORT: {"in_bytes": 400, "out_bytes": 300, "in_packets": 4, "out_packets": 3, "in_drops": 2, "out_drops": 1}
    }


def test_a_machine_counts_whole_disks_and_links_that_lead_out(proc: Path, tmp_path: Path) -> None:
    found = load.machine(tmp_path, proc)
    assert found["cpus"] == 2 and found["cpu_ns"] == 160 * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    assert (found["memory_mib"], found["memory_used_mib"]) == (4096, 1024)
    assert (found["disk_read_bytes"], found["disk_write_bytes"]) == (11 * 512, 22 * 512)
    assert (found["net_in_bytes"], found["net_out_bytes"]) == (1000, 2000)
    assert 0 < found["disk_used_bytes"] < found["disk_bytes"]


def test_this_machine_can_be_read(tmp_path: Path) -> None:
    found = load.machine(tmp_path)
    assert found["cpu_ns"] > 0 and found["cpus"] == os.cpu_count()
    assert 0 < found["memory_used_mib"] < found["memory_mib"]


def test_a_guest_whose_qemu_is_stuck_says_nothing_rather_than_0() -> None:
    pytest.importorskip("libvirt")
    from hostagent.drivers.hypervisor.libvirt_facts import sample

    whole = {
        "cpu.time": 5, "balloon.current": 131072, "balloon.usable": 65536, "block.count": 2, "net.count": 1,
        **{f"block.{n}.{name}": n + 1 for n in range(2) for name in ("rd.bytes", "wr.bytes", "rd.reqs", "wr.reqs")},
        "net.0.rx.bytes": 7, "net.0.tx.bytes": 8,
    }  # fmt: skip
    assert sample(whole) == {
        "cpu_ns": 5, "memory_used_mib": 64, "disk_read_bytes": 3, "disk_write_bytes": 3, "disk_read_requests": 3,
        "disk_write_requests": 3, "net_in_bytes": 7, "net_out_bytes": 8,
    }  # fmt: skip
    stuck = {name: value for name, value in whole.items() if name in ("cpu.time", "block.count", "net.count")}
    assert {name for name, value in sample(stuck).items() if value is not None} == {"cpu_ns"}
    assert sample({"block.count": 0, "net.count": 0})["disk_read_bytes"] == 0  # it has none
