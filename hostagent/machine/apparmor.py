"""A profile of AppArmor's for each guest: its QEMU opens its own disks, the images below them, its sockets, and no other guest's.

It stands beside users and modes (guest_users.py): a disk whose mode or owner went wrong is still nobody else's. The profiles are
ours and not virt-aa-helper's, which may read neither our cached images nor a host's private folders. libvirt's driver puts the
guest into the profile `libvirt-<server id>` before its first instruction, and refuses the start where it is not loaded.

Elsewhere (a kernel without AppArmor, a container, no apparmor_parser) there is none, and `reason` says why.
Sources: apparmor.d(5), apparmor_parser(8), libvirt's security_apparmor.c (a static label; `use_apparmor`).
"""

import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lxml import etree

from hostagent.drivers.storage.image_cache import backing_of

log = logging.getLogger(__name__)

SECURITY: Final = Path("/sys/kernel/security")
LOADED: Final = SECURITY / "apparmor" / "profiles"
REMOVE: Final = SECURITY / "apparmor" / ".remove"
PARSER: Final = "/sbin/apparmor_parser"
#: libvirt looks for its own daemon's profile before it uses AppArmor. Debian's package brings both.
LIBVIRTD: Final = Path("/etc/apparmor.d/usr.sbin.libvirtd")
QEMU: Final = Path("/etc/apparmor.d/abstractions/libvirt-qemu")
CHAIN: Final = 64  # images below a disk

_PROFILE: Final = """\
#include <tunables/global>
profile {name} flags=(attach_disconnected) {{
  #include <abstractions/libvirt-qemu>
{rules}
}}
"""


class NotConfined(Exception):
    """A guest's profile could not be loaded; the message says what AppArmor said."""


class Profiles:
    """`reason` is "" where guests are confined."""

    def __init__(self) -> None:
        self.reason = "not looked at yet"
        self._texts: dict[str, str] = {}

    def start(self) -> None:
        """See whether this host can confine guests, and have libvirtd's own profile loaded. Call before libvirtd is started."""
        try:
            _mount()
            self.reason = _why_not()
        except (OSError, NotConfined) as error:
            self.reason = str(error)
        log.info("AppArmor for guests: %s", self.reason or "a profile each")

    def confine(self, server_id: str, xml: str, images: tuple[Path, ...]) -> None:
        """Load the profile of a guest with this definition, or what it has become. Raises: NotConfined."""
        text = profile(server_id, xml, images)
        if self._texts.get(server_id) == text and name_of(server_id) in _loaded():
            return
        _load(text)
        self._texts[server_id] = text

    def forget(self, server_id: str) -> None:
        """Forget a guest that is gone."""
        self._texts.pop(server_id, None)
        if not self.reason and name_of(server_id) in _loaded():
            try:
                REMOVE.write_text(name_of(server_id))
            except OSError as error:
                log.warning("the profile of %s stays: %s", server_id, error)


def name_of(server_id: str) -> str:
    """Return the one name that libvirt takes for a domain of this uuid."""
    return f"libvirt-{server_id}"


def profile(server_id: str, xml: str, images: tuple[Path, ...]) -> str:
    """Return the text of a guest's profile, from its domain's definition. `images`: the folders in which disks may rest.

    Raises: NotConfined where a path cannot be named, or a disk rests on what is no image.
    """
    rules = sorted({f'  "{path}" {mode},' for path, mode in _rules(etree.fromstring(xml.encode()), images)})
    return _PROFILE.format(name=name_of(server_id), rules="\n".join(rules))


def _rules(domain: Any, images: tuple[Path, ...]) -> Iterator[tuple[str, str]]:
    """(path, permissions) of all that this guest's QEMU opens by name and that not every guest may."""
    name = _literal(domain.findtext("name"))
    for disk in domain.iterfind("devices/disk"):
        source = disk.find("source")
        path = "" if source is None else source.get("file") or source.get("dev") or ""
        for host in disk.iterfind("source/host[@socket]"):
            yield _literal(host.get("socket")), "rw"
        if not path:
            continue
        writes = disk.find("readonly") is None
        yield _literal(path), "rwk" if writes else "rk"
        yield from ((_literal(below), "rk") for below in _chain(Path(path), images))
        if writes and source.get("file"):  # its folder is its guest's: overlays of snapshots come and go in it
            yield f"{_literal(str(Path(path).parent))}/*.qcow2", "rwk"
    for part in ("kernel", "initrd"):
        if path := domain.findtext(f"os/{part}"):
            yield _literal(path), "r"
    for kind in ("serial", "channel", "console"):
        sources = domain.iterfind(f"devices/{kind}/source")
        yield from ((_literal(source.get("path")), "rw") for source in sources if source.get("path"))
    for listen in domain.iterfind("devices/graphics/listen[@type='socket']"):
        yield _literal(listen.get("socket")), "rw"
    yield f"/var/lib/libvirt/qemu/domain-*-{name[:20]}/**", "rwk"  # its monitor; libvirt shortens names so
    yield f"/var/lib/libvirt/qemu/save/{name}.save", "rw"
    yield f"/run/libvirt/qemu/{name}.pid", "rwk"
    yield f"/var/log/libvirt/qemu/{name}.log", "w"


def _chain(disk: Path, images: tuple[Path, ...]) -> Iterator[str]:
    """The files that a disk rests on. A disk's header is its guest's to write, so what it names is believed of images only."""
    path = disk
    for _ in range(CHAIN):
        try:
            name = backing_of(path)
        except OSError:
            return  # not made yet, or no plain file
        if not name:
            return
        path = Path(os.path.normpath(path.parent / name))
        if path.parent not in (*images, disk.parent):
            raise NotConfined(f"{disk} rests on {path}, which is no image of this host")
        yield str(path)


def _literal(path: str) -> str:
    """A path, or a part of one, that means itself in a profile. Raises: NotConfined."""
    if any(letter in path for letter in '"\\*?[]{}^@\n'):
        raise NotConfined(f"AppArmor cannot name {path!r}: it would read a pattern")
    return path


def _loaded() -> set[str]:
    """Names of the profiles that the kernel enforces."""
    try:
        lines = LOADED.read_text().splitlines()
    except OSError:
        return set()
    return {name for name, _, mode in (line.rpartition(" ") for line in lines) if mode == "(enforce)"}


def _mount() -> None:
    """A host's /sys is its own, and shows the kernel's security files only where they are mounted anew."""
    if SECURITY.exists() and not LOADED.exists():
        subprocess.run(["mount", "-n", "-t", "securityfs", "securityfs", str(SECURITY)], capture_output=True)


def _why_not() -> str:
    if not LOADED.exists():
        return "this machine's kernel runs without AppArmor"
    for path in (Path(PARSER), LIBVIRTD, QEMU):
        if not path.exists():
            return f"{path} is not there"
    if not {"libvirtd", "/usr/sbin/libvirtd"} & _loaded():
        _load(LIBVIRTD.read_text())
    return ""


def _load(text: str) -> None:
    """Raises: NotConfined."""
    done = subprocess.run(
        [PARSER, "--replace", "--skip-cache", "-O", "no-expr-simplify"], input=text, capture_output=True, text=True
    )
    if done.returncode:
        raise NotConfined(f"apparmor_parser: {done.stderr.strip()[-400:]}")
