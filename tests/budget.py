"""Prints what each folder of tests took beside what it may take, so that `make test` stays under 30 minutes."""

from collections import Counter
from pathlib import Path

import pytest

#: Seconds a folder may take on 2 cores, clouds it starts included. Others: DEFAULT.
BUDGET = {
    "vm": 480, "browser": 600, "openstackapi": 300, "trouble": 300, "lab": 240, "flows": 240,
    "operations": 120, "identity": 300, "networking": 120, "compute": 120, "images": 120, "portal": 300,
    "tenants": 180, "machines": 3600,
}  # fmt: skip
DEFAULT = 60

_seconds: Counter[str] = Counter()
_tests: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    parts = Path(report.nodeid.split("::")[0]).parts
    folder = parts[1] if len(parts) > 2 else parts[0]
    _seconds[folder] += report.duration
    _tests[folder] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_sep("-", "seconds a folder (of its budget)")
    for folder, seconds in sorted(_seconds.items()):
        budget = BUDGET.get(folder, DEFAULT)
        over = "  OVER" if seconds > budget else ""
        terminalreporter.write_line(f"{folder:<16} {seconds:7.1f} of {budget:4d}   {_tests[folder]:4d} tests{over}")
