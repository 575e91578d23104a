"""`make test` and `make test-slow`: the stages, one after the other, and what failed at the end.

python -m tests.run [--slow] [pytest arguments]
"""

import json
import os
import subprocess
import sys
import time

from tests.live import CLONE
from tests.servers import postgres

LAST_FAILED = CLONE / ".pytest_cache" / "v" / "cache" / "lastfailed"
FAST = "not (lab or vm or browser or slow)"
LIVE = "(lab or vm or browser) and not slow"
#: Also run on PostgreSQL: where two transactions meet, and what asks in SQL of its own.
CONCURRENT = (
    "tests/operations",
    "tests/placement",
    "tests/networking/test_ports_allocation.py",
    "tests/identity/test_limits.py",
    "tests/identity/test_effective_roles.py",
)
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


def stages(slow: bool, more: list[str]) -> dict[str, int]:
    """Runs every stage; name → pytest's exit status."""
    found: dict[str, int] = {}
    if slow:
        found["slow"] = _pytest("slow", "-m", "slow", *more)
        with postgres() as url:
            found["all on postgresql"] = _pytest("all on PostgreSQL", "-m", FAST, "-n", "2", *more, DATABASE_URL=url)
        return found
    found["fast"] = _twice("unit, property, API", "-m", FAST, "-n", "2", "--dist", "loadfile", *more)
    with postgres() as url:
        arguments = ("-m", FAST, *CONCURRENT, f"--deselect={RACES}", *more)
        found["postgresql"] = _pytest("the same on PostgreSQL", *arguments, DATABASE_URL=url)
    found["live"] = _twice("namespaces, guests, browser", "-m", LIVE, *more)
    return found


def main() -> int:
    arguments = sys.argv[1:]
    slow = "--slow" in arguments
    begin = time.monotonic()
    found = stages(slow, [word for word in arguments if word != "--slow"])
    failed = [name for name, status in found.items() if status]
    minutes = (time.monotonic() - begin) / 60
    print(f"\n{len(found)} stages in {minutes:.1f} min: {'failed: ' + ', '.join(failed) if failed else 'all passed'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
