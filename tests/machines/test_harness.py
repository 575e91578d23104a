"""The lab machine itself: built, saved, restored, cut off, rebooted; and that no QEMU outlives its test."""

import os
import time
from pathlib import Path

import pytest

from tests.machines.lab import Lab
from tests.machines.machine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.machine, pytest.mark.timeout(1800)]


def qemus(lab: Lab) -> list[int]:
    """Processes in the lab's namespace that are QEMU."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(lab.folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def test_a_restored_machine_is_whole(machine: Machine, lab: Lab) -> None:
    assert machine.ask("systemctl is-system-running") == "running", machine.ask("systemctl --failed --no-pager")
    assert machine.ask("hostname") == "m1"
    assert abs(int(machine.ask("date +%s")) - time.time()) < 30, "the clock is the moment of saving's"
    disks = machine.ask("ls /dev/disk/by-id").split()
    assert {"virtio-root", "virtio-spare", "virtio-spare2"} <= set(disks)
    assert machine.ask("cat /sys/class/net/eth1/operstate /sys/class/net/eth0/operstate").split() == ["down", "up"]
    assert lab.seconds["m1: restore to ssh"] < lab.seconds["m1: power on to ssh"] / 2


def test_each_restore_begins_anew(machine: Machine, lab: Lab) -> None:
    machine.run("mkfs.ext4 -q /dev/disk/by-id/virtio-spare; echo kept > /root/mark; sync")
    again = lab.restored(1)
    assert "kept" not in again.ask("cat /root/mark", check=False)
    assert again.ask("blkid /dev/disk/by-id/virtio-spare", check=False) == ""
    assert len(qemus(lab)) == 1


def test_a_power_cut_takes_what_was_not_written(machine: Machine) -> None:
    """What was synced is there after the plug was pulled, what was not is gone; a reboot in order loses nothing."""
    before = machine.boot_id()
    machine.run("echo synced > /root/one; sync; sleep 6; echo lost > /root/two")  # 6 s: past ext4's own commit
    machine.power_off()
    machine.power_on()
    assert machine.boot_id() != before
    assert machine.ask("cat /root/one") == "synced"
    assert machine.ask("cat /root/two", check=False) == ""
    machine.run("echo kept > /root/three")
    machine.reboot()
    assert machine.ask("cat /root/three") == "kept"


def test_two_machines_see_each_other(machines: tuple[Machine, Machine]) -> None:
    """m1 and m2 have machine ids, MACs and disks of their own, and their second cards are on one wire."""
    one, two = machines
    for number, each in enumerate(machines, start=1):
        each.run(f"ip addr add 10.78.0.1{number}/24 dev eth1; ip link set eth1 up")
    one.run("ping -c 3 -i 0.3 -W 5 10.78.0.12")
    assert one.ask("cat /etc/machine-id /sys/class/net/eth1/address") != two.ask(
        "cat /etc/machine-id /sys/class/net/eth1/address"
    )
    two.power_off()
    assert one.run("ping -c 2 -i 0.3 -W 2 10.78.0.12", check=False).returncode != 0
