"""What nobody knows is set aside on its host, whole, and goes by the host's own clock; an older database changes nothing."""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hostagent.agent.seen import Seen
from hostagent.agent.setaside import SetAside
from hostagent.contract import VERBS
from hostagent.contract.failures import Failure
from hostagent.contract.setaside import SETASIDE_DAYS
from hostagent.drivers.guest_files import GuestFiles
from hostagent.drivers.registry import choose
from hostagent.drivers.storage.file import FileStorage
from tests.hostagent.test_fake import boot

CLOUD = {"id": "c1", "life": "l1", "count": 5}


def test_a_server_set_aside_is_kept_whole_and_comes_back(desk: Any, spec: dict[str, Any]) -> None:
    """A4: nothing of it is destroyed; the note says what it was, when and why."""
    server_id = spec["server_id"]
    boot(desk, {**spec, "metadata": {"name": "mine", "project_id": "red"}})
    note = desk.order("setaside.put", {"server_id": server_id, "why": "nobody knows it"})["body"]
    assert (note["key"], note["why"], note["state"]) == (server_id, "nobody knows it", "running")
    assert note["record"] == {"name": "mine", "project_id": "red"} and json.loads(note["xml"])["vcpus"] == 1
    assert round((note["until"] - note["at"]) / 86400) == SETASIDE_DAYS == 14
    facts = desk.order("host.read", {})["body"]
    assert (facts["servers"], facts["disks"]) == ({}, [])
    assert [item["id"] for item in facts["setaside"]] == [note["id"]]
    again = desk.order("setaside.put", {"server_id": server_id, "why": "again"})["body"]
    assert again == {}, "once is enough"
    back = desk.order("setaside.back", {"server_id": server_id, "id": note["id"]})["body"]
    assert back["record"]["name"] == "mine"
    facts = desk.order("host.read", {})["body"]
    assert (facts["servers"], facts["disks"], facts["setaside"]) == ({server_id: "shutoff"}, [server_id], [])


def test_one_is_dropped_at_a_word_and_names_lead_nowhere_else(desk: Any, spec: dict[str, Any]) -> None:
    boot(desk, spec)
    note = desk.order("setaside.put", {"server_id": spec["server_id"], "why": "?"})["body"]
    for name in ("..", "../..", "/etc", f"{note['id']}/../..", "", "."):
        desk.order("setaside.drop", {"id": name})
        assert desk.order("setaside.back", {"server_id": "x", "id": name})["body"]["code"] == "not_found"
    assert [item["id"] for item in desk.order("setaside.list", {})["body"]["items"]] == [note["id"]]
    desk.order("setaside.drop", {"id": note["id"]})
    assert desk.order("setaside.list", {})["body"] == {"items": []}
    assert desk.host.own.data.exists()


def test_it_goes_by_the_hosts_own_clock_after_two_weeks(tmp_path: Path) -> None:
    now = [1_000_000.0]
    aside = SetAside(tmp_path / "setaside", clock=lambda: now[0])
    note, place = aside.begin("server", "s", "why")
    (place / "disks").mkdir()
    aside.finish(note, place)
    now[0] += SETASIDE_DAYS * 86400 - 1
    assert aside.expire() == [] and len(aside.items()) == 1
    now[0] += 1
    assert aside.expire() == [note["id"]] and aside.items() == []


def test_a_clock_that_was_set_back_removes_nothing(tmp_path: Path) -> None:
    now = [5_000_000.0]
    aside = SetAside(tmp_path / "setaside", clock=lambda: now[0])
    aside.finish(*aside.begin("server", "s", "why"))
    now[0] = 0.0
    assert aside.expire() == []


class Killed(BaseException):
    pass


