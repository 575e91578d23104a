"""C8's sibling: a guest is started while the QEMU that was killed still has its disk."""

from typing import Any

import libvirt
import pytest

from hostagent.drivers.hypervisor import libvirt_users

LOCKED = (
    "internal error: process exited while connecting to monitor: qemu-system-x86_64: -blockdev {…}: "
    'Failed to get "write" lock\nIs another process using the image [/disks/one/root.qcow2]?'
)


class Domain:
    """It refuses `times` starts with what libvirt says then."""

    def __init__(self, times: int, why: str) -> None:
        self.left, self.why, self.tries = times, why, 0

    def name(self) -> str:
        return "instance-one"

    def create(self) -> None:
        self.tries += 1
        if self.tries <= self.left:
            raise libvirt.libvirtError(self.why)


@pytest.fixture(autouse=True)
def moments(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only sleeping moves."""
    now = [0.0]
    monkeypatch.setattr(libvirt_users.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(libvirt_users.time, "sleep", lambda seconds: now.append(now.pop() + seconds))
    return now


def test_a_start_waits_until_the_disk_is_free() -> None:
    domain = Domain(5, LOCKED)
    libvirt_users._begin(domain)
    assert domain.tries == 6


@pytest.mark.parametrize(("times", "why", "tries"), [(10**6, LOCKED, 42), (1, "unsupported configuration", 1)])
def test_it_does_not_wait_for_ever_nor_for_anything_else(times: int, why: str, tries: int) -> None:
    domain: Any = Domain(times, why)
    with pytest.raises(libvirt.libvirtError):
        libvirt_users._begin(domain)
    assert domain.tries == pytest.approx(tries, abs=1)
