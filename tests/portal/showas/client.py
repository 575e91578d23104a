"""The `openstack` client and the SDK, ready to run: their modules are read once, and each command is a fork of that.

A command of its own costs a second or more, most of it for imports. `python -m tests.portal.showas.client SOCKET` serves; the
programs `openstack` and `sdk` that `installed()` writes hand it their arguments, environment and open files.
"""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import distributions
from pathlib import Path

_PROGRAM = """#!{python} -SE
import json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({path!r})
held = sorted(int(name) for name in os.listdir("/proc/self/fd"))
files = [one for one in held if one != line.fileno() and os.path.exists(f"/proc/self/fd/{{one}}")]
said = json.dumps([{name!r}, sys.argv[1:], dict(os.environ), files]).encode()
socket.send_fds(line, [len(said).to_bytes(4, "big")], files)
line.sendall(said)
sys.exit(int(line.recv(16) or b"1"))
"""


@contextmanager
def installed(folder: Path) -> Iterator[Path]:
    """Serve while it lasts; a folder with the programs, for PATH."""
    path = folder / "client.sock"
    server = subprocess.Popen([sys.executable, "-m", __name__, str(path)], stdout=subprocess.DEVNULL)
    try:
        while not path.exists():
            assert server.poll() is None, "the client did not start"
            time.sleep(0.05)
        for name in ("openstack", "sdk"):
            program = folder / name
            program.write_text(_PROGRAM.format(python=sys.executable, path=str(path), name=name))
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        yield folder
    finally:
        server.terminate()
        server.wait()


def _all(line: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        part = line.recv(length - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def _read() -> None:
    """Import what any command imports."""
    import openstack.connection  # noqa: F401
    import openstackclient.shell  # noqa: F401

    for distribution in distributions():
        for point in distribution.entry_points:
            if point.group.startswith("openstack.") or point.group in ("keystoneauth1.plugin", "cliff.formatter.list"):
                with suppress(Exception):  # a command of a service that is not installed
                    point.load()


def _answer(line: socket.socket) -> None:
    """Be one command, with the files of who asked for it."""
    head, held, _flags, _address = socket.recv_fds(line, 4, 64)
    name, arguments, environment, files = json.loads(_all(line, int.from_bytes(head, "big")))
    high = [os.dup2(one, 200 + at) for at, one in enumerate(held)]
    mine = os.dup2(line.fileno(), 190)
    os.closerange(3, 190)
    for one, at in zip(high, files, strict=True):
        os.dup2(one, at)
    os.closerange(200, 200 + len(high))
    for one in {0, 1, 2} - set(files):
        os.close(one)
    os.environ.clear()
    os.environ.update(environment)
    code = 1
    try:
        code = _run(name, arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os.write(mine, str(code).encode())
        os._exit(0)


def _run(name: str, arguments: list[str]) -> int:
    sys.argv = [name, *arguments]
    if name == "sdk":
        exec(compile(arguments[0], "<form>", "exec"), {"__name__": "__main__"})
        return 0
    from openstackclient.shell import main

    sys.exit(main(arguments))


def serve(path: str) -> None:
    """Serve until the end."""
    _read()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    door = socket.socket(socket.AF_UNIX)
    door.bind(f"{path}.new")
    door.listen()
    Path(f"{path}.new").rename(path)
    while True:
        line, _address = door.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            door.close()
            _answer(line)
        line.close()


if __name__ == "__main__":
    serve(sys.argv[1])
