"""Connection broker of consoles: a ticket opens one connection, and whatever ended the ticket ends the connection."""

import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.run.consoles import Refused, request_guest
from common.clock import now
from compute.consoles import connection_broker, services
from compute.consoles.models import ConsoleTicket, digest
from compute.servers.models import Server
from tests.simulated import Cloud

Launch = Callable[..., str]


class House:
    """A broker that is served step by step, a guest's socket that echoes, and tickets for it."""

    def __init__(self, run: Path, server_id: str) -> None:
        self.run, self.server_id = run, server_id
        self.path = run / "broker.sock"
        self.broker = connection_broker.ConnectionBroker(self.path)
        folder = run / "hosts" / "host1"
        folder.mkdir(parents=True)
        self.guest = socket.socket(socket.AF_UNIX)
        self.guest.bind(str(folder / f"vnc-{server_id}.sock"))
        self.guest.listen(8)
        self.guest.settimeout(5)

    def ticket(self, **more: Any) -> str:
        who = {"user_id": "u", "scope": ["", ""], "delegation": {}, "session": "", "issued_at": "", "audit_ids": []}
        return services.issue(Server.objects.get(pk=self.server_id), "vnc", who=who, **more)

    def request_guest(self, ticket: str, cookies: list[str] | None = None) -> Any:
        """What the proxy gets; the broker serves in between. The database is this thread's."""
        found: list[Any] = []

        def ask() -> None:
            try:
                found.append(request_guest(str(self.path), ticket, cookies or []))
            except Refused as refusal:
                found.append(refusal)

        asking = threading.Thread(target=ask)
        asking.start()
        for _ in range(50):
            self.broker.step(0.1)
            if found:
                break
        asking.join(5)
        return found[0]


@pytest.fixture
def house(world: Cloud, launch: Launch, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    server_id = launch()
    monkeypatch.setattr(connection_broker.watch, "_has_right", lambda facts, server_id: True)
    with tempfile.TemporaryDirectory(prefix="stk-") as folder:  # a socket's path is short
        settings.RUN = Path(folder)
        found = House(settings.RUN, server_id)
        yield found
        found.broker.close()
        found.guest.close()


def test_a_ticket_gives_the_guest_s_own_connection_once(house: House) -> None:
    token = house.ticket()
    line, guest, facts = house.request_guest(token)
    assert facts == {"kind": "vnc", "view_only": False}
    inside, _address = house.guest.accept()
    guest.sendall(b"to the guest")
    assert inside.recv(64) == b"to the guest"
    again = house.request_guest(token)
    assert isinstance(again, Refused) and again.status == 403 and "has been used" in str(again)
    inside.sendall(b"goes on")  # the second try ended nothing
    assert guest.recv(64) == b"goes on"
    line.close()


def test_several_who_show_one_ticket_at_once_get_one_console(house: House) -> None:
    token = house.ticket()
    lines = []
    for _ in range(5):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line.settimeout(5)
        line.connect(str(house.path))
        line.send(json.dumps({"ticket": token, "cookies": []}).encode())
        lines.append(line)
    for _ in range(10):
        house.broker.step(0)
    answers = [socket.recv_fds(line, 4096, 1) for line in lines]
    assert sorted(len(descriptors) for _said, descriptors, _flags, _address in answers) == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("how", ["ticket deleted", "server's end", "its time", "its right"])
def test_what_ends_a_ticket_ends_its_console_whatever_the_proxy_does(
    house: House, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy has the guest's connection in its hands, and would keep it: the broker shuts the connection itself."""
    token = house.ticket()
    line, guest, _facts = house.request_guest(token)
    inside, _address = house.guest.accept()
    inside.settimeout(5)
    if how == "ticket deleted":
        ConsoleTicket.objects.all().delete()
    elif how == "server's end":
        Server.objects.all().delete()
    elif how == "its time":
        ConsoleTicket.objects.update(until=now())
    else:
        monkeypatch.setattr(connection_broker.watch, "may_go_on", lambda row: False)
    house.broker.look()
    assert inside.recv(1) == b"" and guest.recv(1) == b"" and line.recv(1) == b""
    with pytest.raises(OSError):
        guest.sendall(b"still")
    assert isinstance(house.request_guest(token), Refused)


def test_a_proxy_that_leaves_frees_the_guest(house: House) -> None:
    line, guest, _facts = house.request_guest(house.ticket())
    inside, _address = house.guest.accept()
    inside.settimeout(5)
    guest.close()
    line.close()
    house.broker.step(1)
    assert inside.recv(1) == b""  # the broker kept no descriptor of it


def test_a_guest_that_takes_no_connection_costs_no_ticket_and_no_time(house: House) -> None:
    house.guest.listen(0)
    full = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for one in full:
        one.setblocking(False)
        one.connect_ex(house.guest.getsockname())
    token = house.ticket()
    refused = house.request_guest(token)
    assert isinstance(refused, Refused) and refused.status == 503
    assert ConsoleTicket.objects.get(pk=digest(token)).is_fresh


@pytest.mark.parametrize(
    "said", [b"", b"x", b"[]", b'{"ticket": 1}', b'{"ticket": "x", "cookies": 3}', b"\xff" * 9000, b"[" * 8000]
)
def test_what_is_no_question_gets_no_answer_and_ends_nothing(house: House, said: bytes) -> None:
    """C12: the proxy may be a stranger's by now; the others' consoles go on, without a pause."""
    _line, guest, _facts = house.request_guest(house.ticket())
    other = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    other.settimeout(5)
    other.connect(str(house.path))
    other.send(said)
    for _ in range(3):
        house.broker.step(0.1)
    assert other.recv(100) == b""
    inside, _address = house.guest.accept()
    inside.sendall(b"goes on")
    assert guest.recv(64) == b"goes on"


def test_whoever_keeps_the_proxy_s_broker_busy_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_broker, "MOST", 3)
    lines = []
    for _ in range(5):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line.settimeout(5)
        line.connect(str(house.path))
        lines.append(line)
    for _ in range(6):
        house.broker.step(0)
    assert lines[4].recv(1) == b""


def test_open_consoles_say_so_in_their_rows(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    token = house.ticket()
    house.request_guest(token)
    ConsoleTicket.objects.update(seen_at=now().replace(year=2020))
    monkeypatch.setattr(house.broker, "_seen_at", 0.0)
    house.broker.look()
    assert ConsoleTicket.objects.get(pk=digest(token)).seen_at.year > 2020
