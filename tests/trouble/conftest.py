"""A cloud of its own for trouble: its processes are killed and faults are put into it while it runs."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud.run import supervise
from tests.live import LiveCloud
from tests.rest import Rest, until


class Troubled:
    """A live cloud with ways to break it."""

    def __init__(self, cloud: LiveCloud) -> None:
        self.cloud = cloud
        self.fault_file = Path(cloud.environment["STACKLING_FAULT"].removeprefix("@"))
        self.supervisor = supervise.ask(Path(cloud.ready["run"]) / "supervisor.sock")

    def fault(self, text: str) -> None:
        """From now on this fault and no other; "" for none. What it remembers of having struck is forgotten."""
        for mark in [*(self.cloud.data / "cache" / "faults").glob("*"), *(self.cloud.data / "hosts").glob("*/fault-*")]:
            mark.unlink()
        self.fault_file.write_text(text)
        self.fault_file.chmod(0o644)

    def pid(self, program: str) -> int:
        return int(self.supervisor.getProcessInfo(program)["pid"])

    def kill(self, program: str) -> int:
        """kill -9 of a program's process. Its former pid."""
        pid = self.pid(program)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_restarted(self, program: str, old: int, seconds: float = 30) -> None:
        def is_new() -> bool:
            info = self.supervisor.getProcessInfo(program)
            return info["statename"] == "RUNNING" and info["pid"] not in (0, old)

        until(is_new, seconds, f"{program} runs again")

    def wait_ready(self, seconds: float = 60) -> None:
        until(lambda: _is_ready(self.cloud), seconds, "/readyz says yes")


def _is_ready(cloud: LiveCloud) -> bool:
    try:
        return Rest(cloud).ask("GET", "/readyz", token="", timeout=5).status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def _troubled() -> Iterator[Troubled]:
    cloud = LiveCloud(hosts=0, fake_hosts=2, STACKLING_TESTING="1")
    cloud.environment["STACKLING_FAULT"] = f"@{cloud.data.parent}/fault"
    with cloud:
        yield Troubled(cloud)


@pytest.fixture
def troubled(_troubled: Troubled) -> Iterator[Troubled]:
    """The cloud, whole before and after each test."""
    _troubled.fault("")
    _troubled.wait_ready()
    yield _troubled
    _troubled.fault("")


@pytest.fixture
def rest(troubled: Troubled) -> Rest:
    return Rest(troubled.cloud)


@pytest.fixture(scope="module")
def _doctor(_troubled: Troubled) -> Iterator[None]:
    """After a file's last test: rows and hosts agree."""
    yield
    _troubled.fault("")
    _troubled.wait_ready()
    ask = lambda: _troubled.cloud.manage("doctor", "--json", check=False)  # noqa: E731
    found = until(lambda: (done := ask()).returncode == 0 and done, 60, "doctor finds nothing")
    assert '"findings": []' in found.stdout


@pytest.fixture
def leaves_nothing(rest: Rest, _doctor: None) -> Callable[[str], None]:
    """`leaves_nothing(id)` deletes a server; after the file's last test nothing of any may be left."""
    return rest.delete


@pytest.fixture(scope="module")
def server_id(_troubled: Troubled) -> Iterator[str]:
    rest = Rest(_troubled.cloud)
    made = rest.boot("shared-one")
    rest.until(made, "ACTIVE")
    yield made
    rest.delete(made)


@pytest.fixture
def guest_screen(troubled: Troubled, server_id: str) -> Iterator[None]:
    """A fake guest has no screen: this answers on its socket whatever it is sent, as a serial port with echo does."""
    server = Rest(troubled.cloud, "admin").server(server_id)
    assert server is not None
    folder = Path(troubled.cloud.ready["run"]) / "hosts" / server["OS-EXT-SRV-ATTR:host"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"serial-{server_id}.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o666)
    listener.listen()

    def echo(line: socket.socket) -> None:
        with line:
            while piece := line.recv(4096):
                line.sendall(piece)

    def serve() -> None:
        while True:
            try:
                line, _address = listener.accept()
            except OSError:
                return  # the fixture closed it
            threading.Thread(target=echo, args=(line,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    path.unlink()
