"""The fake network driver is a full citizen: it remembers, forgets and fails as the real one does."""

from pathlib import Path

from hostagent.drivers.network import Place
from hostagent.drivers.network.fake import FakeNetwork


def piece(hash_: str, **body: object) -> dict:
    return {"hash": hash_, "body": body}


def test_it_remembers_across_restarts_and_forgets_what_is_removed(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path, "")
    driver = FakeNetwork(place)
    assert driver.ensure_pieces({"network:a": piece("1"), "port:b": piece("2")}, [], full=False) == {}
    again = FakeNetwork(place)
    assert again.read_pieces() == {"network:a": "1", "port:b": "2"}
    again.ensure_pieces({}, ["port:b"], full=False)
    assert again.read_pieces() == {"network:a": "1"}
    again.ensure_pieces({"network:c": piece("3")}, [], full=True)
    assert again.read_pieces() == {"network:c": "3"}


def test_a_piece_asked_to_fail_fails_alone(tmp_path: Path) -> None:
    driver = FakeNetwork(Place(tmp_path, tmp_path, ""))
    failed = driver.ensure_pieces({"port:a": piece("1", fake_fails=True), "port:b": piece("2")}, [], full=False)
    assert failed["port:a"]["code"] == "network_refused"
    assert driver.read_pieces() == {"port:b": "2"}
