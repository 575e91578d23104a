"""`make test-slow` goes on where it was cut."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import CLONE

SOME = """
import pytest

def test_first(): pass
def test_bad(): assert not FAILS
def test_last(): pass

@pytest.fixture
def broken():
    yield
    assert not FAILS

def test_torn_down_badly(broken): pass
"""


def ran(folder: Path, *arguments: str) -> str:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.resume",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:django",
        *arguments,
    ]
    return subprocess.run(
        [*command, f"--resume={folder / 'passed'}", f"--rootdir={folder}", "-c", "/dev/null", str(folder / "test_some.py")],
        cwd=CLONE, capture_output=True, text=True,
    ).stdout  # fmt: skip


@pytest.mark.process
def test_what_passed_is_left_out_and_what_failed_runs_again(tmp_path: Path) -> None:
    file = tmp_path / "test_some.py"
    file.write_text(SOME.replace("FAILS", "True"))
    assert "3 passed, 1 failed, 1 error" in (said := ran(tmp_path)) or "1 failed, 3 passed, 1 error" in said, said
    assert len((tmp_path / "passed").read_text().splitlines()) == 2
    file.write_text(SOME.replace("FAILS", "False"))
    assert "2 passed, 2 deselected" in (said := ran(tmp_path)), said
    assert "4 deselected" in (said := ran(tmp_path)), said
