"""The sockets process: /ws/ (`python -m cloud.run.sockets SOCKET`).

granian in this process itself: under its command, a parent that only waits for its one child holds 10 MiB more.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from cloud.run import lean
from common import file_modes
from hostagent.process import memory


async def serve(socket: Path) -> None:
    """Answer at a unix socket until told to end. Connections that are open then are closed."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server.embed import Server

    from cloud.asgi import application
    from cloud.metrics import local

    local.serve("sockets")

    server = Server(application, uds=socket, interface=Interfaces.ASGINL, log_level=LogLevels.error)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    memory.tidy()
    await server.serve()


if __name__ == "__main__":
    memory.few_arenas()
    path = Path(sys.argv[1])
    os.umask(0o077 & ~file_modes.socket_mode(path.parent))  # the socket's mode is what it leaves
    lean.without_unused_drivers()
    asyncio.run(serve(path))
