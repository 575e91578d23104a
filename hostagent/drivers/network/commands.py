"""Running the host's tools: one `ip -batch` and one `nft -f` for a whole change."""

import json
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

NETNS: Final = Path("/run/netns")
FAILED_LINE: Final = re.compile(r"Command failed -:(\d+)")
LIMIT: Final = 30.0  # seconds: none of these tools takes longer unless it is stuck


Facts = dict[str, Any]  # what `ip -j` and the like say of one thing: their own words


class CommandFailed(Exception):
    """A tool refused. Holds its command line and what it wrote to standard error."""

    def __init__(self, command: str, detail: str) -> None:
        super().__init__(f"{command}: {detail}")
        self.detail = f"{command}: {detail}"


def run(*command: str, text: str | None = None, ns: str = "", check: bool = True) -> str:
    """Standard output of a command, in namespace `ns` (same mounts). Raises: CommandFailed."""
    line = (*(("nsenter", f"--net={NETNS / ns}") if ns else ()), *command)
    done = subprocess.run(line, input=text, capture_output=True, text=True, timeout=LIMIT)
    if check and done.returncode:
        raise CommandFailed(shlex.join(command)[:200], done.stderr.strip()[:600] or f"exit {done.returncode}")
    return done.stdout


def read_json(*command: str, ns: str = "") -> list[Facts]:
    """Read the JSON list a reading `ip`, `bridge` or `nft` prints. An empty answer is an empty list."""
    found: list[Facts] = json.loads(run(*command, ns=ns) or "[]")
    return found


@dataclass
class Batch:
    """Lines for one `ip -batch` (or `bridge -batch`), each of one piece, so that a failure finds its piece."""

    tool: str = "ip"
    ns: str = ""
    lines: list[tuple[str, str]] = field(default_factory=list)

    def add(self, piece: str, line: str) -> None:
        self.lines.append((piece, line))

    def run(self) -> dict[str, str]:
        """Run all lines, going on after one that fails. Returns piece → what went wrong."""
        if not self.lines:
            return {}
        text = "".join(f"{line}\n" for _, line in self.lines)
        prefix = ("nsenter", f"--net={NETNS / self.ns}") if self.ns else ()
        command = (*prefix, self.tool, "-force", "-batch", "-")
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=LIMIT)
        failed: dict[str, str] = {}
        said = ""
        for row in done.stderr.splitlines():
            if match := FAILED_LINE.search(row):
                piece, line = self.lines[int(match[1]) - 1]
                failed.setdefault(piece, f"{self.tool} {line}: {said or row}"[:600])
                said = ""
            else:
                said = f"{said} {row}".strip()
        if done.returncode and not failed:  # the tool itself did not start properly
            failed = {piece: f"{self.tool}: {said or done.returncode}"[:600] for piece, _ in self.lines}
        return failed


def namespaces() -> set[str]:
    return {p.name for p in NETNS.iterdir()} if NETNS.exists() else set()


def ensure_namespace(name: str) -> bool:
    """Whether the namespace was made now. Raises: CommandFailed."""
    if name in namespaces():
        return False
    run("ip", "netns", "add", name)
    run("ip", "-n", name, "link", "set", "lo", "up")
    return True


def remove_namespace(name: str) -> None:
    if name in namespaces():
        run("ip", "netns", "del", name)
