"""A5: each guest's AppArmor profile in a kernel that enforces it, without a control plane: minutes less than test_confinement.py."""

import json

import pytest

from tests.machines import seed
from tests.machines.lab import Lab
from tests.machines.machine import Disk, Shape

pytestmark = [pytest.mark.slow, pytest.mark.machine, pytest.mark.timeout(7200)]

_CLONE = f"""\
set -e
git clone --quiet /root/stackling.bundle {seed.PLACE}
mkdir -p /mnt/seed {seed.PLACE}/.venv
mount /dev/disk/by-id/virtio-seed /mnt/seed && mount --bind /mnt/seed/venv {seed.PLACE}/.venv
cd {seed.PLACE} && .venv/bin/python -m tests.machines.profiles_inside
"""


def test_a_guests_profile_holds_whatever_modes_say(lab: Lab) -> None:
    """A process in a guest's profile, as root, reads its own disk and the image below, and no other guest's with mode 0666;
    a disk is let in before it is plugged; one whose header names another guest's is refused; profiles go with their guests."""
    shape = Shape(memory=1024, disks={"seed": Disk(base=seed.ready())}, apparmor=True)
    machine = lab.machine(1, shape)
    seed.bundle(lab.folder / "stackling.bundle")
    machine.power_on()
    machine.put(lab.folder / "stackling.bundle", "/root/stackling.bundle")
    found = json.loads(machine.ask("bash -s", text=_CLONE, seconds=3600).splitlines()[-1])
    lab.retire(1)

    assert found["reason"] == ""
    assert found["libvirtd"] == "libvirtd (enforce)"
    names = [f"libvirt-11111111-2222-4333-8444-55555555555{number}" for number in (1, 2)]
    assert found["labels"] == [f"{name} (enforce)" for name in names]
    own, image, other, shadow = found["reads"].values()
    assert (own, image, other, shadow) == (True, True, False, False), found["reads"]
    assert "denied" in found["plugged"]["before"] and found["plugged"]["after"] == ""
    assert "no image of this host" in found["foreign"]
    assert found["left"] == []
