"""Builds the demo images from Debian packages: `python -m images.demo.build --out DIR`.

Makes demo.qcow2 and demo-alt.qcow2, which differ only in their labels and ids (so that one can rescue the other), and
demo-kernel with demo-initrd, which also boot on their own. Needs no root, no mount and no loop device.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from hostagent.process.durable import put_whole, write_whole
from images.demo import disk, packages
from images.demo.modules import Modules

HERE = Path(__file__).parent
FILES = HERE / "files"
NAMES = ("demo", "demo-alt")
PROGRAMS = ("apt-get", "dpkg", "mke2fs", "debugfs", "mkfs.vfat", "mcopy", "syslinux", "qemu-img")
NAMESPACE = uuid.UUID("8b5d2c34-6f0e-4d0b-9d8e-0f2f4a3f3c11")

#: programs of busybox that belong in /sbin; the rest goes to /bin
SBIN = frozenset(
    (
        "acpid",
        "getty",
        "halt",
        "ifconfig",
        "init",
        "insmod",
        "lsmod",
        "modprobe",
        "poweroff",
        "reboot",
        "rmmod",
        "route",
        "switch_root",
        "sysctl",
        "uevent",
        "udhcpc",
    )
)


@dataclass(frozen=True)
class Built:
    """Where the finished files are."""

    folder: Path

    @property
    def images(self) -> dict[str, Path]:
        return {name: self.folder / f"{name}.qcow2" for name in NAMES}

    @property
    def kernel(self) -> Path:
        return self.folder / "demo-kernel"

    @property
    def initrd(self) -> Path:
        return self.folder / "demo-initrd"


def build(out: Path) -> Built:
    """Builds into `out`, or finds there what the same inputs made before. Takes a few seconds.

    Raises: RuntimeError naming the program or package that is missing.
    """
    _require_programs()
    out.mkdir(parents=True, exist_ok=True)
    built = Built(out)
    stamp = out / "built.json"
    made = json.loads(stamp.read_text()) if stamp.exists() and all(p.exists() for p in _products(built)) else {}
    try:
        versions = packages.versions(packages.wanted())
        key = _key(versions)
        if made.get("key") == key:
            return built
        with tempfile.TemporaryDirectory(dir=out, prefix=".build-") as folder:
            _make(Path(folder), out, list(versions))
    except packages.NoPackages:
        if made.get("key") == _key(made.get("packages", {})):  # apt has no packages here: what this code made is right
            return built
        raise
    write_whole(stamp, json.dumps({"key": key, "packages": versions}, indent=1))
    return built


def cached(data: Path) -> Built | None:
    """Find the result of an earlier build in `data`/cache/demo, whatever its inputs were."""
    built = Built(data / "cache" / "demo")
    return built if all(path.exists() for path in _products(built)) else None


def _make(work: Path, out: Path, names: list[str]) -> None:
    trees = packages.fetch(names, work)
    kernel_tree = next(tree for name, tree in trees.items() if name.startswith("linux-image-"))
    (kernel,) = (kernel_tree / "boot").glob("vmlinuz-*")
    modules = Modules(kernel_tree)
    initrd = work / "initrd"
    initrd.write_bytes(_initrd(trees[packages.STATIC_BUSYBOX] / "bin/busybox", modules))
    root = work / "root"
    _root_tree(root, trees, modules)
    for name in NAMES:
        _image(name, work, out, root=root, kernel=kernel, initrd=initrd)
    _publish(kernel, out / "demo-kernel")
    _publish(initrd, out / "demo-initrd")


def _image(name: str, work: Path, out: Path, *, root: Path, kernel: Path, initrd: Path) -> None:
    ident = uuid.uuid5(NAMESPACE, name)
    signature = ident.int & 0xFFFFFFFF
    config = work / "syslinux.cfg"
    config.write_text((FILES / "syslinux.cfg").read_text().replace("@ROOT@", f"PARTUUID={signature:08x}-02"))
    disk.boot_filesystem(work / "boot.fat", kernel=kernel, initrd=initrd, config=config)
    disk.root_filesystem(root, work / "root.ext4", label=f"{name}-root", uuid=str(ident))
    disk.assemble(work / "disk.raw", boot=work / "boot.fat", root=work / "root.ext4", signature=signature)
    packages.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", "-o", "compat=1.1",
                  str(work / "disk.raw"), str(work / f"{name}.qcow2")])  # fmt: skip
    _publish(work / f"{name}.qcow2", out / f"{name}.qcow2")


def _root_tree(root: Path, trees: dict[str, Path], modules: Modules) -> None:
    """Lays out the guest's root: folders, Debian's files, busybox's links, our own files, kernel modules."""
    for folder in (
        "bin",
        "sbin",
        "usr/bin",
        "usr/sbin",
        "usr/lib",
        "lib",
        "lib64",
        "etc/dropbear",
        "home/demo",
        "root",
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for folder in ("dev", "proc", "sys", "run", "tmp", "mnt", "var/lib/cloud", "var/log", "var/lib/sudo"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "var/run").symlink_to("/run")
    wanted = {**packages.ROOT_FILES, **dict.fromkeys(packages.LIBRARIES, packages.LIBRARY_FILES)}
    for package, patterns in wanted.items():
        for pattern in patterns:
            for path in trees[package].glob(pattern):
                _copy(path, root / path.relative_to(trees[package]))
    for applet in packages.run([str(trees["busybox"] / "bin/busybox"), "--list"]).split():
        place = root / ("sbin" if applet in SBIN else "bin") / applet
        taken = any((root / folder / applet).exists() for folder in ("bin", "sbin", "usr/bin", "usr/sbin"))
        if not taken and applet != "busybox":
            place.symlink_to("/bin/busybox")
    shutil.copytree(FILES / "root", root, dirs_exist_ok=True)
    (root / "etc/mtab").symlink_to("/proc/mounts")
    modules.install(packages.ROOT_MODULES, root)
    _set_modes(root)


def _set_modes(root: Path) -> None:
    """Modes that a checkout does not keep."""
    (root / "tmp").chmod(0o1777)
    (root / "root").chmod(0o700)
    (root / "etc/shadow").chmod(0o600)
    (root / "etc/sudoers").chmod(0o440)
    for script in (*(root / "usr/lib/stackling").iterdir(), root / "etc/init.d/boot"):
        script.chmod(0o755)
    (root / "etc/acpi/PWRF/00000080").chmod(0o755)


def _initrd(busybox: Path, modules: Modules) -> bytes:
    """A compressed cpio archive (newc) with busybox, /init and the modules that lead to a disk."""
    first = modules.in_order(packages.INITRD_FIRST)
    second = [name for name in modules.in_order(packages.INITRD_SECOND) if name not in first]
    entries: list[tuple[str, int, bytes]] = [(name, 0o40755, b"") for name in ("bin", "modules")]
    entries.append(("bin/busybox", 0o100755, busybox.read_bytes()))
    entries.append(("init", 0o100755, (FILES / "initrd/init").read_bytes()))
    entries += [(f"modules/{name}.ko", 0o100644, modules.files[name].read_bytes()) for name in first + second]
    for stage, names in (("first", first), ("second", second)):
        entries.append((f"modules/{stage}", 0o100644, "".join(f"{name}.ko\n" for name in names).encode()))
    out = io.BytesIO()
    for number, (name, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], start=1):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        out.write(b"070701" + "".join(f"{field:08X}" for field in fields).encode() + name.encode() + b"\0")
        out.write(bytes(-out.tell() % 4) + content)
        out.write(bytes(-out.tell() % 4))
    return gzip.compress(out.getvalue(), mtime=0)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _publish(source: Path, target: Path) -> None:
    """Puts a finished file in its place at once, so that a reader never sees half of it."""
    temporary = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, temporary)
    put_whole(temporary, target)


def _products(built: Built) -> list[Path]:
    return [*built.images.values(), built.kernel, built.initrd]


def _key(versions: dict[str, str]) -> str:
    """A hash over everything that shapes the images."""
    digest = hashlib.sha256(json.dumps(versions, sort_keys=True).encode())
    for path in sorted(path for path in HERE.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        digest.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _require_programs() -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    os.environ["PATH"] = path
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if not disk.MBR_CODE.exists():
        missing.append(str(disk.MBR_CODE))
    if missing:
        raise RuntimeError(
            f"The demo image needs {', '.join(missing)}: "
            "apt-get install e2fsprogs dosfstools mtools syslinux qemu-utils"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data = Path(os.environ.get("STACKLING_DATA") or "var")
    parser.add_argument("--out", type=Path, default=data / "cache" / "demo", help="folder of the finished files")
    chosen = parser.parse_args()
    began = time.monotonic()
    try:
        built = build(chosen.out)
    except RuntimeError as failure:
        sys.exit(str(failure))
    for path in _products(built):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    print(f"{time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
