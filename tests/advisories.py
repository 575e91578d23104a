"""`make audit`: advisories about what requirements/*.txt and package-lock.json pin.

It asks pypi.org and the npm registry, so it is no part of `make check`. Ends with 1 where an advisory is open, or where a service
could not be asked: what nobody could look up is not safe.
"""

import subprocess
import sys
from pathlib import Path

from cloud.run.vendor import NODE
from tests.live import CLONE

#: What a cloud itself runs on; the tests' own packages see no stranger.
PINS = ("requirements/base.txt",)
UNKNOWN = "could not be audited"


def main() -> int:
    """Print each advisory. Exit status 1 if there is one, or if one could not be asked for."""
    pip_audit = Path(sys.executable).parent / "pip-audit"
    pins = [word for name in PINS for word in ("-r", name)]
    python = subprocess.run(
        [pip_audit, "--disable-pip", "--require-hashes", "--progress-spinner", "off", *pins],
        cwd=CLONE, capture_output=True, text=True,
    )  # fmt: skip
    print(python.stdout + python.stderr)
    npm = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node = subprocess.run([NODE, npm, "audit", "--omit=dev"], cwd=CLONE)
    if UNKNOWN in python.stdout:
        print("Some packages could not be looked up: is pypi.org reachable from here?", file=sys.stderr)
    return int(python.returncode != 0 or UNKNOWN in python.stdout or node.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
