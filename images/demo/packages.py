"""Programs of the demo image from Debian's packages, by `apt-get download` and `dpkg -x`: nothing is installed."""

import re
import subprocess
from pathlib import Path

KERNEL_META = "linux-image-cloud-amd64"

#: package → the files of it that go into the guest's root (glob patterns relative to /)
ROOT_FILES: dict[str, tuple[str, ...]] = {
    "busybox": ("bin/busybox",),
    "curl": ("usr/bin/curl",),
    "dropbear-bin": ("usr/sbin/dropbear", "usr/bin/dropbearkey", "usr/bin/dbclient"),
    # scp at either end, and the server of sftp where dropbear looks for it; both need libc alone
    "openssh-client": ("usr/bin/scp",),
    "openssh-sftp-server": ("usr/lib/sftp-server", "usr/lib/openssh/sftp-server"),
    "sudo": ("usr/bin/sudo", "usr/libexec/sudo/libsudo_util.so*", "usr/libexec/sudo/sudoers.so"),
    "libpam-modules": ("lib/*/security/pam_permit.so", "lib/*/security/pam_rootok.so"),
    "util-linux": ("bin/lsblk", "bin/findmnt", "sbin/blkid", "sbin/mkfs", "usr/bin/partx"),
    "e2fsprogs": ("sbin/mke2fs", "sbin/mkfs.ext*", "sbin/resize2fs", "sbin/e2fsck", "sbin/fsck.ext*", "sbin/tune2fs"),
    "fdisk": ("sbin/sfdisk",),
    "iproute2": ("bin/ip",),
    "iputils-ping": ("bin/ping",),
    "libc6": (
        "lib64/ld-linux-x86-64.so.2",
        *(f"lib/*/{name}" for name in ("ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libresolv.so.2")),
    ),
}

#: packages of which every shared library goes in
LIBRARIES: tuple[str, ...] = (
    *("libaudit1", "libblkid1", "libbpf1", "libbsd0", "libcap-ng0", "libcap2", "libcom-err2", "libcrypt1", "libelf1"),
    *("libext2fs2", "libfdisk1", "libgmp10", "libidn2-0", "libmd0", "libmnl0", "libmount1", "libpam0g", "libpcre2-8-0"),
    *("libreadline8", "libselinux1", "libsmartcols1", "libtinfo6", "libtomcrypt1", "libtommath1", "libudev1"),
    *("libunistring2", "libuuid1", "libxtables12", "zlib1g"),
    # curl's: 16 MiB in the guest, 7 MiB in the image
    *("libbrotli1", "libcurl4", "libffi8", "libgnutls30", "libgssapi-krb5-2", "libhogweed6", "libk5crypto3"),
    *("libkeyutils1", "libkrb5-3", "libkrb5support0", "libldap-2.5-0", "libnettle8", "libnghttp2-14", "libp11-kit0"),
    *("libpsl5", "librtmp1", "libsasl2-2", "libssh2-1", "libssl3", "libtasn1-6", "libzstd1"),
)
LIBRARY_FILES = ("lib/*/lib*.so*", "usr/lib/*/lib*.so*")

#: the initrd's only program
STATIC_BUSYBOX = "busybox-static"

#: kernel modules the initrd loads: at once, and only when no root file system was found a moment later
INITRD_FIRST = ("virtio_pci", "virtio_blk")
INITRD_SECOND = ("virtio_scsi", "sd_mod", "ata_piix", "ata_generic")

#: kernel modules in the root, loaded by name (files/root/etc/modules) or when needed
ROOT_MODULES = (
    *("virtio_net", "virtio_rng", "virtio_balloon", "virtio_console", "virtio_scsi", "sd_mod", "sr_mod", "ata_piix"),
    *("button", "evdev", "isofs", "vfat", "nls_ascii", "nls_cp437", "nls_iso8859_1", "nls_utf8", "8021q"),
)


class NoPackages(RuntimeError):
    """apt does not know the packages, or cannot download them."""


def kernel_package() -> str:
    """Return the versioned package behind the kernel's meta package, such as linux-image-6.1.0-56-cloud-amd64."""
    try:
        shown = run(["apt-cache", "depends", "--no-recommends", KERNEL_META])
    except RuntimeError:
        shown = ""
    found = re.search(r"Depends: (linux-image-\S+)", shown)
    if found is None:
        raise NoPackages(f"apt knows no package {KERNEL_META}: run `apt-get update` first")
    return found.group(1)


def wanted() -> list[str]:
    return [kernel_package(), STATIC_BUSYBOX, *ROOT_FILES, *LIBRARIES]


def versions(names: list[str]) -> dict[str, str]:
    """Return the version apt would download of each package; part of the cache key. Raises: NoPackages."""
    shown = run(["apt-cache", "policy", *names])
    found = dict(re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: ([^\s(]\S*)$", shown, flags=re.M))
    missing = sorted(set(names) - set(found))
    if missing:
        raise NoPackages(f"apt has no candidate of {', '.join(missing)}: run `apt-get update` first")
    return found


def fetch(names: list[str], into: Path) -> dict[str, Path]:
    """Downloads and unpacks packages, each into a folder of its own: package → its unpacked tree. Raises: NoPackages."""
    debs = into / "debs"
    debs.mkdir(parents=True)
    (into / "trees").mkdir()
    # The sandbox user `_apt` may not be allowed to read a private folder; apt then only warns. Say it outright.
    try:
        run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *names], cwd=debs)
    except RuntimeError as error:
        raise NoPackages(str(error)) from None
    trees = {}
    for deb in sorted(debs.glob("*.deb")):
        name = deb.name.split("_")[0]
        trees[name] = into / "trees" / name
        run(["dpkg", "-x", str(deb), str(trees[name])])
        deb.unlink()
    return trees


def run(command: list[str], *, cwd: Path | None = None, stdin: bytes | None = None) -> str:
    """Runs a command and returns its output. Raises: RuntimeError with the end of what it said."""
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-800:]
        raise RuntimeError(f"{' '.join(command[:4])} … ended with {done.returncode}: {said}")
    return done.stdout.decode(errors="replace")
