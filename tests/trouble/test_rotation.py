"""Keys are rotated while every process runs and servers boot: no order is lost, nothing is restarted (C4)."""

import json
import re
import subprocess
import sys

import pytest

from hostagent.process.keyfile import keys_in
from tests.live import CLONE, LiveCloud
from tests.rest import IDENTITY, Rest, until
from tests.trouble.conftest import Troubled

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

PROGRAMS = ("web", "control", "sockets", "bytes", "consoles", "agent-fake")


def rotate(cloud: LiveCloud, which: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "keys_rotate", which], cwd=CLONE, env=cloud.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def keys(cloud: LiveCloud, name: str) -> tuple[str, ...]:
    return keys_in((cloud.data / "keys" / name).read_text())


def test_hosts_keys_change_under_boots_and_no_order_is_lost(troubled: Troubled, rest: Rest) -> None:
    """C4."""
    cloud = troubled.cloud
    pids = {name: troubled.pid(name) for name in PROGRAMS}
    before = {name: keys(cloud, f"hosts/{name}.key") for name in ("fake1", "fake2")}
    logs = {name: len(cloud.log(name)) for name in ("control", "agent-fake")}
    work, booted = rotate(cloud, "hosts"), 0
    while work.poll() is None or booted < 3:
        id = rest.boot(f"during-{booted}")
        rest.until(id, "ACTIVE", seconds=120)
        rest.delete(id)
        booted += 1
    assert work.returncode == 0, work.stdout and work.stdout.read()
    after = {name: keys(cloud, f"hosts/{name}.key") for name in before}
    assert all(len(after[name]) == 1 and after[name] != before[name] for name in before)
    id = rest.boot("after")
    rest.until(id, "ACTIVE", seconds=120)
    rest.delete(id)
    assert {name: troubled.pid(name) for name in PROGRAMS} == pids, "nothing was restarted"
    said = "".join(cloud.log(name)[start:] for name, start in logs.items())
    assert "refused" not in said and "not signed" not in said, re.findall(".*(?:refused|not signed).*", said)[:3]


def test_the_secret_changes_and_what_it_seals_stays_open(troubled: Troubled, rest: Rest) -> None:
    """C4."""
    cloud = troubled.cloud
    pids = {name: troubled.pid(name) for name in PROGRAMS}
    old = keys(cloud, "secret")
    user = rest.ok("GET", f"{IDENTITY}/auth/tokens", **{"X-Subject-Token": rest.token})["token"]["user"]["id"]
    blob = json.dumps({"access": "a" * 32, "secret": "s" * 32})
    body = {"credential": {"type": "ec2", "blob": blob, "project_id": rest.project_id, "user_id": user}}
    made = rest.ok("POST", f"{IDENTITY}/credentials", body)["credential"]["id"]
    secret = rest.ok(
        "POST", f"{IDENTITY}/users/{user}/application_credentials", {"application_credential": {"name": "r"}}
    )
    work = rotate(cloud, "secret")
    while work.poll() is None:
        assert rest.ok("GET", f"{IDENTITY}/credentials/{made}")["credential"]["blob"] == blob
    assert work.returncode == 0, work.stdout and work.stdout.read()
    assert len(keys(cloud, "secret")) == 1 and keys(cloud, "secret") != old
    until(
        lambda: rest.ok("GET", f"{IDENTITY}/credentials/{made}")["credential"]["blob"] == blob,
        10,
        "opened with the new one",
    )
    app = secret["application_credential"]
    method = {
        "methods": ["application_credential"],
        "application_credential": {"id": app["id"], "secret": app["secret"]},
    }
    assert rest.ask("POST", f"{IDENTITY}/auth/tokens", {"auth": {"identity": method}}, token="").status == 201
    assert {name: troubled.pid(name) for name in PROGRAMS} == pids, "nothing was restarted"
    rest.ok("DELETE", f"{IDENTITY}/credentials/{made}")
    rest.ok("DELETE", f"{IDENTITY}/users/{user}/application_credentials/{app['id']}")


def test_tokens_of_before_are_good_until_they_must_not_be(troubled: Troubled, rest: Rest) -> None:
    """C4: by the processes that read them."""
    cloud, token = troubled.cloud, rest.token
    servers = "/api/compute/v2.1/servers"
    assert rotate(cloud, "tokens").wait(120) == 0
    until(lambda: rest.ask("GET", servers, token=token).status == 200, 5, "the token of before is good")
    assert Rest(cloud).ask("GET", servers).status == 200
    work = subprocess.run(
        [sys.executable, "manage.py", "keys_rotate", "tokens", "--now"], cwd=CLONE, env=cloud.environment
    )
    assert work.returncode == 0
    until(lambda: rest.ask("GET", servers, token=token).status == 401, 10, "it has ended")
    assert Rest(cloud).ask("GET", servers).status == 200
