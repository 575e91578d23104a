"""Puts a disk together from files, without mounting anything and without being root."""

import os
import struct
from pathlib import Path

from images.demo.packages import run

SECTOR = 512
MIB = 1 << 20
BOOT_START = 1 * MIB
BOOT_SIZE = 24 * MIB
ROOT_SIZE = 88 * MIB
MBR_CODE = Path("/usr/lib/SYSLINUX/mbr.bin")

#: what belongs to somebody other than root: path → uid:gid
OWNERS = {"home/demo": 1000}
#: programs that run as root whoever starts them
SETUID = ("bin/ping", "usr/bin/sudo")


def root_filesystem(tree: Path, image: Path, *, label: str, uuid: str) -> None:
    """Writes an ext4 file system that holds `tree`, everything owned by root but for OWNERS."""
    image.unlink(missing_ok=True)
    features = "^metadata_csum_seed,^orphan_file"  # the guest's kernel is older than the newest mke2fs
    command = ["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-m", "0", "-L", label, "-U", uuid, "-O", features]
    command += ["-J", "size=4", "-E", "root_owner=0:0", "-d", str(tree), str(image), f"{ROOT_SIZE // MIB}M"]
    run(command)
    orders = []
    for path in sorted(tree.rglob("*")):
        inner = path.relative_to(tree).as_posix()
        owner = next((uid for top, uid in OWNERS.items() if inner == top or inner.startswith(f"{top}/")), 0)
        orders += [f"sif /{inner} {field} {owner}" for field in ("uid", "gid")]
        if inner in SETUID:
            orders.append(f"sif /{inner} mode 0104755")
    run(["debugfs", "-w", "-f", "-", str(image)], stdin="\n".join(orders).encode() + b"\n")


def boot_filesystem(image: Path, *, kernel: Path, initrd: Path, config: Path) -> None:
    """Writes a bootable FAT file system with syslinux, the kernel and its initrd."""
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(BOOT_SIZE)
    run(["mkfs.vfat", "-F", "16", "-n", "DEMOBOOT", "-h", str(BOOT_START // SECTOR), str(image)])
    for source, name in ((kernel, "vmlinuz"), (initrd, "initrd"), (config, "syslinux.cfg")):
        run(["mcopy", "-i", str(image), str(source), f"::{name}"])
    run(["syslinux", "--install", str(image)])


def assemble(disk: Path, *, boot: Path, root: Path, signature: int) -> None:
    """Writes the whole raw disk: partition table, boot partition, root partition last so that it can grow."""
    root_start = BOOT_START + BOOT_SIZE
    with disk.open("wb") as file:
        file.write(MBR_CODE.read_bytes()[:440].ljust(440, b"\0"))
        file.write(struct.pack("<IH", signature, 0))
        file.write(_entry(0x0E, BOOT_START, BOOT_SIZE, active=True))
        file.write(_entry(0x83, root_start, ROOT_SIZE))
        file.write(bytes(32) + b"\x55\xaa")
        for start, part in ((BOOT_START, boot), (root_start, root)):
            file.seek(start)
            file.write(part.read_bytes())
        file.truncate(root_start + ROOT_SIZE)
        os.fsync(file.fileno())


def _entry(kind: int, start: int, size: int, *, active: bool = False) -> bytes:
    """One entry of the partition table; addresses by cylinder are left at their "too far" value."""
    beyond = b"\xfe\xff\xff"
    return struct.pack("<B3sB3sII", 0x80 if active else 0, beyond, kind, beyond, start // SECTOR, size // SECTOR)
