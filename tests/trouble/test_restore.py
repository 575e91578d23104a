"""A cloud is lost and comes back from its backup, while its hosts and guests run on (C4). Hosts are fake; tests/vm has a real one."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import CLONE, LiveCloud
from tests.rest import Rest, until
from tests.trouble.test_older_database import booted, domains, findings

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


@pytest.fixture
def cloud() -> Iterator[LiveCloud]:
    with LiveCloud(hosts=0, fake_hosts=2) as found:
        yield found


def lose(cloud: LiveCloud) -> None:
    """Everything in STACKLING_DATA but hosts/ is deleted."""
    for path in cloud.data.iterdir():
        if path.name != "hosts":  # processes that run on may put more there
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def passphrase(folder: Path) -> tuple[str, str]:
    """An option of both commands."""
    file = folder / "passphrase"
    file.write_text("correct horse battery staple\n")
    file.chmod(0o600)
    return "--passphrase-file", str(file)


def statuses(cloud: LiveCloud) -> dict[str, str]:
    rows = Rest(cloud).ok("GET", "/api/compute/v2.1/servers/detail")["servers"]
    return {row["id"]: row["status"] for row in rows}


def test_all_but_the_hosts_is_lost_and_what_came_after_the_backup_too(cloud: LiveCloud, tmp_path: Path) -> None:
    """C4: there was no backup. A4: a server of the minute of a copy was no newer than it, so a stranger, and was set aside."""
    sealed, there = passphrase(tmp_path), str(tmp_path / "there")
    before = booted(Rest(cloud), "one", "two")
    assert "is whole" in cloud.manage("cloud_backup", there, *sealed).stdout
    after = booted(Rest(cloud), "at-once")
    password = cloud.password("demo")
    refused = cloud.manage("cloud_restore", there, *sealed, "--replace", check=False)
    assert refused.returncode and "runs already" in refused.stderr
    lose(cloud)
    refused = cloud.manage("cloud_restore", there, *sealed, check=False)
    assert refused.returncode and "runs already" in refused.stderr, "its lock is gone, it is not"
    cloud.stop()
    lose(cloud)
    cloud.manage("cloud_restore", there, *sealed)
    cloud.start()
    assert cloud.password("demo") == password
    asked = until(lambda: [f["host"] for f in findings(cloud) if f["kind"] == "question"], 60, "an operator is asked")
    assert {f["id"] for f in findings(cloud) if f["kind"] == "domain"} == set(after)
    assert domains(cloud) == dict.fromkeys([*before, *after], "running"), "nothing is even stopped"
    for host in asked:
        cloud.manage("setaside", "adopt", host)
    # The backup has images by reference: of those doctor says that their bytes are gone, and nothing else.
    until(lambda: {f["kind"] for f in findings(cloud) if not f["mended"]} == {"image"}, 60, "rows and hosts agree")
    assert domains(cloud) == dict.fromkeys([*before, *after], "running")
    assert statuses(cloud) == dict.fromkeys([*before, *after], "ACTIVE")


def as_control(cloud: LiveCloud, folder: Path, *arguments: str) -> None:
    """A `manage.py` command as the control plane's own user, as at night."""
    account = pwd.getpwnam(cloud.ready["control_user"])
    for path in (folder, folder / "passphrase"):
        os.chown(path, account.pw_uid, account.pw_gid)
    for parent in folder.parents[:-2]:  # pytest's own folders are root's alone
        parent.chmod(parent.stat().st_mode | 0o011)
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=CLONE, env=cloud.environment, capture_output=True, text=True,
        user=account.pw_uid, group=account.pw_gid, extra_groups=os.getgrouplist(account.pw_name, account.pw_gid),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_nothing_is_asked_where_nothing_was_done_since(cloud: LiveCloud, tmp_path: Path) -> None:
    """C4: what the hosts have is what the backup says, images' bytes included."""
    sealed, there = passphrase(tmp_path), str(tmp_path / "there")
    before = booted(Rest(cloud), "one", "two")
    as_control(cloud, tmp_path, "cloud_backup", there, *sealed, "--images", "whole")
    cloud.stop()
    refused = cloud.manage("cloud_restore", there, *sealed, check=False)
    assert refused.returncode and "There is a cloud already" in refused.stderr
    said = cloud.manage("cloud_restore", there, *sealed, "--replace").stdout
    assert list((cloud.data / "replaced").glob("*/db.sqlite3")), "the old one is set aside"
    assert "bytes are not in" not in said
    cloud.start()
    until(lambda: not findings(cloud), 60, "rows and hosts agree")
    assert statuses(cloud) == dict.fromkeys(before, "ACTIVE")
    (after,) = booted(Rest(cloud), "after")
    Rest(cloud).delete(before[0])
    assert domains(cloud) == dict.fromkeys([before[1], after], "running")
