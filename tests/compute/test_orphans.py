"""What nobody knows is set aside, never removed; where it is much, or the database is old, an operator decides (A4)."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from common.clock import now
from compute.management.commands import setaside
from compute.servers.history import timeline
from compute.servers.lifecycle import orphans, reconcile
from compute.servers.models import Server
from hosts import debts, doctor, epoch, reconciliation, reports
from hosts.models import Host, HostDebt
from identity.models import Project
from networking.ports import services as ports
from networking.ports.models import Port
from operations.models import Operation
from placement import services as placement
from tests.compute.client import Client
from tests.compute.test_commands import answering
from tests.simulated import Cloud, actor

Launch = Callable[..., str]
__all__ = ["answering"]
DESTROYS = {"server.remove", "disk.remove", "setaside.drop"}


def ids(count: int) -> list[str]:
    return [f"00000000-0000-4000-8000-{number:012x}" for number in range(count)]


def come_back(world: Cloud) -> None:
    with transaction.atomic():
        reconciliation.on_hello(Host.objects.get(name="host1"))
    world.settle()


@pytest.mark.parametrize(
    ("unknown", "known", "touched"), [(1, 0, 1), (2, 0, 2), (3, 0, 0), (3, 3, 0), (3, 60, 3), (4, 60, 0)]
)
def test_a_few_are_set_aside_and_many_are_not_touched(
    world: Cloud, host: Any, answering: dict[str, Any], unknown: int, known: int, touched: int
) -> None:
    """A4: more than two and more than 5 % of what a host has: an operator is asked."""
    rows = [Server(id=f"11111111-0000-4000-8000-{n:012x}", name="s", hostname="s", project_id="red", user_id="u",
                   vm_state="stopped", host="host1", flavor_id="tiny") for n in range(known)]  # fmt: skip
    Server.objects.bulk_create(rows)
    answering["servers"] = dict.fromkeys(ids(unknown), "running") | {row.id: "shutoff" for row in rows}
    come_back(world)
    assert world.verbs().count("setaside.put") == touched * 2, "ordered at once, and asked until it is answered"
    assert not DESTROYS & set(world.verbs()) and not HostDebt.objects.exists()
    question = Host.objects.get(name="host1").question
    assert (question is None) == (touched > 0)
    if question:
        assert (question["servers"], question["have"]) == (ids(unknown), unknown + known)
        assert [f.kind for f in doctor._questions()] == ["question"]


def test_disks_and_domains_count_once_and_what_is_owed_is_no_stranger(
    world: Cloud, host: Any, answering: dict[str, Any]
) -> None:
    one, two, three = ids(3)
    answering["servers"], answering["disks"] = {one: "running", two: "shutoff"}, [one, three]
    with transaction.atomic():
        debts.owe("host1", "server.remove", three, {"server_id": three}, subject=f"server:{three}")
    world.replies["server.remove"] = lambda order: None
    come_back(world)
    aside = {order["body"]["server_id"] for _h, verb, order in world.orders if verb == "setaside.put"}
    assert aside == {one, two}


def test_an_operators_word_has_all_of_it_set_aside(world: Cloud, host: Any, answering: dict[str, Any]) -> None:
    answering["servers"] = dict.fromkeys(ids(9), "running")
    come_back(world)
    assert "setaside.put" not in world.verbs()
    said = command(world, "allow", "host1")
    assert all(id in said for id in ids(9))
    world.settle()
    assert {o["body"]["server_id"] for _h, v, o in world.orders if v == "setaside.put"} == set(ids(9))
    assert not DESTROYS & set(world.verbs()) and Host.objects.get(name="host1").question is None


def command(world: Cloud, *words: str, fails: str = "") -> str:
    """The command, while the world goes on. `fails`: of the sentence that it ends with, where its exit status is 1."""
    out = StringIO()
    with pytest.MonkeyPatch.context() as patch:  # the command's clock alone
        patch.setattr(setaside, "time", SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: world.settle()))
        with pytest.raises(CommandError, match=fails) if fails else nullcontext():
            call_command("setaside", *words, stdout=out)
    return out.getvalue()


# ── An older database ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def put_back(world: Cloud, red: Client, launch: Launch, answering: dict[str, Any]) -> str:
    """A server whose rows are gone, as in an older copy of the database; its host says that it saw a newer one."""
    Project.objects.create(id="red", name="red", domain_id=_domain())
    server_id = launch("lost", metadata={"a": "b"})
    described = {"state": "running", "xml": "<domain/>", "record": _metadata(world, server_id)}
    world.replies["server.describe"] = lambda order: (
        "done", {"servers": {id: described for id in order["body"]["server_ids"] if id == server_id}},
    )  # fmt: skip
    placement.release(server_id)
    for port in Port.objects.filter(device_id=server_id):
        port.delete()
    Server.objects.all().delete()
    world.settle()
    epoch.forget()
    reports.heartbeat("host1", {"cloud": {"id": "newer", "life": "newer", "count": 1}})
    assert Host.objects.get(name="host1").estranged
    world.forget_orders()
    return server_id


def _domain() -> str:
    return Project.objects.get_or_create(id="default", name="Default", is_domain=True)[0].pk


def _metadata(world: Cloud, server_id: str) -> dict[str, Any]:
    (found,) = [
        order["body"]["metadata"]
        for _host, verb, order in world.orders
        if verb == "server.ensure" and order["body"]["server_id"] == server_id
    ]
    return dict(found)


def test_where_the_database_is_older_nothing_is_even_stopped(world: Cloud, put_back: str) -> None:
    """A4: confirmed by the review: within seconds every server made since the copy was destroyed, disks included."""
    reports.hello("host1", {"boot": "b9", "cloud": {"id": "newer", "life": "newer", "count": 1}})
    world.settle()
    reports.heartbeat("host1", {"cloud": {"id": "newer", "life": "newer", "count": 1}})
    world.settle()
    assert set(world.verbs()) <= {"host.read"}
    assert world.domains("host1") == {put_back: "running"}
    (question,) = doctor._questions()
    assert "setaside adopt host1" in question.text and "newer database" in question.text


def test_servers_of_an_older_database_are_not_declared_lost_on_such_a_host(
    world: Cloud, put_back: str, answering: dict[str, Any]
) -> None:
    """What the older rows place there and the host does not have is no error of the server either."""
    Server.objects.create(name="old", hostname="old", project_id="red", user_id="u", vm_state="active", host="host1")
    reports.hello("host1", {"boot": "b9", "cloud": {"id": "newer", "life": "newer", "count": 1}})
    world.settle()
    assert Server.objects.get(name="old").vm_state == "active" and set(world.verbs()) <= {"host.read"}


def test_nothing_new_is_placed_there(world: Cloud, put_back: str, launch: Launch) -> None:
    """The how-to promises it: with other hosts it goes to one of those, and here it ends with the reason at once."""
    server = Server.objects.get(id=launch("new"))
    assert server.host == "" and server.vm_state == "error" and "server.ensure" not in world.verbs()
    assert timeline(Operation.objects.get(subject_id=server.id))["reason"].startswith("No valid host")


def test_doctor_with_apply_changes_nothing_there(world: Cloud, put_back: str) -> None:
    doctor.examine(apply=True)
    world.settle()
    assert set(world.verbs()) <= {"host.read"}


def test_adopt_brings_the_server_back_as_it_was(world: Cloud, put_back: str, red: Client, network: Any) -> None:
    """A4: nothing is lost: name, flavor, addresses, metadata; its guest never stopped."""
    said = command(world, "adopt", "host1")
    assert f"{put_back}  lost  active" in said
    server = Server.objects.get(id=put_back)
    assert (server.vm_state, server.host, server.project_id, server.metadata) == ("active", "host1", "red", {"a": "b"})
    (port,) = Port.objects.filter(device_id=put_back)
    assert port.host == "host1" and port.pk in server.own_ports and port.fixed_ips.exists()
    assert placement.held_by(put_back)
    host = Host.objects.get(name="host1")
    assert not host.estranged and host.question is None
    world.settle()
    assert not (DESTROYS | {"setaside.put", "server.stop"}) & set(world.verbs())
    red.ok("post", f"servers/{put_back}/action", {"os-stop": None}, status=202)
    world.settle()
    assert Server.objects.get(id=put_back).vm_state == "stopped"


def test_what_cannot_come_back_is_said_and_stays(world: Cloud, put_back: str) -> None:
    Project.objects.filter(id="red").delete()
    said = command(world, "adopt", "host1", fails="1 left as they are, 0 back without a part")
    assert "is not in this database" in said and "--project" in said
    assert not Server.objects.filter(id=put_back).exists()
    assert not DESTROYS & set(world.verbs())


def test_a_port_whose_address_is_taken_by_now_is_named(world: Cloud, put_back: str, network: Any) -> None:
    taken = _record_of(world)["ports"][0]
    ports.create(actor("red"), network_id=network.id, fixed_ips=[{"ip_address": taken["ips"][0]}])
    said = command(world, "adopt", "host1", fails="0 left as they are, 1 back without a part")
    assert f"{put_back}  lost  active" in said and taken["ips"][0] in said


def _record_of(world: Cloud) -> dict[str, Any]:
    _kind, body = world.replies["server.describe"]({"body": {"server_ids": [*world.domains("host1")]}})  # type: ignore[misc]
    (found,) = body["servers"].values()
    return dict(found["record"])


def test_one_that_was_set_aside_comes_back_off(world: Cloud, put_back: str, answering: dict[str, Any]) -> None:
    item = f"1700000000000-{put_back}"
    note = {"id": item, "kind": "server", "key": put_back, "state": "running", "xml": "<domain/>", "files": []}
    world.replies["setaside.back"] = lambda order: ("done", {**note, "record": _record_of(world)})
    with transaction.atomic():
        epoch.accept(Host.objects.get(name="host1"))
    said = command(world, "adopt", "host1", item)
    assert f"{put_back}  lost  stopped" in said
    assert Server.objects.get(id=put_back).vm_state == "stopped"


def test_a_piece_of_a_network_that_was_set_aside_is_not_adopted_as_a_server(world: Cloud, host: Any) -> None:
    """It was given "back" as a server's disk, and with that it was gone, while the command said that it stays."""
    with pytest.raises(CommandError, match=r"piece of a network.*setaside drop host1 1700000000000-port-"):
        call_command("setaside", "adopt", "host1", f"1700000000000-port-{ids(1)[0]}")
    assert world.verbs() == []


