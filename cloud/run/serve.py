"""`python -m cloud.run.serve SOCKET GRANIAN-ARGUMENTS…`: granian on a unix socket that a killed one may have left behind."""

import os
import sys
from pathlib import Path


def main() -> None:
    path, arguments = Path(sys.argv[1]), sys.argv[2:]
    path.unlink(missing_ok=True)  # granian panics on a socket file that is there; only one of us runs at a time
    os.execv(
        sys.executable, [sys.executable, "-m", "granian", "--uds", str(path), "--uds-permissions", "0600", *arguments]
    )


if __name__ == "__main__":
    main()
