"""A cloud is lost under a real guest and comes back from its backup; a ping to the guest never stops (C4)."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveCloud
from tests.rest import Rest, until
from tests.trouble.test_older_database import findings
from tests.trouble.test_restore import lose, passphrase, statuses
from tests.vm.test_vm_walk import BOOT, Shell, float_ip, open_port

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(1500)]

EVERY = 0.2  # seconds between two pings
SILENCE = 3.0  # seconds without an answer that a busy machine may make of it, and no more


@pytest.fixture
def own_cloud() -> Iterator[LiveCloud]:
    with LiveCloud(hosts=1) as found:
        yield found


class Ping:
    """Pings an address from where floating IPs are reachable, until `end`."""

    def __init__(self, cloud: LiveCloud, address: str, said: Path) -> None:
        self._said = said  # a pipe that nobody reads would stop it after 800 answers
        line = ["ip", "netns", "exec", cloud.netns, "ping", "-D", "-n", "-i", str(EVERY), address]
        with said.open("w") as file:
            self._process = subprocess.Popen(line, stdout=file, stderr=subprocess.STDOUT)

    def end(self) -> tuple[int, float]:
        """(answers, the longest time without one in seconds)."""
        ended = time.time()
        self._process.terminate()
        self._process.wait(20)
        said = self._said.read_text()
        at = [float(moment) for moment in re.findall(r"^\[([\d.]+)\] \d+ bytes from", said, re.MULTILINE)]
        assert at, said[-600:]
        return len(at), max(late - early for early, late in zip(at, [*at[1:], ended], strict=True))


def test_a_guest_is_pinged_throughout_the_loss_and_the_return_of_its_cloud(
    own_cloud: LiveCloud, tmp_path: Path
) -> None:
    """C4: everything in STACKLING_DATA but hosts/ is deleted, then restored; then an older backup is put back."""
    cloud, (option, file) = own_cloud, passphrase(tmp_path)
    sealed, there, older = (option, file), str(tmp_path / "there"), str(tmp_path / "older")
    rest, shell = Rest(cloud), Shell(cloud, tmp_path)
    rest.ok(
        "POST", "/api/compute/v2.1/os-keypairs", {"keypair": {"name": "k", "public_key": shell.public}}, version="2.1"
    )
    group = open_port(rest, "restore")
    cloud.manage("cloud_backup", older, *sealed)
    one = rest.boot("one", key_name="k", security_groups=[{"name": "restore"}])
    rest.until(one, "ACTIVE", seconds=BOOT)
    _ip, address = float_ip(rest, one)
    shell.reach(address, 2 * BOOT)
    until(lambda: not findings(cloud), 120, "all is at rest")
    pid = qemu(one)
    cloud.manage("cloud_backup", there, *sealed, "--images", "whole")
    ping = Ping(cloud, address, tmp_path / "ping")
    time.sleep(2)

    lose(cloud)  # under the running cloud
    cloud.stop()
    lose(cloud)
    cloud.manage("cloud_restore", there, *sealed)
    cloud.start()
    until(lambda: not findings(cloud), 180, "rows and host agree, and nothing is asked")
    assert statuses(cloud) == {one: "ACTIVE"} and qemu(one) == pid
    assert shell.run(address, "hostname").stdout.strip() == "one"

    cloud.stop()  # now the one from before the guest was there
    cloud.manage("cloud_restore", older, *sealed, "--replace")
    cloud.start()
    until(lambda: any(f["kind"] == "question" for f in findings(cloud)), 180, "an operator is asked")
    assert [f["id"] for f in findings(cloud) if f["kind"] == "domain"] == [one] and qemu(one) == pid
    answers, silence = ping.end()
    assert answers > 10 and silence <= SILENCE, f"{answers} answers, {silence:.1f} s without one"

    cloud.manage("setaside", "adopt", "host1")
    until(lambda: statuses(cloud) == {one: "ACTIVE"}, 120, "it is known again")
    assert qemu(one) == pid
    assert group


def qemu(server_id: str) -> int:
    """The pid of the guest's QEMU."""
    for place in Path("/proc").iterdir():
        try:
            command = (place / "cmdline").read_bytes() if place.name.isdigit() else b""
        except OSError:
            continue
        if command.startswith((b"/usr/bin/qemu-system", b"qemu-system")) and server_id.encode() in command:
            return int(place.name)
    raise AssertionError(f"no QEMU runs {server_id}")
