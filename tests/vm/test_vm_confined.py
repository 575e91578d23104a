"""A running cloud with a guest: who may read its files, and what stands in its processes' environments."""

from pathlib import Path

import pytest

from hostagent.machine import guest_users, namespaces
from tests import confined
from tests.live import LiveCloud

pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]

NOBODY = 65534
#: What others may read, and why. Places below the data or the run folder.
OPEN = {
    "ready": "scripts of any user wait for it; it holds addresses and process ids",
    "hosts": "sockets of hosts lie below; their names are no secret",
    "supervisor.pid": "a process id, which /proc tells everybody",
    "agents.pid": "the same",
    "ns": "pins of namespaces: empty files",
}


def guest(cloud: LiveCloud) -> str:
    found = cloud.openstack_json("server", "list", "--name", "confined")
    if not found:
        cloud.openstack(
            "server", "create", "--image", "demo", "--flavor", "tiny", "--network", "private", "--config-drive", "True",
            "--user-data", "/dev/null", "--wait", "confined",
        )  # fmt: skip
        found = cloud.openstack_json("server", "list", "--name", "confined")
    return str(found[0]["ID"])


def processes(cloud: LiveCloud) -> list[confined.Process]:
    """All of this cloud: what its supervisors started, and what runs on its hosts."""
    pids = set(cloud.ready["pids"].values())
    hosts = {Path(f"{cloud.ready['run']}/ns/host1/mnt").stat().st_ino}
    pids |= set(namespaces.processes_in(hosts))
    return [found for pid in sorted(pids) if (found := confined.read(pid)) is not None]


def secrets(cloud: LiveCloud) -> list[str]:
    keys = [path.read_text().strip() for path in (cloud.data / "keys").rglob("*") if path.is_file()]
    return [cloud.password("admin"), cloud.password("demo"), *(key for key in keys if len(key) > 20)]


def test_no_process_has_a_secret_or_the_starters_own_in_its_environment(cloud: LiveCloud) -> None:
    """A5, case 56: both passwords stood in the environment of every daemon."""
    guest(cloud)
    hidden = secrets(cloud)
    starter = (
        "TMPDIR",
        "HOME=/root",
        "XDG_",
        "PYTHONPATH",
        "SSH_",
        "AWS_",
        "OS_",
        "_PASSWORD=",
        "DATABASE_URL",
        "BROKER_URL",
    )
    found = []
    for process in processes(cloud):
        if process.pid == cloud.ready["pids"]["run"]:
            continue  # the starter itself
        lines = [f"{name}={value}" for name, value in process.environment.items()]
        text = "\0".join([*lines, *process.words])
        found += [f"{process}: a secret" for secret in hidden if secret in text]
        found += [
            f"{process}: {line}" for line in lines if line.startswith(starter) and "=/var/lib/libvirt/" not in line
        ]
    assert found == []


def test_nobody_else_reads_anything_of_a_running_cloud(cloud: LiveCloud) -> None:
    """A6: user nobody could read a guest's disk. The whole data and run folders, whatever lies in them."""
    server = guest(cloud)
    for root in (cloud.data, Path(cloud.ready["run"])):
        for uid, gids in ((NOBODY, [NOBODY]), (guest_users.uid("another"), [])):
            seen = {path.relative_to(root) for path in confined.readable(root, uid=uid, gids=gids)}
            assert {str(path) for path in seen if path.parts[0] not in OPEN} == set(), f"{root} for {uid}"
    disk = cloud.data / "hosts" / "host1" / "disks" / server
    owners = {(path.suffix == ".json", path.stat().st_uid) for path in disk.iterdir()}
    assert owners == {(True, 0), (False, guest_users.uid(server))}, "what is recorded of a server is root's"
    for root in (cloud.data, Path(cloud.ready["run"])):
        assert confined.writable(root, uid=NOBODY) == []


def test_what_is_confined_on_a_host_of_a_cloud(cloud: LiveCloud) -> None:
    """A5: over every process on the host but the agent: user, capabilities, environment."""
    guest(cloud)
    agent = cloud.ready["pids"]["agent-host1"]
    on_host = set(namespaces.processes_in({Path(f"{cloud.ready['run']}/ns/host1/mnt").stat().st_ino})) - {agent}
    found = [process for pid in on_host if (process := confined.read(pid)) is not None]
    assert {"dnsmasq", "haproxy", "libvirtd", "virtlogd"} <= {process.name for process in found}
    assert any(process.name.startswith("qemu") for process in found)
    assert [fault for process in found for fault in confined.faults(process, secrets(cloud))] == []
