"""cgroups and AppArmor around guests, as a machine with systemd and Debian's kernel has them (A5)."""

import pytest

from tests.machines.product import DATA, Product
from tests.rest import COMPUTE

pytestmark = [pytest.mark.slow, pytest.mark.machine, pytest.mark.timeout(10800)]

#: Runs in the machine as the QEMU of guest 1 would: its profile and its user; then tries to read files.
_AS_GUEST = """
import os, sys
profile, *paths = sys.argv[1:]
with open("/proc/self/attr/apparmor/exec", "w") as file:
    file.write(f"exec {profile}")
os.execv("/bin/dd", ["dd", f"if={paths[0]}", "bs=512", "count=1", "of=/dev/null", "status=none"])
"""


#: Wants all of the first processor, in the cgroup that is its first argument, and says its pid in a file.
_BUSY = """
echo $$ > $1/cgroup.procs
taskset -cp 0 $$
echo $$ > $2
while :; do :; done
"""


@pytest.fixture
def guests(product: Product) -> tuple[str, str]:
    """Two guests that run, the second with twice the processors of the first."""
    rest = product.rest()
    double = {"flavor": {"id": "double", "name": "double", "ram": 128, "vcpus": 2, "disk": 1}}
    product.rest("admin").ok("POST", f"{COMPUTE}/flavors", double)
    found = []
    for name, flavor in (("one", "tiny"), ("two", "double")):
        server = rest.boot(name, image="counter", flavor=flavor)
        rest.until(server, "ACTIVE", seconds=300)
        found.append(server)
    return found[0], found[1]


def pid_of(product: Product, server: str) -> int:
    return int(product.machine.ask(f"pgrep -f '[q]emu-system.*uuid {server}'").split()[0])


def test_guests_have_profiles_and_shares(product: Product, guests: tuple[str, str]) -> None:
    """A guest's QEMU is held by its profile and by its cgroup; another guest's disk is out of reach whatever its mode."""
    machine, one = product.machine, guests[0]
    for server in guests:
        pid = pid_of(product, server)
        label = machine.ask(f"cat /proc/{pid}/attr/apparmor/current")
        assert label == f"libvirt-{server} (enforce)", machine.ask(
            "grep -a AppArmor /var/log/* ; journalctl -b | grep -i apparmor"
        )
        group = machine.ask(f"cat /proc/{pid}/cgroup").removeprefix("0::")
        assert group.endswith(f"/stackling.service/guests/{server}")
        assert machine.ask(f"cat /sys/fs/cgroup{group}/pids.max") == "1024"
        assert int(machine.ask(f"cat /sys/fs/cgroup{group}/memory.max")) > 2**30

    own, other = (machine.ask(f"find {DATA}/hosts/host1/disks/{server} -name root.qcow2") for server in guests)
    machine.run("cat > /root/as_guest.py", text=_AS_GUEST)
    as_one = f"python3 /root/as_guest.py libvirt-{one}"
    inside = f"nsenter --mount=$(ls -d /run/stackling/*/ns/host1/mnt) {as_one}"
    machine.run(f"{inside} {own}")  # root, in the guest's profile: its own disk opens
    before = machine.ask(f"stat -c '%a %u' {other}")
    machine.run(f"chmod 666 {other}; chmod 755 $(dirname {other}) $(dirname $(dirname {other}))")
    denied = machine.run(f"{inside} {other}", check=False)
    assert denied.returncode != 0 and "Permission denied" in denied.stderr, (denied, before)
    for path in (f"{DATA}/database/db.sqlite3", f"{DATA}/keys/secret", "/etc/shadow"):
        assert machine.run(f"{inside} {path}", check=False).returncode != 0, (
            f"{path} can be read from a guest's profile"
        )


def test_a_heavy_guest_leaves_others_their_share(product: Product, guests: tuple[str, str]) -> None:
    """Processor time by weight: two groups that want all of one processor get it as 1 : the ratio of their weights."""
    machine = product.machine
    groups = [
        f"/sys/fs/cgroup{machine.ask(f'cat /proc/{pid_of(product, server)}/cgroup').removeprefix('0::')}"
        for server in guests
    ]
    weights = [int(machine.ask(f"cat {group}/cpu.weight")) for group in groups]
    machine.run("cat > /root/busy.sh", text=_BUSY)
    for number, group in enumerate(groups):
        machine.run(f"sh /root/busy.sh {group} /root/busy{number} >/dev/null 2>&1 &")
    pids = [
        machine.until(lambda at=at: machine.ask(f"cat /root/busy{at}", check=False), 60, "it runs") for at in (0, 1)
    ]
    taken = "; ".join(f"cut -d' ' -f14 /proc/{pid}/stat" for pid in pids)  # ticks of the program itself
    first = list(map(int, machine.ask(taken).split()))
    machine.run("sleep 30")
    used = [now - then for now, then in zip(map(int, machine.ask(taken).split()), first, strict=True)]
    machine.run(f"kill {' '.join(pids)}")
    wanted = weights[1] / weights[0]
    assert wanted > 1.5, "a guest with twice the processors has more weight"
    assert wanted / 1.6 < used[1] / used[0] < wanted * 1.6, (weights, used)


def test_a_restart_of_the_unit_leaves_guests_alone(product: Product, guests: tuple[str, str]) -> None:
    """The unit is stopped and started with guests in its cgroup: systemd can put the new process there, guests run on."""
    machine, rest = product.machine, product.rest()
    before = [pid_of(product, server) for server in guests]
    machine.run("systemctl restart stackling")
    product.wait_ready()
    assert machine.ask("systemctl show -p NRestarts --value stackling") == "0"
    assert [pid_of(product, server) for server in guests] == before
    assert {rest.server(server)["status"] for server in guests} == {"ACTIVE"}
    third = rest.boot("third", image="counter")
    rest.until(third, "ACTIVE", seconds=300)
    group = machine.ask(f"cat /proc/{pid_of(product, third)}/cgroup")
    assert group.endswith(f"/guests/{third}"), group
    rest.delete(third, seconds=300)
    assert rest.ok("GET", f"{COMPUTE}/servers/detail")["servers"]
