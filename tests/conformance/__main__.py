"""`make conformance LISTS="first-light smoke"`: starts a cloud, runs tempest's lists in it, keeps the results.

    python -m tests.conformance [--fresh] [--again] [--hosts N] [--no-ssh] [--baseline FILE] LIST…

Results go to docs/conformance.tsv (test, status, seconds, reason), one line a test, after every batch; a run that was
cut short goes on where it stopped. --fresh forgets what was done; --again repeats what did not pass.
Exit: 0 nothing failed (or, with --baseline, every test named there passed), 1 something failed.
"""

import argparse
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.live import CLONE, LiveCloud

HERE = Path(__file__).parent
PLACE = CLONE / ".tempest"
RESULTS = CLONE / "docs" / "conformance.tsv"
#: Tests a run of tempest: what a cut-short run loses at most. Each run costs about 10 s of start, and those that ask
#: identity alone take a tenth of a second each.
BATCH, BATCH_QUICK = 40, 500
QUICK = ("tempest.api.identity.", "keystone_tempest_plugin.")
#: Personas of these have the roles they are named for and no other, and tokens of every scope.
PERSONAS = "keystone_tempest_plugin.tests.rbac."

Row = tuple[str, str, str, str]


def read_rows(path: Path) -> dict[str, Row]:
    """Test name → (name, status, seconds, reason)."""
    found: dict[str, Row] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        if line and not line.startswith("#"):
            name, status, seconds, reason = ([*line.split("\t"), "", "", ""])[:4]
            found[name] = (name, status, seconds, reason)
    return found


def write_rows(rows: dict[str, Row]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    counts = Counter(row[1] for row in rows.values())
    head = f"# {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped; made by `make conformance`\n"
    scratch = RESULTS.with_suffix(".new")
    scratch.write_text(head + "".join("\t".join(rows[name]) + "\n" for name in sorted(rows)))
    scratch.replace(RESULTS)


def tempest(*arguments: str, environment: dict[str, str], netns: str = "") -> subprocess.CompletedProcess[str]:
    """run-tempest, inside the namespace where floating IPs are reachable."""
    inside = ["ip", "netns", "exec", netns] if netns else []
    command = [*inside, sys.executable, str(HERE / "run-tempest"), "--venv", str(PLACE / "venv"), *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=CLONE)


def make_venv() -> None:
    """Tempest in a virtual environment of its own: its pins are not ours."""
    pins, python = CLONE / "requirements" / "tempest.txt", PLACE / "venv" / "bin" / "python"
    stamp = PLACE / "venv" / ".made-from"
    if stamp.exists() and stamp.read_text() == pins.read_text():
        return
    subprocess.run([sys.executable, "-m", "venv", str(PLACE / "venv")], check=True)
    subprocess.run([str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--python", str(python),
                    "--require-hashes", "-r", str(pins)], check=True)  # fmt: skip
    stamp.write_text(pins.read_text())


def names_of(lists: list[str]) -> list[str]:
    done = tempest("--list", "--work", str(PLACE / "names"), *lists, environment=dict(os.environ))
    if done.returncode:
        raise SystemExit(done.returncode)
    return list(dict.fromkeys(line.split("[")[0] for line in done.stdout.splitlines() if "." in line))


def batches(wanted: list[str]) -> Iterator[tuple[list[str], list[str], dict[str, str]]]:
    """The tests of each run of tempest, its options and its environment."""
    personas = [name for name in wanted if name.startswith(PERSONAS)]
    quick = [name for name in wanted if name.startswith(QUICK) and name not in set(personas)]
    others = [name for name in wanted if not name.startswith(QUICK)]
    as_personas = ["--set", "auth.tempest_roles="], {"TEMPEST_ENFORCE_SCOPE": "true"}
    for names, size, (options, variables) in (
        (others, BATCH, ([], {})),
        (quick, BATCH_QUICK, ([], {})),
        (personas, BATCH_QUICK, as_personas),
    ):
        for start in range(0, len(names), size):
            yield names[start : start + size], options, variables


def run_batches(cloud: LiveCloud, wanted: list[str], rows: dict[str, Row], more: list[str]) -> None:
    environment = {
        **os.environ,
        **cloud.credentials("admin"),
        "TEMPEST_IMAGE_SSH_USER": "demo",
        "TEMPEST_IMAGE_FILE": str(cloud.data / "cache" / "demo" / "demo.qcow2"),
    }
    work, batch, done_before = PLACE / "work", PLACE / "batch.txt", 0
    for names, options, variables in batches(wanted):
        batch.write_text("".join(f"^{re.escape(name)}\\b\n".replace("\\.", ".") for name in names))
        print(f"── tests {done_before + 1} to {done_before + len(names)} of {len(wanted)}", flush=True)
        done_before += len(names)
        arguments = ("--work", str(work), *more, *options, str(batch))
        done = tempest(*arguments, environment={**environment, **variables}, netns=cloud.netns)
        print(done.stdout, flush=True)
        if done.returncode not in (0, 1):
            raise SystemExit(done.returncode)
        rows.update(read_rows(work / "results.tsv"))
        write_rows(rows)


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    ask.add_argument("lists", nargs="*", default=["first-light"])
    ask.add_argument("--fresh", action="store_true")
    ask.add_argument("--again", action="store_true")
    ask.add_argument("--hosts", type=int, default=1)
    ask.add_argument("--no-ssh", action="store_true")
    ask.add_argument("--baseline", type=Path)
    asked = ask.parse_args()
    PLACE.mkdir(exist_ok=True)
    make_venv()
    names = names_of(asked.lists)
    rows = {} if asked.fresh else read_rows(RESULTS)
    wanted = [n for n in names if n not in rows or (asked.again and rows[n][1] != "passed")]
    print(f"{len(names)} tests in {' '.join(asked.lists)}, {len(wanted)} to run", flush=True)
    if wanted:
        with LiveCloud(hosts=asked.hosts) as cloud:
            more = ["--no-ssh"] if asked.no_ssh else []
            run_batches(cloud, wanted, rows, more)
            failed = [name for name in wanted if rows.get(name, ("", "failed"))[1] == "failed"]
            if asked.baseline and failed:  # docs/decisions/0023
                print(f"── {len(failed)} failed the first time and run once more:", *failed, sep="\n   ", flush=True)
                run_batches(cloud, failed, rows, more)
    counts = Counter(rows[name][1] for name in names if name in rows)
    print(f"{' '.join(asked.lists)}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    if asked.baseline:
        must = [
            line.strip()
            for line in asked.baseline.read_text().splitlines()
            if line.strip() and not line.startswith("#")
        ]
        lost = [name for name in must if name in names and rows.get(name, ("", ""))[1] != "passed"]
        print(f"baseline: {len(lost)} of {len(must)} no longer pass" + "".join(f"\n  {name}" for name in lost))
        return 1 if lost else 0
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
