"""What a host reports of its network: what came of an order, and all that it has only where it was asked for."""

import json
from typing import Any

import pytest

from hostagent.agent.outbox import Outbox
from hostagent.contract.network import piece_hash
from hostagent.contract.reports import Kind


def piece(name: str, **more: Any) -> dict[str, Any]:
    body = {"id": name, **more}
    return {"hash": piece_hash(body), "body": body}


def tell(desk: Any, pieces: dict[str, Any], *, kind: Kind = Kind.NETWORK_CHANGE, **more: Any) -> dict[str, Any]:
    """Order it, and give what the host reports then."""
    before = len([report for report in desk.reports if report["kind"] == kind])
    order = {"full": False, "pieces": pieces, "remove": [], "only_change": True, **more}
    desk.order("network.apply", order)
    said = [report["body"] for report in desk.reports if report["kind"] == kind][before:]
    assert len(said) == 1, "once"
    return dict(said[0])


@pytest.mark.parametrize("others", [3, 300])
def test_one_piece_more_is_one_hash_however_many_the_host_has(desk: Any, others: int) -> None:
    tell(desk, {f"port:p{n}": piece(f"p{n}") for n in range(others)})
    one = piece("new")
    said = tell(desk, {"port:new": one})
    assert said == {"hashes": {"port:new": one["hash"]}, "failed": {}, "left_out": {}}


def test_control_that_does_not_ask_for_less_hears_all(desk: Any) -> None:
    """Control of before knows no other report; an agent says all at its start too."""
    desk.until(lambda r: r["kind"] == "network")
    have = {f"port:p{n}": piece(f"p{n}") for n in range(3)}
    tell(desk, have)
    more = {"port:new": piece("new")}
    said = tell(desk, more, kind=Kind.NETWORK, only_change=False)
    assert said["hashes"] == {key: one["hash"] for key, one in {**have, **more}.items()}


def test_what_is_removed_or_set_aside_is_said_to_be_gone(desk: Any) -> None:
    tell(desk, {f"network:n{n}": piece(f"n{n}") for n in range(3)})
    assert tell(desk, {}, remove=["network:n0"])["hashes"] == {"network:n0": ""}
    assert tell(desk, {}, aside=["network:n1", "network:none"])["hashes"] == {"network:n1": "", "network:none": ""}


def test_a_piece_that_does_not_stand_is_said_until_it_does(desk: Any) -> None:
    said = tell(desk, {"port:bad": piece("bad", fake_fails=True)})
    assert said["hashes"] == {"port:bad": ""} and said["failed"]["port:bad"]["code"] == "network_refused"
    again = tell(desk, {"port:p": piece("p")})
    assert again["hashes"] == {"port:bad": "", "port:p": piece("p")["hash"]} and set(again["failed"]) == {"port:bad"}
    assert tell(desk, {"port:bad": piece("bad")})["failed"] == {}
    assert set(tell(desk, {"port:p": piece("p")})["hashes"]) == {"port:p"}


def test_what_was_given_up_unasked_is_said_with_the_next_change(desk: Any) -> None:
    """The report that said so first may have been lost: control would count on a router that is not there."""
    tell(desk, {"router:r": piece("r"), "port:p": piece("p")})
    desk.host.network.isolate()
    assert tell(desk, {"port:p": piece("p")})["hashes"] == {"router:r": "", "port:p": piece("p")["hash"]}


def test_options_that_are_left_out_are_said_of_the_servers_that_were_named(desk: Any) -> None:
    def server(port: str) -> dict[str, Any]:
        return piece("n", hosts=[{"port_id": port, "options": [{"opt_value": "fake_refused"}]}])

    assert tell(desk, {"dhcp:a": server("one")})["left_out"] == {"one": "asked to leave them out"}
    assert tell(desk, {"dhcp:b": server("two")})["left_out"] == {"two": "asked to leave them out"}
    assert tell(desk, {"port:p": piece("p")})["left_out"] == {}


def test_no_change_is_lost_while_the_broker_is_away() -> None:
    """All that a host has replaces what it had before; one change does not replace another."""
    gone: list[tuple[str, Any]] = []
    away = [True]

    def send(message: dict[str, Any], kind: Kind) -> None:
        if away[0]:
            raise ConnectionError("away")
        gone.append((message["kind"], json.loads(json.dumps(message["body"]))))

    outbox = Outbox(send)

    def put(kind: Kind, body: Any) -> None:
        outbox.put(dict, {"host": "h", "kind": kind, "body": body})

    put(Kind.EVENT, 0)
    outbox.start()
    while outbox.seconds_away == 0.0:
        continue
    for kind, body in ((Kind.NETWORK_CHANGE, 1), (Kind.NETWORK, 2), (Kind.NETWORK_CHANGE, 3), (Kind.NETWORK, 4)):
        put(kind, body)
    away[0] = False
    outbox.stop(5)
    assert gone == [("event", 0), ("network_change", 1), ("network_change", 3), ("network", 4)]
