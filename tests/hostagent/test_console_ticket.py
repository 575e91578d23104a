"""Who may open a console, and what the log keeps to itself."""

import logging
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import console_ticket
from common.console_ticket import BadTicket, give, make_console_token, read_console_token, revoke, stays_open, sweep
from hostagent.console_plugin import GIVEN, REVOKED, Tickets, hide_tickets

KEY = "ab" * 32
WHAT = {"server_id": "s1", "kind": "vnc", "path": "/run/x/vnc-s1.sock"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "console.key").write_text(KEY)
    return tmp_path


def test_a_ticket_leads_to_its_socket(data: Path) -> None:
    assert Tickets(str(data)).lookup(make_console_token(KEY, **WHAT)) == ("unix_socket", WHAT["path"])


def test_an_expired_or_foreign_ticket_leads_nowhere(data: Path) -> None:
    plugin = Tickets(str(data))
    assert plugin.lookup(make_console_token(KEY, **WHAT, seconds=-2)) is None
    assert plugin.lookup(make_console_token("cd" * 32, **WHAT)) is None


@given(place=st.integers(min_value=0), letter=st.sampled_from("ABCxyz019_-."))
def test_a_changed_ticket_is_never_read(place: int, letter: str) -> None:
    ticket = make_console_token(KEY, **WHAT)
    place %= len(ticket) - 1  # the last letter of base64 holds bits that mean nothing
    changed = ticket[:place] + letter + ticket[place + 1 :]
    if changed != ticket:
        with pytest.raises(BadTicket):
            read_console_token(KEY, changed)


@given(st.text(max_size=60))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    with pytest.raises(BadTicket):
        read_console_token(KEY, text)


def test_a_deleted_server_and_a_revoked_ticket_are_refused_until_no_ticket_can_be_valid(tmp_path: Path) -> None:
    ticket = make_console_token(KEY, **WHAT)
    facts = read_console_token(KEY, ticket, tmp_path)
    for name in (facts["jti"], facts["server_id"]):
        revoke(tmp_path, name)
        with pytest.raises(BadTicket, match="revoked"):
            read_console_token(KEY, ticket, tmp_path)
        assert sweep(tmp_path) == 0
        os.utime(tmp_path / name, (time.time() - 10**5,) * 2)
        assert sweep(tmp_path) == 1


def test_a_ticket_does_not_reach_the_log() -> None:
    ticket = make_console_token(KEY, **WHAT)
    record = logging.LogRecord(
        "websocket", logging.INFO, "", 0, "Path: '/console/?token=%s' of %s", (ticket, "x"), None
    )
    assert hide_tickets(record)
    assert record.getMessage() == "Path: '/console/?token=<ticket>' of x"


def _until(what: list[int], seconds: float = 4) -> None:
    end = time.monotonic() + seconds
    while not what and time.monotonic() < end:
        time.sleep(0.05)


def test_a_console_that_is_open_by_a_share_ends_with_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(Tickets, "end", staticmethod(ended.append))
    plugin, moment = Tickets(str(data)), time.time()
    ticket = make_console_token(KEY, **WHAT, until=moment + 2)
    assert read_console_token(KEY, ticket)["exp"] <= moment + 2  # nor does it open a console after that
    assert plugin.lookup(ticket) is not None and not ended
    _until(ended)
    assert ended and time.time() >= moment + 2


def test_a_console_ends_when_its_share_is_withdrawn(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(Tickets, "end", staticmethod(ended.append))
    ticket = make_console_token(KEY, **WHAT, marks=["share", "share-user"])
    assert Tickets(str(data)).lookup(ticket) is not None and not ended
    revoke(data / REVOKED, "share-user")
    _until(ended)
    assert ended and Tickets(str(data)).lookup(ticket) is None


def test_an_open_console_says_so_and_ends_when_its_ticket_is_revoked(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control looks again at who opened it as long as it is open, and cuts it by its ticket's name."""
    ended: list[int] = []
    monkeypatch.setattr(Tickets, "end", staticmethod(ended.append))
    facts = read_console_token(KEY, ticket := make_console_token(KEY, **WHAT))
    give(data / GIVEN, facts, {"user_id": "u1"})
    os.utime(data / GIVEN / facts["jti"], (1, 1))
    assert Tickets(str(data)).lookup(ticket) is not None
    touched: list[int] = []
    threading.Timer(0.5, lambda: touched.append((data / GIVEN / facts["jti"]).stat().st_mtime > 1)).start()
    _until(touched)
    assert touched == [True] and not ended
    assert console_ticket.given(data / GIVEN)[facts["jti"]]["user_id"] == "u1"
    revoke(data / REVOKED, facts["jti"])
    _until(ended)
    assert ended


def test_a_console_that_nobody_keeps_open_is_forgotten_once_its_ticket_is_over(tmp_path: Path) -> None:
    facts = read_console_token(KEY, make_console_token(KEY, **WHAT))
    give(tmp_path, {**facts, "exp": time.time() - 1}, {})
    assert facts["jti"] in console_ticket.given(tmp_path)  # touched a moment ago: it is open
    os.utime(tmp_path / facts["jti"], (time.time() - console_ticket.QUIET - 1,) * 2)
    assert console_ticket.given(tmp_path) == {} and not list(tmp_path.iterdir())
    stays_open(tmp_path, facts["jti"])  # its console is told by nobody that it is forgotten
