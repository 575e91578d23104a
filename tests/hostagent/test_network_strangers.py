"""Pieces of networks that nobody knows are set aside, or stay where they are many (A4)."""

from typing import Any

import pytest

from hostagent.contract.network import piece_hash


def piece(number: int) -> dict[str, Any]:
    body = {"id": f"n{number}", "kind": "local", "mtu": 1450}
    return {"hash": piece_hash(body), "body": body}


def tell(desk: Any, pieces: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the host says it has then."""
    desk.order("network.apply", {"full": True, "pieces": pieces, "remove": [], **more})
    return dict([report for report in desk.reports if report["kind"] == "network"][-1]["body"]["hashes"])


def aside(desk: Any) -> dict[str, Any]:
    return {item["key"]: item["record"] for item in desk.order("setaside.list", {})["body"]["items"]}


@pytest.mark.parametrize("unknown", [2, 3])
def test_a_few_unknown_pieces_are_set_aside_and_many_stay(desk: Any, unknown: int) -> None:
    """A4: a whole document of an older database took away every network made since."""
    have = {f"network:n{n}": piece(n) for n in range(unknown + 4)}
    tell(desk, have)
    known = dict(list(have.items())[unknown:])
    left = tell(desk, known)
    if unknown == 2:
        assert set(left) == set(known) and aside(desk) == {k: have[k]["body"] for k in set(have) - set(known)}
        return
    assert set(left) == set(have) and aside(desk) == {}
    assert set(tell(desk, known, allowed=True)) == set(known), "an operator's word"
    assert aside(desk) == {k: have[k]["body"] for k in set(have) - set(known)}


def test_what_control_knows_to_be_gone_goes_however_much_it_is(desk: Any) -> None:
    have = {f"network:n{n}": piece(n) for n in range(9)}
    tell(desk, have)
    assert tell(desk, {}, remove=list(have)) == {} and aside(desk) == {}


def test_strays_of_a_report_are_set_aside_too(desk: Any) -> None:
    have = {f"network:n{n}": piece(n) for n in range(3)}
    tell(desk, have)
    left = tell(desk, {}, full=False, aside=["network:n1", "network:none"])
    assert set(left) == {"network:n0", "network:n2"} and set(aside(desk)) == {"network:n1"}


def test_what_is_wanted_again_leaves_no_note(desk: Any) -> None:
    """A power cut took from control that it had asked for a piece; going on, it asks for it anew."""
    have = {f"network:n{n}": piece(n) for n in range(6)}
    tell(desk, have)
    known = dict(list(have.items())[2:])
    tell(desk, known)
    assert set(aside(desk)) == {"network:n0", "network:n1"}
    left = tell(desk, {"network:n0": have["network:n0"]}, full=False)
    assert set(left) == {"network:n0", *known} and set(aside(desk)) == {"network:n1"}
