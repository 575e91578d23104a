"""How each sockets process reads the outbox for its sockets: nothing that was committed is missed, and what is not known is said so."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from django.db import OperationalError, transaction

from common import live
from common.clock import now
from common.live import announce
from outbox import places
from outbox.models import Event
from portal import subscriptions
from portal.subscriptions import BEFORE, LATE, Subscriber, Subscription, since

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """No nudge arrives: as if each process had died when it had committed, or the channel layer was away."""
    monkeypatch.setattr(live, "_send", lambda: None)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look without a nudge comes soon."""
    monkeypatch.setattr(subscriptions, "LOOK", 0.05)


def ids(found: tuple[list[Any], int] | None) -> list[tuple[str, str]]:
    assert found is not None
    return [(one["changed"], one["id"]) for one in found[0]]


def at(number: int, moment: datetime) -> None:
    Event.objects.filter(number=number).update(at=moment)


# ── A page that was made, or was without a socket ───────────────────────────────────────────────────────────────────


def test_what_changed_since_is_told_to_whom_it_concerns(unheard: None) -> None:
    announce("server", "before", "a")
    number = places.newest()
    announce("server", "mine", "a")
    announce("server", "others", "b")
    announce("server", "lent", "b", rooms=["user.u", "group.g"])
    made = now() + timedelta(days=1)
    assert ids(since(number, made, {"project.a"}, ())) == [("server", "mine")]
    assert ids(since(number, made, {"project.a", "user.u"}, ())) == [("server", "mine"), ("server", "lent")]
    assert len(ids(since(number, made, {"admin"}, ()))) == 3
    assert ids(since(number, made, {"project.a"}, {("server", "others")})) == [("server", "mine"), ("server", "others")]
    last = places.newest()
    assert since(number, made, {"project.c"}, ()) == ([], last), "it need not ask for those again"
    assert since(last, made, {"admin"}, ()) == ([], last)


