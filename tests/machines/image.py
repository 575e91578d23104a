"""The disk, kernel and initrd of a lab machine, made once from Debian's packages and kept by what they are made from.

    .pytest_cache/machines/image-<key>/   disk.qcow2  vmlinuz  initrd  key  key.pub

Three to six minutes the first time; .deb files are kept beside it, so that a change of the list costs less.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
CLONE = HERE.parents[1]
CACHE = CLONE / ".pytest_cache" / "machines"
LISTS = (CLONE / "requirements" / "debian.txt", CLONE / "requirements" / "debian-machine.txt")
RECIPE = (HERE / "image.py", HERE / "prepare-root.sh", HERE / "make-initrd.sh")
SUITE = "bookworm"
DISK_SIZE = "12G"
LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
#: ext4 features that this machine's mke2fs may set and the kernel of the suite does not know.
NO_FEATURES = "^orphan_file,^metadata_csum_seed"


class CannotMake(Exception):
    """The machine's disk cannot be made; the message says at what it failed."""


def packages() -> list[str]:
    """Names in the two lists."""
    lines = "\n".join(path.read_text() for path in LISTS).splitlines()
    return sorted({line.partition("#")[0].strip() for line in lines} - {""})


def key() -> str:
    """Sixteen hex digits that change with anything the image is made from."""
    found = hashlib.sha256("\n".join(packages()).encode())
    for path in RECIPE:
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def mirrors() -> list[str]:
    """`deb` lines of the Debian archives that this machine itself uses. Raises: CannotMake when apt knows none."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Identifier: Packages", "Origin: Debian"],
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    lines = [f"deb {line} main" for line in dict.fromkeys(said.split("\n")) if f" {SUITE}" in line]
    if not lines:
        raise CannotMake(f"apt on this machine has no package list of Debian {SUITE}: run `apt-get update` first")
    return lines


def _run(*command: str, log: Path) -> None:
    with log.open("ab") as out:
        status = subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL).returncode
    if status:
        raise CannotMake(f"{command[0]} failed ({status}):\n{log.read_text(errors='replace')[-3000:]}")


def _bootstrap(root: Path, log: Path) -> None:
    debs = CACHE / "debs"
    debs.mkdir(exist_ok=True)
    archives = '"$1"/var/cache/apt/archives'
    _run(
        "nice", "-n", "5", "mmdebstrap", "--mode=root", "--variant=minbase", "--aptopt=Apt::Install-Recommends false",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        f"--setup-hook=mkdir -p {archives} && cp -a {debs}/. {archives}/",
        "--skip=download/empty,essential/unlink,cleanup/apt/cache",
        f"--customize-hook=cp -a {archives}/*.deb {debs}/; rm -rf {archives}/*.deb",
        f"--include={','.join(packages())}", SUITE, str(root), *mirrors(), log=log,
    )  # fmt: skip


def _finish(root: Path, folder: Path, log: Path) -> None:
    """From a root file system to what QEMU starts."""
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(folder / "key"), log=log)
    _run(str(HERE / "prepare-root.sh"), str(root), str(folder / "key.pub"), log=log)
    version = sorted(path.name for path in (root / "lib/modules").iterdir() if "cloud" in path.name)[-1]
    shutil.copyfile(root / "boot" / f"vmlinuz-{version}", folder / "vmlinuz")
    _run(str(HERE / "make-initrd.sh"), str(root), version, str(folder / "initrd"), log=log)
    for path in (root / "boot").glob("initrd*"):
        path.unlink()
    raw = folder / "disk.raw"
    _run(
        "mke2fs", "-q", "-t", "ext4", "-b", "4096", "-L", "mroot", "-O", NO_FEATURES, "-m", "0",
        "-E", "root_owner=0:0,lazy_itable_init=1", "-d", str(root), str(raw), DISK_SIZE, log=log,
    )  # fmt: skip
    _run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(folder / "disk.qcow2"), log=log)
    raw.unlink()


def ready() -> Path:
    """The folder with a machine's parts, made now if it is not there. Raises: CannotMake."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / f"image-{key()}"
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        for old in CACHE.glob("image-*"):  # of another list: each takes a gigabyte
            shutil.rmtree(old)
        scratch = CACHE / f".making-{os.getpid()}"
        shutil.rmtree(scratch, ignore_errors=True)
        (scratch / "parts").mkdir(parents=True)
        try:
            _bootstrap(scratch / "root", scratch / "log")
            _finish(scratch / "root", scratch / "parts", scratch / "log")
            (scratch / "parts").rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder
