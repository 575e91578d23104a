"""`make test`, `make test-unit` and `make test-slow`: the stages, one after the other, and what failed at the end.

python -m tests.run [--slow | --unit] [--app APP] [pytest arguments]
"""

import argparse
import json
import os
import subprocess
import sys
import time

from tests.live import CLONE
from tests.resume import record
from tests.servers import postgres

LAST_FAILED = CLONE / ".pytest_cache" / "v" / "cache" / "lastfailed"
FAST = "not (lab or vm or browser or slow)"
ON_POSTGRESQL = f"{FAST} and not sqlite"
LIVE = "(lab or vm or browser) and not slow"
#: Also run on PostgreSQL: where two transactions meet, and what asks in SQL of its own.
CONCURRENT = (
    "tests/operations",
    "tests/placement",
    "tests/networking/test_ports_allocation.py",
    "tests/identity/test_limits.py",
    "tests/identity/test_effective_roles.py",
    "tests/cloud/test_keys_rotate.py",
)
#: Folders whose slow tests keep one processor busy and measure no time: they run two at a time.
SIDE_BY_SIDE = ("audit", "browser", "fuzz", "identity", "openstackapi", "portal", "tenants")
#: Races choose their databases by themselves.
RACES = "tests/networking/test_ports_allocation.py::test_racing"


def _pytest(title: str, *arguments: str, **environment: str) -> int:
    print(f"\n── {title} ──", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    status = subprocess.run(command, cwd=CLONE, env={**os.environ, **environment}).returncode
    return 0 if status == 5 else status  # 5: no test had this mark


def _twice(title: str, *arguments: str) -> int:
    """The files with failures run once more, alone: on a shared machine a first failure may be the neighbours' doing.

    A whole file, for its tests may build on one another. One that fails then too fails the run; what passed only the
    second time is named. docs/decisions/0023.
    """
    status = _pytest(title, *arguments)
    if status != 1:  # 1: tests failed; anything else is no matter of luck
        return status
    failed = sorted(json.loads(LAST_FAILED.read_text())) if LAST_FAILED.exists() else []
    print(f"\n── {len(failed)} failed the first time and run once more:", *failed, sep="\n   ", flush=True)
    files = {test.partition("::")[0] for test in failed}
    plain = [
        word for word in arguments if word not in ("-n", "2", "--dist", "loadfile") and not word.startswith("tests/")
    ]
    return _pytest(f"{title}: second try", *plain, *sorted(files))


def _resumed(name: str, title: str, *arguments: str, **environment: str) -> int:
    """A stage that goes on where the same run on the same code was cut, and begins anew once all of it has passed."""
    file = record(name)
    done = len(file.read_text().splitlines()) if file.exists() else 0
    if done:
        print(f"\n{done} tests of “{title}” have passed on this code and are left out; {file} names them.", flush=True)
    status = _pytest(title, f"--resume={file}", *arguments, **environment)
    if status == 0:
        file.unlink(missing_ok=True)
    return status


def slow_stages(app: str, more: list[str]) -> dict[str, int]:
    """Run the slow tests, of all or of one app; name → pytest's exit status."""
    chosen, found = [app] if app else SIDE_BY_SIDE, {}
    if set(chosen) <= set(SIDE_BY_SIDE):
        folders = [f"tests/{name}" for name in chosen]
        pair = ("-m", "slow", "-n", "2", "--dist", "loadscope", *folders, *more)  # a class is a part of its file
        found["slow, two at a time"] = _resumed(f"slow-two-{app or 'all'}", "slow, two at a time", *pair)
    if app not in SIDE_BY_SIDE:
        others = [f"--ignore=tests/{name}" for name in SIDE_BY_SIDE]
        alone = ("-m", "slow", *_folder(app), *others, *more)
        found["slow, alone"] = _resumed(f"slow-{app or 'all'}", "slow, alone", *alone)
    with postgres() as url:
        arguments = ("-m", ON_POSTGRESQL, "-n", "2", *_folder(app), *more)
        found["all on postgresql"] = _resumed(f"pg-{app or 'all'}", "all on PostgreSQL", *arguments, DATABASE_URL=url)
    return found


def stages(app: str, more: list[str]) -> dict[str, int]:
    """Run every stage, of all or of one app; name → pytest's exit status."""
    folder = _folder(app)
    found = {"fast": _twice("unit, property, API", "-m", FAST, "-n", "2", "--dist", "loadfile", *folder, *more)}
    with postgres() as url:
        chosen = [path for path in CONCURRENT if not app or path.startswith(f"tests/{app}")]
        arguments = ("-m", ON_POSTGRESQL, *chosen, f"--deselect={RACES}", *more)
        if chosen:
            found["postgresql"] = _pytest("the same on PostgreSQL", *arguments, DATABASE_URL=url)
    found["live"] = _twice("namespaces, guests, browser", "-m", LIVE, *folder, *more)
    return found


def unit_stages(app: str, more: list[str]) -> dict[str, int]:
    """Run the tests that need no root, no process and no socket, of all or of one app; name → pytest's exit status."""
    return {"unit": _pytest("unit", "--unit", "-n", "2", "--dist", "loadfile", *_folder(app), *more)}


def _folder(app: str) -> tuple[str, ...]:
    return (f"tests/{app}",) if app else ()


def main() -> int:
    parser = argparse.ArgumentParser(description="What it does not know goes to pytest.")
    parser.add_argument("--slow", action="store_true", help="the slow tests, which go on where they were cut")
    parser.add_argument("--unit", action="store_true", help="only tests that need no root, no process and no socket")
    parser.add_argument("--app", default="", help="only the tests in tests/APP")
    options, more = parser.parse_known_args()
    if options.app and not (CLONE / "tests" / options.app).is_dir():
        known = sorted(path.parent.name for path in (CLONE / "tests").glob("*/test_*.py"))
        parser.error(f"there is no folder tests/{options.app}; there are {', '.join(dict.fromkeys(known))}")
    begin = time.monotonic()
    chosen = slow_stages if options.slow else unit_stages if options.unit else stages
    found = chosen(options.app, more)
    failed = [name for name, status in found.items() if status]
    minutes = (time.monotonic() - begin) / 60
    print(f"\n{len(found)} stages in {minutes:.1f} min: {'failed: ' + ', '.join(failed) if failed else 'all passed'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
