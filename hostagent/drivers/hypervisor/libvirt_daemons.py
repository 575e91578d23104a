"""libvirtd and virtlogd of a host, in its own mount namespace: configured, started, found again.

They are detached, so guests and their logs outlive the agent. An agent that was started without private mounts uses the
machine's libvirtd, and this module only waits for its socket. Settings: unix socket only; each was measured to be needed
where there is no systemd, no DBus and no cgroup delegation. The agent asks over one connection: with libvirt's 5 requests
at a time, five slow ones would leave its keep-alive unanswered.
"""

import logging
import os
import socket
import stat
import subprocess
import time
import uuid
from pathlib import Path
from typing import Final

from lxml import etree

from hostagent.contract.failures import Failure
from hostagent.machine import accounts, confinement, guest_users

log = logging.getLogger(__name__)

ETC: Final = Path("/etc/libvirt")
SOCKET: Final = Path("/run/libvirt/libvirt-sock")
LOG_SOCKET: Final = Path("/run/libvirt/virtlogd-sock")
STATUS: Final = Path("/run/libvirt/qemu")  # an XML file a guest that runs, for the next libvirtd
KVM: Final = Path("/dev/kvm")
OUR_KVM: Final = Path("/run/kvm")
START_SECONDS: Final = 15.0
REFUSED_SECONDS: Final = 3.0  # one that was just killed may hold its pid file a moment longer than its socket
LOG_BYTES: Final = 16 * 2**20  # of one console log before virtlogd rolls it over

LIBVIRTD_CONF: Final = """\
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
listen_tls = 0
listen_tcp = 0
max_client_requests = 40
host_uuid = "{uuid}"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""

#: Each domain names a user of its own (guest_users.py); these are whose libvirt's own folders are.
QEMU_CONF: Final = f"""\
user = "{confinement.QEMU}"
group = "{confinement.QEMU}"
swtpm_user = "{confinement.SWTPM}"
swtpm_group = "{confinement.SWTPM}"
dynamic_ownership = 0
remember_owner = 0
security_driver = "{{security}}"
security_default_confined = 0
cgroup_controllers = [ ]
namespaces = []
vnc_listen = "127.0.0.1"
stdio_handler = "logd"
"""

VIRTLOGD_CONF: Final = f"""\
max_size = {LOG_BYTES}
max_backups = 1
"""


def configure(host: str, data: Path, *, apparmor: bool = False) -> None:
    """Write the three files. Equal host uuids would make a migration between two hosts refuse.

    `apparmor`: guests get profiles (hostagent/machine/apparmor.py); libvirt refuses to start with a driver that it does not find.
    """
    for account in (confinement.QEMU, confinement.SWTPM):
        accounts.ensure(account)
    open_kvm()
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{data}/{host}")
    for name, text in (
        ("libvirtd.conf", LIBVIRTD_CONF.format(uuid=identity)),
        ("qemu.conf", QEMU_CONF.format(security="apparmor" if apparmor else "none")),
        ("virtlogd.conf", VIRTLOGD_CONF),
    ):
        path = ETC / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    for network in (ETC / "qemu" / "networks" / "autostart").glob("*.xml"):
        network.unlink()  # Debian's `default` network would bring a second dnsmasq


def open_kvm() -> None:
    """Make a /dev/kvm of this host's own, for the group of its guests, whatever the machine lets at its own (mounts are ours)."""
    if not KVM.exists():
        return
    facts = KVM.stat()
    if (facts.st_gid, stat.S_IMODE(facts.st_mode)) == (guest_users.gid(), 0o660):
        return
    OUR_KVM.unlink(missing_ok=True)
    try:
        os.mknod(OUR_KVM, stat.S_IFCHR | 0o600, facts.st_rdev)
        os.chown(OUR_KVM, 0, guest_users.gid())
        OUR_KVM.chmod(0o660)
        subprocess.run(["mount", "-n", "--bind", str(OUR_KVM), str(KVM)], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:  # the proof of KVM will say what comes of it
        log.warning("guests may not use %s: %s", KVM, error)


def ensure(*, private: bool) -> None:
    """Have both daemons run and answer. Raises: Failure hypervisor_down."""
    if private:
        _ensure_one("virtlogd", LOG_SOCKET)
        _ensure_one("libvirtd", SOCKET)
    elif not _answers(SOCKET):
        raise Failure("hypervisor_down", detail=f"nothing listens on {SOCKET}; is libvirtd started?")


def _ensure_one(name: str, path: Path) -> None:
    if _answers(path):
        return
    if name == "libvirtd":
        _forget_the_unborn()
    _start(name)
    until = time.monotonic() + START_SECONDS
    while not _answers(path):
        if time.monotonic() > until:
            raise Failure("hypervisor_down", detail=f"{name} does not answer on {path}")
        time.sleep(0.05)


def _forget_the_unborn() -> None:
    """A libvirtd killed just before it runs a guest leaves its status with no process.

    Seen with 9.0: each next libvirtd would take that start for one still under way, and refuse the guest's every verb.
    """
    for path in STATUS.glob("*.xml"):
        try:
            pid = etree.parse(path).getroot().get("pid")
        except (OSError, etree.XMLSyntaxError):
            continue
        if pid == "0":
            log.warning("forgetting %s: libvirtd was killed before that guest had a process", path)
            path.unlink(missing_ok=True)


def _start(name: str) -> None:
    until = time.monotonic() + REFUSED_SECONDS
    while True:
        try:
            confinement.start(name, name, "-d", "-p", f"/run/{name}.pid")
        except confinement.NotStarted as error:
            if time.monotonic() > until:
                raise Failure("hypervisor_down", detail=str(error)) from error
        else:
            return
        time.sleep(0.2)


def _answers(path: Path) -> bool:
    if not path.exists():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
