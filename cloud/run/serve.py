"""`python -m cloud.run.serve SOCKET… -- COMMAND…`: a server on unix sockets that a killed one may have left behind.

Neither granian nor nginx starts where a socket's file is already; only one of each runs at a time. A folder that a socket
lies in is made for this account alone.
"""

import os
import sys
from pathlib import Path


def main() -> None:
    split = sys.argv.index("--")
    sockets, command = [Path(name) for name in sys.argv[1:split]], sys.argv[split + 1 :]
    for path in sockets:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
