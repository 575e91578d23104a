"""The product on a lab machine, as docs/howto/run-on-a-real-machine.md puts it on a real one, asked from outside."""

import hashlib
import http.client
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.machines import guest, seed
from tests.machines.image import CACHE
from tests.machines.lab import Lab
from tests.machines.machine import Disk, Machine, MachineError, Shape
from tests.rest import COMPUTE, IMAGE, Rest

DATA = "/var/lib/stackling"
PORT = 8000
#: From power on to an answer: 150 s alone on two processors, 245 s with others beside, and far more where twenty want them.
READY_SECONDS = 3600.0
SHAPE = Shape(memory=4096, disks={"data": Disk("16G")}, apparmor=True, code_cache=512)
_CLONE = f"""\
set -e
git clone --quiet /root/stackling.bundle {seed.PLACE}
mkfs.ext4 -q -E nodiscard /dev/disk/by-id/virtio-data
mkdir -p /mnt/seed {DATA} {seed.PLACE}/.venv {seed.PLACE}/static/vendor
cat >> /etc/fstab <<X
/dev/disk/by-id/virtio-data {DATA} ext4 noatime 0 2
/dev/disk/by-id/virtio-seed /mnt/seed ext4 noatime 0 2
/mnt/seed/venv {seed.PLACE}/.venv none bind 0 0
/mnt/seed/vendor {seed.PLACE}/static/vendor none bind 0 0
X
systemctl daemon-reload && mount -a
mkdir -p {DATA}/cache && cp -a /mnt/seed/demo {DATA}/cache/demo
cat > {seed.PLACE}/.env <<X
STACKLING_HOST_MODE=machine
STACKLING_DATA={DATA}
STACKLING_LISTEN=$1
STACKLING_INSECURE=1
X
cd {seed.PLACE} && make --silent systemd > /etc/systemd/system/stackling.service
systemctl daemon-reload && systemctl enable -q --now stackling
"""


