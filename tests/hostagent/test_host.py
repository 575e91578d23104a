"""Orders in, reports out: what control may rely on of every agent."""

import threading
import time
from typing import Any

import pytest

from hostagent.agent.tasks import TASKS
from hostagent.contract import VERBS
from hostagent.contract.host import Inventory
from hostagent.contract.reports import WORKING_FIRST
from hostagent.drivers.hypervisor.fake import FakeHypervisor


def test_every_verb_of_the_contract_is_served() -> None:
    assert set(TASKS) == set(VERBS.values())


def test_every_report_is_sealed_and_names_the_boot(desk: Any, spec: dict[str, Any]) -> None:
    desk.order("server.ensure", spec)
    assert {report["boot"] for report in desk.reports} == {desk.host.boot}


def test_an_agent_begins_with_hello_then_says_what_it_is(desk: Any) -> None:
    inventory = desk.until(lambda r: r["kind"] == "inventory")["body"]
    assert desk.reports[0]["kind"] == "hello"
    assert Inventory.__required_keys__ <= set(inventory)


@pytest.mark.parametrize(
    ("version", "spoil"),
    [
        (1, {"host": "fake2"}),
        (1, {"seal": "00"}),
        (1, {"seal": "é"}),
        (1, {"body": {"server_id": "other"}}),
        (2, {"host": "fake2"}),
        (2, {"nonce": "00" * 12}),
        (2, {"nonce": "no hex"}),
        (2, {"box": "AAAA"}),
        (2, {"box": 7}),
        (2, {"v": 1}),
        (2, {"v": 3}),
    ],
)
def test_an_order_that_is_not_ours_or_was_changed_is_dropped(
    desk: Any, spec: dict[str, Any], version: int, spoil: dict[str, Any]
) -> None:
    desk.host.receive({**desk.make("server.ensure", spec, operation="spoilt", v=version), **spoil})
    desk.order("host.read", {})
    assert not [report for report in desk.reports if report["operation"] == "spoilt"]
    assert desk.host.hypervisor.read_states() == {}


def test_an_order_of_no_operation_is_not_answered(desk: Any) -> None:
    """A network's state is a report of its own: said twice, it was a third of what control had to read."""
    told = {"full": False, "pieces": {}, "remove": []}
    desk.host.receive(desk.make("network.apply", told, operation="", step=""))
    desk.host.receive(desk.make("server.fly", {}, operation="", step=""))
    desk.order("host.read", {})
    said = [report["kind"] for report in desk.reports if not report["operation"]]
    assert said.count("network") == 2, "one at its start, one for the order"
    assert not {"done", "failed", "working"} & set(said)


@pytest.mark.parametrize(("change", "what"), [({"v": 99}, "cast version 99"), ({"verb": "server.fly"}, "server.fly")])
def test_an_unknown_version_or_verb_is_refused_readably(desk: Any, change: dict[str, Any], what: str) -> None:
    order = {"verb": "host.read", "body": {}} | change
    report = desk.order(order.pop("verb"), order.pop("body"), **order)
    assert (report["kind"], report["body"]["code"], report["body"]["data"]["what"]) == ("failed", "unsupported", what)


def test_an_order_without_what_its_verb_needs_is_refused(desk: Any) -> None:
    report = desk.order("server.stop", {"server_id": "x"})
    assert report["body"]["data"]["what"] == "server.stop without timeout"


def test_an_older_generation_is_stale_even_after_a_restart(make_desk: Any, spec: dict[str, Any]) -> None:
    first = make_desk()
    first.order("disk.ensure", {"server_id": spec["server_id"], "image": None, "size_gib": 1})
    first.order("server.ensure", spec, subject="server:1", generation=7)
    first.close()
    second = make_desk()
    report = second.order("server.ensure", spec, subject="server:1", generation=6)
    assert report["body"] == {"code": "stale", "data": {"have": 7, "got": 6}}
    assert second.order("server.ensure", spec, subject="server:1", generation=7)["kind"] == "done"


def test_a_long_order_says_working_and_asked_again_it_is_not_done_twice(
    desk: Any, spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    go_on = threading.Event()

    def slow(self: FakeHypervisor, server_id: str, job: Any) -> None:
        calls.append(server_id)
        go_on.wait(10)

    monkeypatch.setattr(FakeHypervisor, "remove", slow)
    order = desk.make("server.remove", {"server_id": "s"})
    threading.Thread(target=desk.host.receive, args=(order,)).start()
    began = time.monotonic()
    desk.until(lambda r: r["kind"] == "working" and r["operation"] == order["operation"])
    assert time.monotonic() - began <= WORKING_FIRST
    desk.host.receive(desk.make("server.remove", {"server_id": "s"}, operation=order["operation"]))
    go_on.set()
    desk.until(lambda r: r["kind"] == "done" and r["operation"] == order["operation"])
    assert calls == ["s"]


def test_a_thread_stuck_past_twice_its_deadline_ends_the_agent(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr(FakeHypervisor, "remove", lambda self, server_id, job: free.wait(10))
    order = desk.make("server.remove", {"server_id": "s"}, deadline=0.3)
    threading.Thread(target=desk.host.receive, args=(order,)).start()
    end = time.monotonic() + 5
    while not desk.stuck and time.monotonic() < end:
        time.sleep(0.05)
    free.set()
    assert "server.remove" in desk.stuck[0]


def test_an_unknown_exception_is_reported_with_its_class(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: FakeHypervisor, server_id: str, job: Any) -> None:
        raise ZeroDivisionError("by hand")

    monkeypatch.setattr(FakeHypervisor, "remove", broken)
    assert desk.order("server.remove", {"server_id": "s"})["body"] == {
        "code": "internal",
        "data": {"detail": "ZeroDivisionError: by hand"},
    }


def test_a_fault_fails_once_where_it_was_asked_for(make_desk: Any, spec: dict[str, Any]) -> None:
    desk = make_desk("host.start_domain:fail:once")
    desk.order("disk.ensure", {"server_id": spec["server_id"], "image": None, "size_gib": 1})
    assert desk.order("server.ensure", spec, step="other")["kind"] == "done"
    assert desk.order("server.ensure", spec, step="start_domain")["body"]["code"] == "internal"
    assert desk.order("server.ensure", spec, step="start_domain")["kind"] == "done"