def test_a_page_may_be_made_of_what_was_read_a_moment_before(unheard: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a change is told for what the page shows; it is nothing new that the page lacks."""
    moment = now()
    for id, before in (("old", LATE * 2), ("shown", LATE / 2), ("elsewhere", LATE / 2)):
        announce("server", id, "a")
        at(places.newest(), moment - before)
    number, shown = places.newest(), {("server", "shown"), ("server", "old")}
    assert ids(since(number, moment, {"project.a"}, shown)) == [("server", "shown")]
    assert ids(since(number, None, {"project.a"}, shown)) == [], "a page that only lost its socket has read since"
    monkeypatch.setattr(subscriptions, "BEFORE", 2)
    assert since(number, moment, {"project.a"}, shown) is None, "more happened in that moment than is looked through"


def test_a_part_without_an_id_hears_of_its_kind_and_of_no_other_project(unheard: None) -> None:
    announce("flavor", "f")
    announce("server", "s", "b")
    assert ids(since(0, None, {"project.a"}, {("flavor", ""), ("server", "")})) == [("flavor", "")]


def test_what_the_outbox_does_not_reach_is_not_known(unheard: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert since(0, None, {"admin"}, ()) == ([], 0)
    for n in range(4):
        announce("server", str(n), "a")
    first, last = places.newest() - 3, places.newest()
    assert since(last + 1, None, {"admin"}, ()) is None, "the database is another one"
    Event.objects.filter(number__lte=first + 1).delete()
    assert since(first, None, {"admin"}, ()) is None, "the one after it is forgotten"
    assert ids(since(first + 1, None, {"admin"}, ())) == [("server", "2"), ("server", "3")]
    monkeypatch.setattr(subscriptions, "MOST", 0)
    monkeypatch.setattr(subscriptions, "BEFORE", 1)
    assert since(first + 1, None, {"admin"}, ()) is None, "it is too far behind"
    assert BEFORE > 1


# ── Sockets ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def told(subscription: Subscription) -> Any:
    return await asyncio.wait_for(subscription.next(), 10)


@sync_to_async
def change(*ids: str, **more: Any) -> None:
    for id in ids:
        announce("server", id, "a", **more)


def talk(conversation: Callable[[], Awaitable[None]]) -> None:
    async_to_sync(conversation)()


def test_what_a_process_committed_before_it_died_is_told(unheard: None) -> None:
    """It was told once it announced, so a process that died between its commit and that left pages as they were."""

    async def conversation() -> None:
        process = Subscriber()
        mine, all = await process.subscribe({"project.a"}), await process.subscribe({"admin"})
        others = await process.subscribe({"project.b"})
        await change("one", "two")
        for subscription in (mine, all):
            assert [(await told(subscription))["id"] for _n in range(2)] == ["one", "two"]
        assert others._waiting.empty()
        for subscription in (mine, all, others):
            process.unsubscribe(subscription)

    talk(conversation)


def test_a_nudge_brings_a_change_at_once(unheard: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "LOOK", 3600.0)

    async def conversation() -> None:
        first, second = Subscriber(), Subscriber()
        sockets = [await first.subscribe({"project.a"}), await second.subscribe({"admin"})]
        await asyncio.sleep(0.2)  # they listen
        await change("one")
        await get_channel_layer().group_send(live.GROUP, {"type": "changes"})
        assert [(await told(socket))["id"] for socket in sockets] == ["one", "one"]

    talk(conversation)


def test_nobody_reads_without_sockets_and_nothing_is_missed_when_one_opens(
    unheard: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings: list[int] = []
    real = places.after
    monkeypatch.setattr(places, "after", lambda number, **more: readings.append(number) or real(number, **more))

    async def conversation() -> None:
        process = Subscriber()
        process.unsubscribe(await process.subscribe({"admin"}))
        await asyncio.sleep(0.1)
        readings.clear()
        await change("meanwhile")
        await asyncio.sleep(0.3)
        assert readings == []
        socket = await process.subscribe({"admin"})
        await change("now")
        assert (await told(socket))["id"] == "now"
        process.unsubscribe(socket)

    talk(conversation)


def test_a_database_that_is_away_for_a_moment_costs_no_event(unheard: None, monkeypatch: pytest.MonkeyPatch) -> None:
    real, left = places.after, [2]

    def away(number: int, **more: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OperationalError("away")
        return real(number, **more)

    async def conversation() -> None:
        process = Subscriber()
        socket = await process.subscribe({"admin"})
        monkeypatch.setattr(places, "after", away)
        await change("one")
        assert (await told(socket))["id"] == "one" and left == [0]
        process.unsubscribe(socket)

    talk(conversation)


def test_a_machine_that_slept_says_that_all_may_have_changed(unheard: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def conversation() -> None:
        process = Subscriber()
        socket = await process.subscribe({"project.b"})
        await change("one")
        real = subscriptions.time.time
        monkeypatch.setattr(subscriptions.time, "time", lambda: real() + 2 * subscriptions.SLEPT)
        assert await told(socket) == {"all": True, "number": await sync_to_async(places.newest)()}
        process.unsubscribe(socket)

    talk(conversation)


def test_a_machine_that_slept_in_the_midst_of_a_reading_says_so_too(
    unheard: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its wall clock was read after the reading, which so looked like one of after the sleep."""
    real, after, slept = subscriptions.time.time, places.after, [0.0]

    def asleep(number: int, **more: Any) -> Any:
        found = after(number, **more)
        slept[0] = 2 * subscriptions.SLEPT
        return found

    async def conversation() -> None:
        process = Subscriber()
        socket = await process.subscribe({"project.b"})
        monkeypatch.setattr(subscriptions.time, "time", lambda: real() + slept[0])
        monkeypatch.setattr(places, "after", asleep)
        assert (await told(socket))["all"]
        process.unsubscribe(socket)

    talk(conversation)


def test_a_socket_that_is_behind_is_told_once_that_all_may_have_changed() -> None:
    async def conversation() -> None:
        subscription = Subscription(frozenset())
        for number in range(subscriptions.WAITING * 2 + 1):
            subscription.put({"changed": "server", "id": str(number), "number": number})
        found = [await subscription.next() for _n in range(subscription._waiting.qsize())]
        assert found[0] == {"all": True, "number": 2 * subscriptions.WAITING} and len(found) == 1

    talk(conversation)


def test_one_transaction_is_heard_by_all_whom_its_changes_concern(unheard: None) -> None:
    """An image that is offered to a project changes for its owner and for that project, and is one event."""
    with transaction.atomic():
        announce("image", "i", "owner", rooms=["user.u"])
        announce("image", "i", "member")
        announce("image", "i", None, rooms=["group.g"])
    assert Event.objects.get().heard_by() == {"admin", "project.owner", "project.member", "user.u", "group.g"}


def test_changes_while_a_nudge_is_due_make_one_nudge_and_later_ones_another(monkeypatch: pytest.MonkeyPatch) -> None:
    sent, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def send() -> None:
        sent.release()
        go_on.acquire(timeout=10)

    monkeypatch.setattr(live, "_send", send)
    announce("server", "1", "a")
    announce("server", "2", "a")
    assert sent.acquire(timeout=10)
    announce("server", "3", "a")  # while the first leaves
    go_on.release(2)
    assert sent.acquire(timeout=10) and not sent.acquire(timeout=0.3)