class Product:
    """A cloud on a machine. Also what tests.rest.Rest wants of a cloud."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.port = PORT
        self._rests: dict[str, Rest] = {}
        self._passwords: dict[str, str] = {}

    def password(self, account: str) -> str:
        if not self._passwords:
            lines = self.machine.ask(f"cat {DATA}/passwords").splitlines()
            self._passwords = dict(line.split(": ", 1) for line in lines)
        return self._passwords[account]

    def rest(self, account: str = "demo") -> Rest:
        """A client over the lab's wires, signed in once."""
        return self._rests.setdefault(account, MachineRest(self, account))

    def is_ready(self) -> bool:
        """What /readyz says from outside."""
        try:
            return self.rest().ask("GET", "/readyz", token="", timeout=20).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Until the cloud answers and its host is heard. Raises: MachineError."""
        try:
            self.machine.until(self.is_ready, seconds, "the cloud is ready", every=1.0)
            self.machine.until(lambda: self.ready_file() != "", seconds, "the unit says that it is ready", every=1.0)
        except MachineError as error:
            said = self.machine.run("journalctl -b -u stackling --no-pager -n 60", check=False).stdout
            raise MachineError(f"{error}\n{said}") from error

    def ready_file(self) -> str:
        """The pids that this boot's start wrote, or "" while it has not; one from before a power cut does not count."""
        said = self.machine.run(f"cat {DATA}/ready; cat /proc/sys/kernel/random/boot_id >/dev/null", check=False).stdout
        try:
            pid = json.loads(said)["pids"]["run"]
        except ValueError:
            return ""
        return said if self.machine.run(f"grep -q cloud.run /proc/{pid}/cmdline", check=False).returncode == 0 else ""

    def openstack(self, *words: str) -> Any:
        """The `openstack` command, outside, as user demo; what it prints, read as JSON. Raises: AssertionError."""
        places = {"OS_AUTH_URL": f"http://{self.machine.address}:{PORT}/api/identity/v3", "OS_REGION_NAME": "RegionOne"}
        who = {"OS_USERNAME": "demo", "OS_PROJECT_NAME": "demo", "OS_PASSWORD": self.password("demo")}
        where = {"OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_IDENTITY_API_VERSION": "3"}
        line = self.machine.wires.enter(
            "env", *(f"{name}={value}" for name, value in (places | who | where).items()),
            str(Path(sys.executable).with_name("openstack")), *words, "-f", "json",
        )  # fmt: skip
        done = subprocess.run(line, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"openstack {' '.join(words)}: {done.stderr[-2000:]}"
        return json.loads(done.stdout)

    def console(self, server_id: str) -> str:
        """What the guest wrote to its serial port."""
        said = self.rest().ok(
            "POST", f"{COMPUTE}/servers/{server_id}/action", {"os-getConsoleOutput": {"length": None}}
        )
        return str(said["output"])

    def boots(self, server_id: str) -> int:
        """How often a guest of the image `counter` has begun, by the number on its own disk."""
        said = self.console(server_id).rpartition(guest.SAYS.decode())[2].strip()
        return int(said) if said.isdigit() else 0

    def manage(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A manage.py command in the machine."""
        return self.machine.run(
            f"cd {seed.PLACE} && set -a && . ./.env && .venv/bin/python manage.py {' '.join(words)}", check=check
        )


class MachineRest(Rest):
    """Asks a product over the lab's wires."""

    def __init__(self, product: Product, account: str) -> None:
        super().__init__(product, account)  # type: ignore[arg-type]
        self.product = product

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        machine = self.product.machine
        link = http.client.HTTPConnection(machine.address, PORT, timeout=timeout)
        link.sock = machine.wires.connect((machine.address, PORT), timeout)
        return link


def key(lab: Lab) -> str:
    """Sixteen hex digits that change with what a saved cloud is made of, the last commit among it."""
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
    parts = (lab.parts.name, str(seed.ready()), seed.commit(), version, repr(SHAPE), _CLONE)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def shape() -> Shape:
    return replace(SHAPE, disks=SHAPE.disks | {"seed": Disk(base=seed.ready())})


def restored(lab: Lab) -> Product:
    """A cloud on m1 that is ready. The first of this commit is installed and saved: four minutes and more."""
    saved = CACHE / f"product-{key(lab)}"
    if not saved.exists():
        for old in CACHE.glob("product-*"):  # of another commit: each takes two gigabytes
            shutil.rmtree(old)
        scratch = lab.folder / "product"
        scratch.mkdir()
        product = install(lab, scratch / "memory")
        with lab.timed("product: save"):
            product.machine.save(scratch)
        scratch.rename(saved)
    product = Product(lab.restored(1, shape(), saved))
    with lab.timed("product: restored to ready"):
        product.wait_ready()
    return product


def install(lab: Lab, memory_file: Path | None = None) -> Product:
    """`git clone`, `make systemd`, enable, wait; then the image `counter` (guest.py), for all."""
    seed.bundle(lab.folder / "stackling.bundle")
    machine = lab.machine(1, shape())
    with lab.timed("product: power on to ssh"):
        machine.power_on(memory_file=memory_file)
    machine.put(lab.folder / "stackling.bundle", "/root/stackling.bundle")
    product = Product(machine)
    with lab.timed("product: clone, venv, unit"):
        machine.run(f"bash -s {machine.address}", text=_CLONE, seconds=900)
    with lab.timed("product: first start to ready"):
        product.wait_ready()
    admin = product.rest("admin")
    values = {"name": "counter", "visibility": "public", "disk_format": "raw", "container_format": "bare"}
    made = admin.ok("POST", f"{IMAGE}/images", values)
    stream = {"Content-Type": "application/octet-stream"}
    admin.ok("PUT", f"{IMAGE}/images/{made['id']}/file", guest.image(), **stream)
    return product
