"""What a host keeps in files may be spoiled by a crash of the machine, or by its disk: no agent ends of it."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hostagent.agent.seen import UNREADABLE, Seen
from hostagent.agent.setaside import SetAside
from hostagent.contract.failures import Failure
from hostagent.drivers.hypervisor.acceleration import Acceleration
from hostagent.drivers.network import Place
from hostagent.drivers.network.fake import FakeNetwork
from hostagent.drivers.network.linux_bridge.driver import LinuxBridge
from hostagent.process.durable import write_whole

SPOILED = [b"", b"\xff\xfe{", b"\0" * 64, b"[[[5]]]", b'{"id": 5}', b"[" * 100_000]


@pytest.mark.parametrize("content", SPOILED)
def test_a_host_that_forgot_whom_it_served_asks_for_an_operator(content: bytes, tmp_path: Path) -> None:
    """C7, A4: the agent ended each time it was started; and it must not take any database's word instead."""
    path = tmp_path / "cloud.json"
    path.write_bytes(content)
    seen = Seen(path)
    assert seen.cloud == UNREADABLE
    order: dict[str, Any] = {"verb": "server.remove", "sent": 1.0, "cloud": {"id": "c", "life": "l", "count": 1}}
    with pytest.raises(Failure, match="estranged"):
        seen.accept(order)
    seen.take(order["cloud"])  # an operator's word
    seen.accept(order)
    assert Seen(path).cloud == order["cloud"]


@pytest.mark.parametrize("content", SPOILED)
def test_what_a_host_was_told_of_networks_is_asked_for_again(content: bytes, tmp_path: Path) -> None:
    """C7."""
    folder = tmp_path / "network"
    folder.mkdir()
    (folder / "pieces.json").write_bytes(content)
    place = Place(tmp_path, tmp_path, "")
    assert FakeNetwork(place).read_pieces() == {}
    assert LinuxBridge(place).read_pieces() == {}


@pytest.mark.parametrize("content", SPOILED)
def test_a_router_that_may_have_been_given_up_answers_once_control_has_asked(content: bytes, tmp_path: Path) -> None:
    """C7: which gateway ports were given up cannot be read: none is taken for one that stands."""
    folder = tmp_path / "network"
    folder.mkdir()
    (folder / "pieces.json").write_text('{"router:r": {"hash": "1", "body": {}}, "dhcp:n": {"hash": "2", "body": {}}}')
    (folder / "given-up.json").write_bytes(content)
    driver = LinuxBridge(Place(tmp_path, tmp_path, ""))
    assert driver.read_pieces() == {"dhcp:n": "2"} and driver.without_gateway == {"router:r"}


@pytest.mark.parametrize("content", SPOILED)
def test_other_records_that_are_spoiled_count_as_none(content: bytes, tmp_path: Path) -> None:
    """C7."""
    aside = SetAside(tmp_path / "setaside")
    note, part = aside.begin("server", "s1", "test")
    whole = aside.finish(note, part)
    spoiled = tmp_path / "setaside" / "1-s2" / "note.json"
    spoiled.parent.mkdir()
    spoiled.write_bytes(content)
    assert aside.items() == [whole] and aside.expire() == []
    (tmp_path / "acceleration.json").write_bytes(content)
    Acceleration(tmp_path, os.devnull, lambda: None)._look()


def test_orders_of_several_threads_remember_the_newest_database(tmp_path: Path) -> None:
    """C7, A4: each minute two of them met over one name beside the file, and one failed its server's boot."""
    seen = Seen(tmp_path / "cloud.json")
    counts = range(1, 301)

    def order(count: int) -> None:
        cloud = {"id": "c", "life": "l", "count": count}
        seen.accept({"verb": "server.remove", "sent": float(count), "cloud": cloud})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(order, counts))
    assert seen.cloud is not None and seen.cloud["count"] == counts[-1]
    assert Seen(tmp_path / "cloud.json").cloud == seen.cloud


def test_a_file_that_several_threads_write_is_one_of_theirs(tmp_path: Path) -> None:
    """C7: any file that is put in another's place, not the one in which it was seen."""
    texts = [json.dumps([number] * 2000) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_whole(tmp_path / "kept.json", text), texts))
    assert (tmp_path / "kept.json").read_text() in texts
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]
