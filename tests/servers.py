"""PostgreSQL and RabbitMQ that tests start themselves, in folders of their own."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Missing(Exception):
    """A server that the tests need is not installed. `./setup.sh test` (or slow) installs it."""


def _program(*places: str) -> Path:
    for place in places:
        for path in sorted(Path("/").glob(place.lstrip("/")), reverse=True):
            return path
    raise Missing(f"{Path(places[0]).name} is not installed; run `./setup.sh test` (RabbitMQ: `./setup.sh slow`)")


def _ordinary(name: str) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: keyword arguments for subprocess that make it its own user."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL on a unix socket; gives its DATABASE_URL. Nothing of it outlives the block. Raises: Missing."""
    programs = _program("/usr/lib/postgresql/*/bin/postgres").parent
    ordinary = _ordinary("postgres")
    folder = Path(tempfile.mkdtemp(prefix="stackling-pg-"))
    if ordinary:
        os.chown(folder, ordinary["user"], ordinary["group"])
    data = folder / "data"
    server = None
    try:
        subprocess.run([str(programs / "initdb"), "-D", str(data), "-U", "stackling", "-A", "trust", "-E", "UTF8", "--no-sync"],
                       check=True, capture_output=True, cwd="/", **ordinary)  # fmt: skip
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), "-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"],
            stdout=subprocess.DEVNULL, stderr=_log(folder).open("wb"), cwd="/", **ordinary,
        )  # fmt: skip
        _wait(lambda: (folder / ".s.PGSQL.5432").exists(), server, folder)
        subprocess.run([str(programs / "createdb"), "-h", str(folder), "-U", "stackling", "stackling"],
                       check=True, capture_output=True, cwd="/", **ordinary)  # fmt: skip
        yield f"postgresql://stackling@{str(folder).replace('/', '%2F')}/stackling"
    finally:
        if server:
            server.terminate()
            server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)
        _log(folder).unlink(missing_ok=True)


def _log(folder: Path) -> Path:
    return folder.with_suffix(".log")


def _wait(ready: Any, server: "subprocess.Popen[bytes]", folder: Path, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not ready():
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the server in {folder} did not start: {_log(folder).read_text()[-2000:]}")
        time.sleep(0.1)


@contextmanager
def rabbitmq(port: int) -> Iterator[str]:
    """A RabbitMQ on 127.0.0.1:`port`; gives its BROKER_URL. Raises: Missing."""
    program = _program("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/sbin/rabbitmq-server")
    folder = Path(tempfile.mkdtemp(prefix="stackling-mq-"))
    environment = {
        **os.environ,
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"stk{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(port + 1),
        "RABBITMQ_MNESIA_BASE": str(folder / "db"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
    }
    with _log(folder).open("wb") as log:
        server = subprocess.Popen([str(program)], env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(lambda: b"Starting broker... completed" in _log(folder).read_bytes(), server, folder, 60)
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
        _log(folder).unlink(missing_ok=True)
