"""PostgreSQL and RabbitMQ that tests start themselves, in folders of their own."""

import os
import pwd
import shutil
import socket
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
    folder.chmod(0o755)  # the control plane's account has to reach the socket
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
        asks = [str(programs / "pg_isready"), "-q", "-h", str(folder), "-U", "stackling"]
        _wait(lambda: subprocess.run(asks).returncode == 0, server, folder, 60)
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


class RabbitMQ:
    """A RabbitMQ on 127.0.0.1 with a folder, a node name and an epmd of its own. It can be stopped and started again."""

    def __init__(self) -> None:
        self.program = _program("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/sbin/rabbitmq-server")
        self.epmd_program = _program("/usr/lib/erlang/erts-*/bin/epmd", "/usr/bin/epmd")
        self.folder = Path(tempfile.mkdtemp(prefix="stackling-mq-"))
        self.port, dist, epmd = free_ports(3)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self.environment = {
            **os.environ,
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"stk{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "db"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }
        # In the foreground, as our child: the one that RabbitMQ would start stays for ever.
        self.epmd = subprocess.Popen([str(self.epmd_program), "-port", str(epmd)], env=self.environment)
        self.server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with _log(self.folder).open("wb") as log:
            self.server = subprocess.Popen(
                [str(self.program)], env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        _wait(lambda: b"Starting broker... completed" in _log(self.folder).read_bytes(), self.server, self.folder, 120)

    def stop(self) -> None:
        if self.server:
            self.server.terminate()
            self.server.wait(60)

    def close(self) -> None:
        try:
            self.stop()
        finally:
            self.epmd.terminate()
            self.epmd.wait(10)
            shutil.rmtree(self.folder, ignore_errors=True)
            _log(self.folder).unlink(missing_ok=True)


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


@contextmanager
def rabbitmq() -> Iterator[RabbitMQ]:
    """A running RabbitMQ; its `url` is a BROKER_URL. Nothing of it outlives the block. Raises: Missing."""
    broker = RabbitMQ()
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis of its own that keeps nothing, at a socket in this folder; its address for Celery."""
    path = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    yield f"redis+socket://{path}"
    process.terminate()
    process.wait(10)