def test_list_shows_what_is_kept_and_until_when(world: Cloud, host: Any, answering: dict[str, Any]) -> None:
    answering["setaside"] = [
        {"id": "1-x", "kind": "server", "key": "x", "why": "nobody", "at": 0.0, "until": 86400.0, "state": "running"}
    ]
    answering["setaside"].append({**answering["setaside"][0], "id": "2-port-y", "kind": "network", "key": "port:y"})
    said = command_list(world)
    assert "`manage.py setaside drop host1 2-port-y`" in said
    assert "1-x" in said and "1970-01-02" in said and "setaside adopt|drop host1 1-x" in said


def command_list(world: Cloud) -> str:
    out = StringIO()
    call_command("setaside", "list", stdout=out)
    return out.getvalue()


def test_drop_is_asked_until_the_host_has_done_it(world: Cloud, host: Any) -> None:
    Host.objects.filter(name="host1").update(last_seen_at=now())
    assert "is gone" in command(world, "drop", "host1", "1-x")
    assert world.verbs()[-1] == "setaside.drop"


def test_no_code_of_the_reconciler_orders_a_removal() -> None:
    """A4: one mechanism: nothing of what hosts report leads to server.remove or disk.remove but what is owed by a row."""
    for module in (reconcile, orphans, doctor, reconciliation):
        text = Path(module.__file__ or "").read_text()
        assert "server.remove" not in text and "disk.remove" not in text, module.__name__