@pytest.mark.parametrize("where", ["begin", "describe", "put_aside", "storage", "finish"])
def test_a_kill_at_any_step_loses_nothing(
    make_desk: Any, spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A4: the note is on the disk before anything moves; the same order goes on with what was begun."""
    desk = make_desk()
    boot(desk, {**spec, "metadata": {"name": "mine"}})
    place = {
        "begin": (desk.host.aside, "begin"), "describe": (desk.host.hypervisor, "describe"),
        "put_aside": (desk.host.hypervisor, "put_aside"), "storage": (desk.host.storage, "put_aside"),
        "finish": (desk.host.aside, "finish"),
    }[where]  # fmt: skip
    real = getattr(*place)
    for first in (True, False):

        def dying(*args: Any, real: Any = real, first: bool = first, **more: Any) -> Any:
            if not first:
                real(*args, **more)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(*place, dying)
            order = desk.make("setaside.put", {"server_id": spec["server_id"], "why": "?"})
            from hostagent.agent.job import Job
            from hostagent.agent.tasks import setaside

            with pytest.raises(Killed):
                job = Job(order)
                job.begin()
                setaside.put(desk.host, job.body, job)
    desk.order("setaside.put", {"server_id": spec["server_id"], "why": "?"})
    (item,) = desk.order("setaside.list", {})["body"]["items"]
    assert item["record"] == {"name": "mine"} and json.loads(item["xml"])["name"] == spec["name"]
    desk.order("setaside.back", {"server_id": spec["server_id"], "id": item["id"]})
    facts = desk.order("host.read", {})["body"]
    assert facts["disks"] == [spec["server_id"]] and facts["servers"] == {spec["server_id"]: "shutoff"}


def test_disks_and_logs_are_moved_never_copied_or_overwritten(tmp_path: Path) -> None:
    chosen = choose()
    settings = SimpleNamespace(image_cache=0, drivers=chosen)
    host: Any = SimpleNamespace(own=SimpleNamespace(data=tmp_path), link=None, settings=settings)
    storage, files = FileStorage(host, chosen.main("storage")), GuestFiles(tmp_path)
    files.start()
    (storage.disks / "s").mkdir()
    (storage.disks / "s" / "root.qcow2").write_text("data")
    (files.consoles / "s.log").write_text("log")
    files.keep_record("s", {"name": "mine"})
    aside = SetAside(tmp_path / "setaside")
    note, place = aside.begin("server", "s", "why")
    storage.put_aside("s", place)
    files.put_aside("s", place)
    note = aside.finish(note, place)
    assert note["files"] == ["consoles", "consoles/s.log", "disks", "disks/root.qcow2", "disks/server.json"]
    assert storage.read_disks() == []
    (storage.disks / "s").mkdir()
    with pytest.raises(Failure, match="hypervisor_refused"):
        storage.take_back("s", aside.place(note["id"]))
    (storage.disks / "s").rmdir()
    storage.take_back("s", aside.place(note["id"]))
    files.take_back("s", aside.place(note["id"]))
    assert storage.root_path("s").read_text() == "data" and files.read_record("s") == {"name": "mine"}
    assert (files.consoles / "s.log").read_text() == "log"


# ── An older database ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_host_saw_is_remembered_beyond_the_agent(make_desk: Any, spec: dict[str, Any]) -> None:
    desk = make_desk()
    desk.order("server.remove", {"server_id": "x"}, cloud=CLOUD)
    desk.close()
    second = make_desk()
    assert second.until(lambda r: r["kind"] == "hello")["body"]["cloud"] == CLOUD
    assert second.until(lambda r: r["kind"] == "heartbeat")["body"]["cloud"] == CLOUD


@pytest.mark.parametrize(
    "older", [{**CLOUD, "count": 4}, {"id": "c2", "life": "l9", "count": 99}], ids=["an older copy", "another database"]
)
def test_an_order_of_an_older_database_changes_nothing(desk: Any, spec: dict[str, Any], older: dict[str, Any]) -> None:
    """A4: the second lock, on the host itself: every verb that changes anything is refused, reading is not."""
    boot(desk, spec)
    desk.order("host.read", {}, cloud=CLOUD)
    assert desk.host.seen.cloud is None, "reading settles nothing"
    desk.order("server.pause", {"server_id": spec["server_id"]}, cloud=CLOUD)
    bodies: dict[str, dict[str, Any]] = {
        name: {need: spec.get(need, "x") for need in verb.needs}
        for name, verb in VERBS.items()
        if not verb.of_any_cloud
    }
    for verb, body in bodies.items():
        failed = desk.order(verb, {**body, "server_id": spec["server_id"]}, cloud=older)
        assert (failed["kind"], failed["body"]["code"]) == ("failed", "estranged"), verb
    facts = desk.order("host.read", {}, cloud=older)["body"]
    assert facts["servers"] == {spec["server_id"]: "paused"}


def test_an_order_that_was_overtaken_while_the_count_rose_is_done(desk: Any, spec: dict[str, Any]) -> None:
    """Orders come by two queues and are sent by several threads: each minute one of them failed as an older database's."""
    boot(desk, spec)
    body, moment = {"server_id": spec["server_id"]}, time.time()
    before = {**CLOUD, "count": 4}
    assert desk.order("server.pause", body, cloud=CLOUD, sent=moment)["kind"] == "done"
    assert desk.order("server.unpause", body, cloud=before, sent=moment - 0.01)["kind"] == "done"
    assert desk.host.seen.cloud == CLOUD, "the newest is what it remembers"
    failed = desk.order("server.pause", body, cloud=before, sent=moment + 0.01)
    assert (failed["kind"], failed["body"]["code"]) == ("failed", "estranged")


def test_an_operators_word_lets_the_older_one_count(desk: Any, spec: dict[str, Any]) -> None:
    boot(desk, spec)
    body = {"server_id": spec["server_id"]}
    subject = {"subject": f"server:{spec['server_id']}"}
    desk.order("server.pause", body, cloud=CLOUD, generation=7, **subject)
    older = {**CLOUD, "count": 4}
    assert desk.order("server.unpause", body, cloud=older, generation=3, **subject)["kind"] == "failed"
    desk.order("host.recognise", {"cloud": older}, cloud=older)
    done = desk.order("server.unpause", body, cloud=older, generation=3, **subject)
    assert done["kind"] == "done", "its generations are those of its own rows"


def test_a_memory_cut_by_a_kill_is_whole(tmp_path: Path) -> None:
    seen = Seen(tmp_path / "cloud.json")
    seen.take(CLOUD)  # type: ignore[arg-type]
    (tmp_path / "cloud.json.new").write_text('{"id": "c')
    assert Seen(tmp_path / "cloud.json").cloud == CLOUD


def test_a_piece_of_a_network_is_not_given_back_as_a_servers_disk(desk: Any) -> None:
    note, place = desk.host.aside.begin("network", "port:p", "nobody wants it")
    (place / "piece").write_text("it")
    kept = desk.host.aside.finish(note, place)
    failed = desk.order("setaside.back", {"id": kept["id"], "server_id": "port-p"})
    assert (failed["kind"], failed["body"]["code"]) == ("failed", "not_found")
    assert [item["id"] for item in desk.host.aside.items()] == [kept["id"]], "it is there still"
