"""`manage.py shell_external`: a command where floating IPs are, its end and what it said."""

import json
import subprocess
import sys

import pytest

from tests.live import CLONE


def run(*words: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "STACKLING_SECRET_KEY": "signs-nothing"}
    command = [sys.executable, "manage.py", "shell_external", *words]
    return subprocess.run(command, cwd=CLONE, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.process
def test_a_command_ends_as_it_ends() -> None:
    ended = run("--", "sh", "-c", "echo out; exit 3")
    assert (ended.returncode, ended.stdout) == (3, "out\n")


@pytest.mark.process
def test_as_json_with_all_it_said() -> None:
    ended = run("--json", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert ended.returncode == 3
    assert json.loads(ended.stdout) == {"returncode": 3, "stdout": "out\n", "stderr": "err\n"}
