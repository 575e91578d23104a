"""What hosts say their network is: a change costs what it changes, and what got lost is said again."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.clock import now
from hosts.models import Host
from networking.desired import reports, sync
from networking.desired.models import HostPiece
from networking.ports import services as ports
from networking.ports.models import Port

Ordered = list[tuple[str, dict[str, Any]]]
UP = {"number": 7, "state": "up", "underlay_ip": "10.99.0.7"}


@pytest.fixture
def ordered(monkeypatch: pytest.MonkeyPatch, agents: Any) -> Ordered:
    """(host, body) of what is ordered from now on; nothing arrives."""
    found: Ordered = []
    monkeypatch.setattr(sync.hosts, "send", lambda host, verb, body, **more: found.append((host, dict(body))))
    monkeypatch.setattr(reports, "_strays", {})
    return found


def row(piece: str, host: str = "host1", **more: Any) -> HostPiece:
    """A piece that the host has been told of, and has not said to have."""
    values = {"wanted": piece[-1] * 32, "wanted_at": 5, "is_behind": True, "sent_at": now(), **more}
    return HostPiece.objects.create(host=host, piece=piece, **values)


def change(hashes: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"hashes": hashes, "failed": {}, "left_out": {}, **more}


def reported(host: str = "host1") -> dict[str, str]:
    return dict(HostPiece.objects.filter(host=host).values_list("piece", "reported"))


def test_a_change_is_of_its_own_pieces_and_of_no_other(ordered: Ordered) -> None:
    for piece in ("port:a", "port:b", "network:c"):
        row(piece)
    row("port:a", host="host2")
    reports.on_network("host1", {"hashes": {"port:b": "b" * 32}, "failed": {}})
    reports.on_change("host1", change({"port:a": "a" * 32}))
    assert reported() == {"port:a": "a" * 32, "port:b": "b" * 32, "network:c": ""}
    assert reported("host2") == {"port:a": ""}
    reports.on_change("host1", change({"port:b": "", "network:c": ""}, failed={"network:c": {"code": "internal"}}))
    assert reported() == {"port:a": "a" * 32, "port:b": "", "network:c": ""}
    assert HostPiece.objects.get(piece="network:c").failure == {"code": "internal"}
    assert not HostPiece.objects.get(piece="port:a", host="host1").is_behind and ordered == []


@pytest.mark.parametrize("pieces", [1, 5, 40, 100])
def test_a_change_costs_what_it_changes_and_not_what_the_host_has(ordered: Ordered, pieces: int) -> None:
    HostPiece.objects.bulk_create(
        HostPiece(host=host, piece=f"port:{n}", wanted="w" * 32, is_behind=True)
        for host in ("host1", "host2")
        for n in range(400)
    )
    said = change({f"port:{n}": "w" * 32 for n in range(pieces)})
    read: list[int] = []
    seen = reports._store
    with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as asked:
        patch.setattr(reports, "_of_host", lambda host: pytest.fail("all that the host has was read"))
        patch.setattr(reports, "_store", lambda rows, *more: read.append(len(rows)) or seen(rows, *more))
        reports.on_change("host1", said)
        few = len(asked)
        reports.on_change("host1", said)
    assert read == [pieces] and few <= 16 and len(asked) - few <= 3, "said again it writes nothing"
    assert sum(hash != "" for hash in reported().values()) == pieces
    assert set(reported("host2").values()) == {""}


def test_a_change_that_got_lost_is_said_again_when_its_piece_is_sent_again(ordered: Ordered, private: Any) -> None:
    sync.drain()
    private.refresh_from_db()
    host = private.dhcp_host
    ordered.clear()
    HostPiece.objects.filter(host=host).update(sent_at=now() - timedelta(seconds=sync.RESEND_AFTER + 1))
    sync.recover()
    [(to, body)] = [one for one in ordered if one[0] == host]
    assert body["only_change"] and set(body["pieces"]) == {f"dhcp:{private.id}", f"network:{private.id}"}
    reports.on_change(to, change({piece: told["hash"] for piece, told in body["pieces"].items()}))
    assert not HostPiece.objects.filter(host=host, is_behind=True).exists()


def test_an_older_change_that_comes_late_makes_a_piece_look_behind(ordered: Ordered) -> None:
    row("port:a", history=[["1" * 32, 4], ["a" * 32, 5]])
    reports.on_change("host1", change({"port:a": "a" * 32}))
    reports.on_change("host1", change({"port:a": "1" * 32}))
    late = HostPiece.objects.get()
    assert (late.reported, late.reported_at, late.is_behind) == ("1" * 32, 4, True)


def test_a_piece_that_a_change_names_and_no_row_knows_is_no_stray(ordered: Ordered) -> None:
    """It is the answer about one that was to be set aside, and that many others keep from going: asked again at once, control
    and the host would talk without end."""
    reports.on_change("host1", change({"network:s": "5" * 32}))
    assert ordered == [] and reported() == {}


def test_strays_are_set_aside_once_a_minute_however_often_a_host_says_them(
    ordered: Ordered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Agents of before answer with all that they have: where much of it stayed, control asked again at once, for ever."""
    row("port:a", reported="a" * 32, is_behind=False)
    said = {"hashes": {"port:a": "a" * 32, **{f"network:{n}": "5" * 32 for n in range(5)}}, "failed": {}}
    for _ in range(3):
        reports.on_network("host2", said)
    assert [(host, len(body["aside"])) for host, body in ordered] == [("host2", 6)]
    monkeypatch.setattr(reports, "ASK_EVERY", 0.0)
    reports.on_network("host2", said)
    assert len(ordered) == 2
    reports.on_network("host1", said)
    assert ordered[-1][0] == "host1" and len(ordered[-1][1]["aside"]) == 5


def test_what_one_dhcp_server_leaves_out_says_nothing_of_another(ordered: Ordered, private: Any, demo: Any) -> None:
    port = ports.create(demo, network_id=private.id)
    private.refresh_from_db()
    host = private.dhcp_host
    shown = lambda: Port.objects.get(pk=port.id).dhcp_refusal  # noqa: E731
    of_it, of_other = f"dhcp:{private.id}", "dhcp:other"
    reports.on_change(host, change({of_it: "1" * 32}, left_out={port.id: "67: bad"}))
    assert shown() == "67: bad"
    reports.on_change(host, change({of_other: "1" * 32}))
    reports.on_change(host, change({"port:p": "1" * 32}))
    assert shown() == "67: bad"
    reports.on_change(host, change({of_it: "2" * 32}))
    assert shown() == ""


def test_every_host_that_is_up_is_asked_for_all_it_has_once_in_a_while(
    ordered: Ordered, monkeypatch: pytest.MonkeyPatch
) -> None:
    Host.objects.create(name="host7", **UP)
    Host.objects.create(name="away", **{**UP, "number": 8, "state": "down"})
    began = 1_800_000_000.0
    for part in range(sync.PARTS):
        monkeypatch.setattr("time.time", lambda part=part: began + part * sync.INSPECT_EVERY / sync.PARTS)
        sync.inspect()
    assert sorted(host for host, _body in ordered) == ["host1", "host2", "host7"]
    assert all(body == {"full": False, "pieces": {}, "remove": []} for _host, body in ordered)
