"""One port, one reader, many viewers; a log that misses nothing."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hostagent.agent.control_link import ControlError
from hostagent.console.console_log import ConsoleLogs
from hostagent.console.serial import SerialHub
from hostagent.drivers.hypervisor.domain_xml import Places
from hostagent.process.threads import Threads

pytestmark = pytest.mark.process


class Guest:
    """QEMU's end of a serial port."""

    def __init__(self, path: Path) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.listener.settimeout(5)

    def accept(self) -> socket.socket:
        port, _ = self.listener.accept()
        port.settimeout(5)
        return port


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "consoles").mkdir()
    heard: list[bytes] = []
    hub = SerialHub(
        lambda server_id: Places(tmp_path, tmp_path, server_id), lambda server_id, piece: heard.append(piece)
    )
    hub.start()
    yield SimpleNamespace(hub=hub, heard=heard, places=Places(tmp_path, tmp_path, "s"))
    hub.stop()


def viewer(places: Places) -> socket.socket:
    end = time.monotonic() + 5
    while True:
        socket_ = socket.socket(socket.AF_UNIX)
        socket_.settimeout(5)
        try:
            socket_.connect(str(places.serial))
        except OSError:  # not there yet, or there and not listened on
            socket_.close()
            assert time.monotonic() < end, "nobody listens for viewers"
            time.sleep(0.01)
        else:
            return socket_


def read(source: socket.socket, until: bytes) -> bytes:
    got = b""
    while until not in got:
        piece = source.recv(4096)
        assert piece, f"closed after {got!r}"
        got += piece
    return got


def test_all_viewers_see_all_and_any_may_type(hub: Any) -> None:
    guest = Guest(hub.places.serial_guest)
    hub.hub.watch("s")
    port = guest.accept()
    first = viewer(hub.places)
    port.sendall(b"hello ")
    read(first, b"hello ")
    second = viewer(hub.places)
    port.sendall(b"world")
    assert read(second, b"world") == b"hello world"
    assert read(first, b"world") == b"world"
    first.sendall(b"a")
    read(port, b"a")
    second.sendall(b"b")
    read(port, b"b")
    assert b"".join(hub.heard) == b"hello world"


def test_a_guest_that_starts_later_and_again_is_found(hub: Any) -> None:
    hub.hub.watch("s")
    time.sleep(0.1)
    guest = Guest(hub.places.serial_guest)
    port = guest.accept()
    watching = viewer(hub.places)
    port.sendall(b"one")
    read(watching, b"one")
    port.close()
    port = guest.accept()
    port.sendall(b"two")
    read(watching, b"two")


def test_viewers_are_cut_when_the_server_goes(hub: Any) -> None:
    hub.hub.watch("s")
    watching = viewer(hub.places)
    hub.hub.forget("s")
    assert watching.recv(10) == b""
    assert not hub.places.serial.exists()


def test_what_was_said_before_the_agent_came_is_shown(hub: Any) -> None:
    hub.places.log.write_bytes(b"early words")
    hub.hub.watch("s")
    assert read(viewer(hub.places), b"words") == b"early words"


class Control:
    def __init__(self) -> None:
        self.copy = bytearray()
        self.status = 0

    def append(self, path: str, piece: bytes) -> dict[str, Any]:
        if self.status:
            raise ControlError("away", self.status)
        offset = int(path.rpartition("=")[2])
        self.copy[offset:] = piece
        return {}


@pytest.fixture
def desk_of_logs(tmp_path: Path) -> Any:
    (tmp_path / "consoles").mkdir()
    events: list[tuple[str, dict[str, Any]]] = []
    host = SimpleNamespace(
        threads=Threads(),
        name="h",
        own=SimpleNamespace(data=tmp_path),
        link=Control(),
        reporter=SimpleNamespace(event=lambda name, **facts: events.append((name, facts))),
    )
    return SimpleNamespace(
        host=host, events=events, log=tmp_path / "consoles" / "s.log", make=lambda: ConsoleLogs(host)
    )


def wait_for_copy(control: Control, content: bytes) -> None:
    end = time.monotonic() + 5
    while bytes(control.copy) != content and time.monotonic() < end:
        time.sleep(0.02)
    assert bytes(control.copy) == content


def test_control_gets_the_log_once_and_a_new_agent_goes_on(desk_of_logs: Any) -> None:
    first = desk_of_logs.make()
    first.start()
    desk_of_logs.log.write_bytes(b"booting")
    first.grew("s", b"booting")
    wait_for_copy(desk_of_logs.host.link, b"booting")
    first.stop()
    with desk_of_logs.log.open("ab") as file:
        file.write(b" while no agent ran")
    second = desk_of_logs.make()
    second.start()
    second.grew("s", b"")
    wait_for_copy(desk_of_logs.host.link, b"booting while no agent ran")
    second.stop()


def test_a_log_that_was_rolled_over_goes_on_behind_the_old_one(desk_of_logs: Any) -> None:
    logs = desk_of_logs.make()
    logs.start()
    desk_of_logs.log.write_bytes(b"old ")
    logs.grew("s", b"")
    wait_for_copy(desk_of_logs.host.link, b"old ")
    desk_of_logs.log.rename(desk_of_logs.log.with_suffix(".log.0"))
    desk_of_logs.log.write_bytes(b"new")
    logs.grew("s", b"")
    wait_for_copy(desk_of_logs.host.link, b"old new")
    logs.stop()


@pytest.mark.parametrize("pieces", [[b"\r\ndemo login: "], [b"demo lo", b"gin: "], [b"\r\nlogin:"]])
def test_a_login_prompt_is_one_fact_a_boot(desk_of_logs: Any, pieces: list[bytes]) -> None:
    logs = desk_of_logs.make()
    for piece in [b"Last login: yesterday\r\n", *pieces, b"x", b"\r\ndemo login: "]:
        logs.grew("s", piece)
    assert [name for name, _ in desk_of_logs.events] == ["login"]
    logs.began("s")
    logs.grew("s", b"demo login: ")
    assert [name for name, _ in desk_of_logs.events] == ["login", "login"]
