"""`manage.py` where no cloud was ever started."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import CLONE


@pytest.mark.process
@pytest.mark.parametrize("command", ["doctor", "why one", "operation_list", "scheduler_explain tiny"])
def test_a_command_without_a_cloud_ends_with_a_sentence(tmp_path: Path, command: str) -> None:
    env = {"PATH": "/usr/bin:/bin", "STACKLING_SECRET_KEY": "signs-nothing", "STACKLING_DATA": str(tmp_path / "none")}
    ended = subprocess.run(
        [sys.executable, "manage.py", *command.split()],
        cwd=CLONE, env=env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr and "STACKLING_DATA" in ended.stderr and str(tmp_path) in ended.stderr


@pytest.mark.process
def test_a_reader_that_has_enough_ends_a_command_quietly(tmp_path: Path) -> None:
    """`manage.py … | head`: nobody wants a traceback of it."""
    env = {"PATH": "/usr/bin:/bin", "STACKLING_SECRET_KEY": "signs-nothing", "STACKLING_DATA": str(tmp_path / "none")}
    with subprocess.Popen(
        [sys.executable, "manage.py", "policy_list"],
        cwd=CLONE, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as command:  # fmt: skip
        assert command.stdout and command.stderr
        command.stdout.close()
        said = command.stderr.read()
        assert command.wait(timeout=60) == 1
    assert "BrokenPipe" not in said and "Traceback" not in said
