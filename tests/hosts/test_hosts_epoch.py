"""Whether a database is as new as what its hosts last saw (A4: an older copy that was put back destroys nothing)."""

import time
from typing import Any

import pytest
from django.db import transaction

from authorization.context import RequestContext
from hostagent.contract.host import HOST_READ
from hostagent.contract.server import SERVER_ENSURE, SERVER_REMOVE
from hosts import debts, epoch, reports, services
from hosts.models import Host, HostDebt, Life
from operations import engine, rpc
from operations.flows import Flow, Step
from tests.hosts.test_hosts_services import INVENTORY, say

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def host(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Host:
    settings.KEYS = tmp_path
    epoch.forget()
    monkeypatch.setattr(epoch, "_known", {"until": 0.0, "raised": 0.0, "told": None})
    return services.enrol("h1", roles=["compute"])


def of(name: str = "h1") -> Host:
    return Host.objects.get(name=name)


def saw(told: Any) -> Host:
    """The host says what it last saw."""
    reports.heartbeat("h1", {"cloud": told})
    return of()


def restart() -> None:
    epoch.forget()
    epoch.begin()


def test_nothing_leaves_for_a_host_that_was_not_heard_in_this_life() -> None:
    assert epoch.stamp("h1", SERVER_REMOVE) is None
    assert epoch.stamp("h1", HOST_READ) is not None
    saw(None)
    assert epoch.stamp("h1", SERVER_REMOVE) is not None
    restart()
    assert epoch.stamp("h1", SERVER_REMOVE) is None, "each start asks anew"


def test_the_count_rises_before_an_order_leaves_and_at_most_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    saw(None)
    first = epoch.stamp("h1", SERVER_REMOVE)
    assert first is not None and first["count"] == 1
    assert epoch.stamp("h1", SERVER_ENSURE) == first
    assert Life.objects.get(life=first["life"]).count == 1
    epoch._known["raised"] -= epoch.RAISE_EVERY
    later = epoch.stamp("h1", SERVER_REMOVE)
    assert later is not None and later["count"] == 2


def test_a_count_that_was_read_before_it_rose_is_not_told_after_it() -> None:
    """A thread within an older transaction read it anew: for 5 s orders carried less than the host had seen, and failed there."""
    saw(None)
    first = epoch.stamp("h1", SERVER_REMOVE)
    assert first is not None and first["count"] == 1
    Life.objects.filter(life=first["life"]).update(count=0)  # as that transaction sees it
    epoch._known["until"] = 0.0
    assert epoch.stamp("h1", SERVER_REMOVE) == first
    epoch._known["raised"] -= epoch.TRUSTED
    epoch._known["until"] = 0.0
    assert epoch.current()["count"] == 0, "an older copy that was put back is seen for what it is"


def test_an_order_is_dated_before_its_count_is_read_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So of two orders the one with the lower count has the earlier moment, and a host tells an overtaken one from an old one."""
    read_at: list[float] = []
    sent: list[float] = []

    def stamp(host: str, verb: str) -> dict[str, Any]:
        assert rpc._stamping.locked()
        read_at.append(time.time())
        return {"id": "c", "life": "l", "count": len(read_at)}

    monkeypatch.setattr(rpc, "_stamp", stamp)
    monkeypatch.setattr(rpc, "_publish", lambda host, message, queue: sent.append(message["sent"]))
    for _ in range(3):
        rpc.cast("h1", {"verb": "host.read", "operation": "", "body": {}})
    assert len(sent) == 3
    assert all(left <= read for left, read in zip(sent, read_at, strict=True))


def test_a_database_that_went_on_is_recognised_through_any_number_of_starts() -> None:
    saw(None)
    told = epoch.stamp("h1", SERVER_REMOVE)
    for _ in range(4):
        restart()
        assert not saw(told).estranged
        assert epoch.stamp("h1", SERVER_REMOVE) is not None


def put_back(rows: list[Life]) -> None:
    Life.objects.all().delete()
    Life.objects.bulk_create(rows)
    restart()


@pytest.mark.parametrize("after", ["minutes", "a restart", "a wiped database", "another database"])
def test_an_older_copy_is_known_by_what_the_host_saw(after: str) -> None:
    saw(None)
    epoch.stamp("h1", SERVER_REMOVE)
    copy = list(Life.objects.all())
    if after == "a restart":
        restart()
        saw(None)
    epoch._known["raised"] -= epoch.RAISE_EVERY
    told = epoch.stamp("h1", SERVER_REMOVE)
    if after == "another database":
        copy = [Life(life="x" * 16, cloud="y" * 16, count=10**6)]
    put_back([] if after == "a wiped database" else copy)
    assert saw(told).estranged
    assert epoch.stamp("h1", SERVER_REMOVE) is None and epoch.stamp("h1", HOST_READ) is not None
    assert not services.alive().filter(name="h1").exists(), "nothing new is placed there"


def test_the_counts_of_the_life_after_do_not_catch_up_with_what_was_lost() -> None:
    """A host that comes back an hour later still remembers the branch that is gone."""
    saw(None)
    copy = list(Life.objects.all())
    told = epoch.stamp("h1", SERVER_REMOVE)
    put_back(copy)
    Life.objects.update(count=0)
    Life.objects.filter(life=epoch.current()["life"]).update(count=500)
    assert saw(told).estranged


def test_a_database_put_back_under_a_running_control_is_found_by_the_next_heartbeat() -> None:
    saw(None)
    told = epoch.stamp("h1", SERVER_REMOVE)
    assert not saw(told).estranged
    Life.objects.update(count=0)
    epoch._known["raised"] -= epoch.RAISE_EVERY
    assert saw({**(told or {}), "count": 9}).estranged


def test_an_operation_of_an_older_database_says_why_it_cannot_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    say("inventory", INVENTORY)
    Host.objects.update(estranged=True)
    flow = Flow("test.estranged", 1, (Step("go", do=lambda op: op.cast("h1", SERVER_REMOVE, {"server_id": "s"})),))
    row = engine.start(flow, subject=("server", "s"), project_id=None, actor=RequestContext.internal("t"))
    engine.advance(row.id)
    row.refresh_from_db()
    assert (row.state, row.error_code) == ("failed", "HostEstranged")
    assert rpc.refusal("h1", HOST_READ) is None


def test_an_operators_word_ends_it_and_is_said_until_it_is_heard(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(rpc, "cast", lambda host, order, **more: sent.append(order))
    saw(None)
    told = {"id": "other", "life": "other", "count": 3}
    assert saw(told).estranged
    with django_capture_on_commit_callbacks(execute=True):
        epoch.accept(of())
    assert not of().estranged and epoch.is_recognised("h1")
    with django_capture_on_commit_callbacks(execute=True):
        assert not saw(told).estranged, "it has not heard it yet"
    assert [order["verb"] for order in sent] == ["host.recognise"] * 2
    assert not saw(epoch.current()).estranged
    assert saw({**told, "count": 4}).estranged, "what it saw since is another matter"


def test_an_older_databases_debts_are_void() -> None:
    """C4: a removal that was owed at the backup was ordered after `adopt`, of what had come back to that host since."""
    saw(None)
    epoch.stamp("h1", SERVER_REMOVE)
    copy = list(Life.objects.all())
    epoch._known["raised"] -= epoch.RAISE_EVERY
    newer = epoch.stamp("h1", SERVER_REMOVE)
    put_back(copy)
    with transaction.atomic():
        debts.owe("h1", "disk.remove", "moved-back", {}, subject="server:moved-back")
        debts.owe("h2", "disk.remove", "other", {}, subject="server:other")
    assert saw(newer).estranged and HostDebt.objects.filter(host="h1").exists(), (
        "the newer database may be put back yet"
    )
    with transaction.atomic():
        epoch.accept(of())
    assert list(HostDebt.objects.values_list("host", flat=True)) == ["h2"]


def test_what_leaves_after_a_copy_is_newer_than_it() -> None:
    """C4: however soon; the count alone rises once a minute."""
    saw(None)
    epoch.stamp("h1", SERVER_REMOVE)
    told = epoch.before_copy()
    copy = [Life(life=row.life, cloud=row.cloud, count=told["count"]) for row in Life.objects.all()]
    newer = epoch.stamp("h1", SERVER_ENSURE)
    put_back(copy)
    assert saw(newer).estranged
