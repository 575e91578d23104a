"""A run that was cut goes on where it ended: what has passed on the same code is not run again (`--resume FILE`)."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.live import CLONE

FOLDER = CLONE / ".pytest_cache" / "passed"


def record(name: str) -> Path:
    """The file of what has passed of the run `name` on the code as it lies here, changes that are not committed among it."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=CLONE, capture_output=True, text=True).stdout.strip()
    changes = subprocess.run(["git", "diff", "HEAD"], cwd=CLONE, capture_output=True).stdout
    code = hashlib.sha256(commit.encode() + changes).hexdigest()[:12]
    return FOLDER / f"{name}-{code}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--resume", metavar="FILE", help="leave out tests named in FILE; add each that passes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    file = _file(config)
    if file is None or not file.exists():
        return
    passed = set(file.read_text().splitlines())
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in passed])
    items[:] = [item for item in items if item.nodeid not in passed]


class _Passed:
    """Adds a test to the file once its tear-down is over; a later failure of the same test takes nothing back: it did pass."""

    def __init__(self, file: Path) -> None:
        self.file, self._bad = file, set[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self._bad.add(report.nodeid)
        elif report.when == "teardown" and report.nodeid not in self._bad:
            with self.file.open("a") as out:
                out.write(f"{report.nodeid}\n")


def pytest_configure(config: pytest.Config) -> None:
    file = _file(config)
    if file is not None and not hasattr(config, "workerinput"):  # with workers the one that commands them writes
        file.parent.mkdir(parents=True, exist_ok=True)
        config.pluginmanager.register(_Passed(file))


def _file(config: pytest.Config) -> Path | None:
    name = config.getoption("--resume")
    return Path(name) if name else None
