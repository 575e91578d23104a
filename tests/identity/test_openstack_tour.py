"""Every identity command of the `openstack` client against a running cloud: it ends with 0 and says something true."""

import json
import re
import shlex
import string
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from cliff.display import DisplayCommandBase

from tests.live import CLONE, LiveCloud

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]

STEPS = Path(__file__).with_name("openstack_tour.txt")
MISSING = CLONE / "docs" / "compatibility.md"
FILES = {
    "access.json": [{"method": "GET", "path": "/v2.1/servers", "service": "compute"}],
    "filters.json": {"interface": "public"},
    "policy.json": {"anything": "role:admin"},
    "rules.json": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "HTTP_OIDC_SUB"}]}],
}
#: Starting the client costs a second of CPU: one process loads it, and a fork of that process runs each command, for the
#: client keeps who is signed in for as long as it lives.
WORKER = """\
import contextlib, io, json, os, sys
from openstackclient.shell import OpenStackShell
with contextlib.redirect_stdout(io.StringIO()):
    OpenStackShell().run(["help", "user", "list"])
for line in sys.stdin:
    if os.fork():
        os.wait()
        continue
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = OpenStackShell().run(json.loads(line))
        except SystemExit as left:
            status = left.code
    print(json.dumps([status, out.getvalue(), err.getvalue()]), flush=True)
    os._exit(0)
"""
_LINE = re.compile(r"^(?:@(?P<who>\w+): )?(?P<command>.*?)(?: => (?P<checks>.*?))?(?: > (?P<keep>\S+=.*))?$")


def commands() -> dict[str, bool]:
    """The words of every identity command, as its entry point names them → whether it prints something."""
    found = entry_points(group="openstack.identity.v3")
    return {one.name.replace("_", " "): issubclass(one.load(), DisplayCommandBase) for one in found}


class Steps:
    """The lines of the tour."""

    def __init__(self) -> None:
        lines = [line for line in STEPS.read_text().splitlines() if line and not line.startswith("#")]
        self.all = [found.groupdict() for line in lines if (found := _LINE.match(line))]

    def command_of(self, step: dict[str, Any], known: dict[str, bool]) -> str:
        """The longest known command that a step begins with."""
        return max((one for one in known if f"{step['command']} ".startswith(f"{one} ")), key=len, default="")


def test_every_command_has_a_step_and_every_answer_a_check() -> None:
    known, steps = commands(), Steps()
    assert len(known) > 100
    run = {steps.command_of(step, known) for step in steps.all}
    missing = {found for found in re.findall(r"`openstack ([a-z0-9 ]+)`", MISSING.read_text()) if found in known}
    assert set(known) - run - missing == set(), "these commands have no step in openstack_tour.txt"
    unchecked = [s["command"] for s in steps.all if known.get(steps.command_of(s, known)) and not s["checks"]]
    assert unchecked == [], "these steps print something that nobody looks at"


@pytest.fixture
def worker(fake_cloud: LiveCloud, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    for name, content in FILES.items():
        (tmp_path / name).write_text(json.dumps(content))
    environment = {**fake_cloud.environment, "OS_CLIENT_CONFIG_FILE": str(fake_cloud.data / "clouds.yaml")}
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, cwd=tmp_path, env=environment) as process:  # fmt: skip
        yield process
        process.stdin.close()  # type: ignore[union-attr]


def test_the_tour(worker: subprocess.Popen[str]) -> None:
    known, steps = commands(), Steps()
    values = {"secret": "a-Secret-of-the-tour-1"}
    for step in steps.all:
        words = shlex.split(string.Template(step["command"]).substitute(values))
        prints = known.get(steps.command_of(step, known), True)
        found = _run(worker, _who(step["who"], values) + words + (["--format", "json"] if prints else []), prints)
        for check in shlex.split(string.Template(step["checks"] or "").substitute(values)):
            assert _holds(found, check), f"{step['command']}: no {check} in {found}"
        for item in shlex.split(step["keep"] or ""):
            name, _, column = item.partition("=")
            values[name] = str(next(iter(_column(found, column))))


def _who(name: str | None, values: dict[str, str]) -> list[str]:
    """Options before the command: whose account it runs with."""
    return ["--os-cloud", "admin"] + (
        ["--os-username", name, "--os-password", values["secret"], "--os-project-name", name] if name else []
    )


def _run(worker: subprocess.Popen[str], words: list[str], prints: bool) -> Any:
    """What the command printed, from JSON. AssertionError with its error when it did not end with 0."""
    assert worker.stdin and worker.stdout
    worker.stdin.write(json.dumps(words) + "\n")
    worker.stdin.flush()
    status, out, err = json.loads(worker.stdout.readline())
    assert status == 0, f"`openstack {shlex.join(words)}` ended with {status}: {err}{out}"
    return json.loads(out) if prints else out


def _column(found: Any, name: str) -> list[Any]:
    """The values under a name, of the one thing or of all rows."""
    rows = found if isinstance(found, list) else [found]
    return [row[name] for row in rows if row.get(name) not in (None, "", [], {})]


def _holds(found: Any, check: str) -> bool:
    name, equals, value = check.partition("=")
    if name == "rows":
        return len(found) == int(value)
    values = _column(found, name)
    if not equals:
        return bool(values)
    return any(value in one if isinstance(one, list) else value == str(one) for one in values)
