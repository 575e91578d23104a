"""The bytes process: images' bytes of users and agents, agents' other requests, and consoles' connection broker.

`python -m cloud.run.bytes`.

Sockets with threads of their own, so that no user's upload keeps others from reading, or a host from its image or its metadata.
"""

import os
import signal
from importlib import import_module
from pathlib import Path

from cloud.run import lean
from hostagent.process import memory

#: Socket → requests at a time. A thread that reads a slow body costs 100 KiB; what nginx sends, and what agents ask besides, is over in ms.
SOCKETS = {"bytes": 128, "handover": 8, "hostbytes": 32, "internal": 8}


def main() -> None:
    memory.few_arenas()
    lean.without_unused_drivers()
    os.umask(0o077)

    import django

    django.setup()

    from cloud import traces, uploads
    from cloud.handlers import BytesHandler
    from cloud.metrics import local
    from compute.consoles import connection_broker

    traces.start("bytes")
    import_module(BytesHandler.urls)  # every view is loaded before the first request asks for one
    application = BytesHandler()
    run = Path(os.environ["STACKLING_RUN"])
    for name, threads in SOCKETS.items():
        uploads.serve(run / "bytes" / f"{name}.sock", application, threads)
    local.serve("bytes")
    connection_broker.serve(run / "door" / "consoles.sock")
    memory.tidy()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
