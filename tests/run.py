"""`make test` and `make test-slow`: the stages, one after the other, and what failed at the end.

python -m tests.run [--slow] [--only STAGE] [pytest arguments]
"""

import os
import subprocess
import sys
import time

from tests.live import CLONE
from tests.servers import postgres

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


def stages(slow: bool, more: list[str]) -> dict[str, int]:
    """Runs every stage; name → pytest's exit status."""
    found: dict[str, int] = {}
    if slow:
        found["slow"] = _pytest("slow", "-m", "slow", *more)
        with postgres() as url:
            found["all on postgresql"] = _pytest("all on PostgreSQL", "-m", FAST, "-n", "2", *more, DATABASE_URL=url)
        return found
    found["fast"] = _pytest("unit, property, API", "-m", FAST, "-n", "2", "--dist", "loadfile", *more)
    with postgres() as url:
        arguments = ("-m", FAST, *CONCURRENT, f"--deselect={RACES}", *more)
        found["postgresql"] = _pytest("the same on PostgreSQL", *arguments, DATABASE_URL=url)
    found["live"] = _pytest("namespaces, guests, browser", "-m", LIVE, *more)
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
