"""`make coverage`: the share of each room's lines that the fast tests run.

What runs in processes of their own (programs of a live cloud, agents, namespaces) is not counted: the live, slow and lab tests have that.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.judge.tree import Tree
from tests.live import CLONE
from tests.run import FAST


def by_room(report: dict[str, dict[str, dict[str, dict[str, int]]]]) -> dict[str, tuple[int, int]]:
    """Room → (lines that ran, lines), of coverage's JSON report."""
    ran: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for name, file in report["files"].items():
        room = Path(name).parts[0]
        ran[room] += file["summary"]["covered_lines"]
        lines[room] += file["summary"]["num_statements"]
    return {room: (ran[room], lines[room]) for room in sorted(lines)}


def main(arguments: list[str]) -> int:
    """Run the fast tests under coverage and print a line a room; pytest's exit status."""
    with tempfile.TemporaryDirectory(prefix="stackling-coverage-") as folder:
        found = Path(folder) / "coverage.json"
        packages = [f"--cov={package}" for package in Tree(CLONE).packages]
        options = ["-q", "-m", FAST, "-n", "2", "--dist", "loadfile", *packages, "--cov-report", f"json:{found}"]
        status = subprocess.run([sys.executable, "-m", "pytest", *options, *arguments], cwd=CLONE).returncode
        rooms = by_room(json.loads(found.read_text()))
    rooms["all"] = (sum(ran for ran, _ in rooms.values()), sum(lines for _, lines in rooms.values()))
    for room, (ran, lines) in rooms.items():
        print(f"{room:<14} {100 * ran / max(lines, 1):5.1f} %  {ran} of {lines} lines")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
