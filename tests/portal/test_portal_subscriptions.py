"""The memory of changes that each sockets process keeps: whatever it cannot be sure of, it says."""

import asyncio
import time
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from common.live import GROUP, boot
from portal import subscriptions
from portal.subscriptions import KEEP, LATE, Backlog, Event, Subscriber, Subscription


def event(id: str, at: float, *groups: str, kind: str = "server", later: float = 0.0) -> Event:
    return Event(frozenset(groups or ("project.a", "admin")), {"changed": kind, "id": id}, at, at + later)


def ids(found: list[Any] | None) -> list[tuple[str, str]]:
    assert found is not None
    return [(one["changed"], one["id"]) for one in found]


def backlog(*changes: Event) -> Backlog:
    made = Backlog()
    made.begin(0.0)
    for change in changes:
        made.add(change)
    return made


def test_what_changed_since_is_told_to_whom_it_concerns() -> None:
    kept = backlog(event("before", 5.0), event("mine", 11.0), event("others", 12.0, "project.b", "admin"))
    assert ids(kept.since(10.0, {"project.a"})) == [("server", "mine")]
    assert ids(kept.since(10.0, {"project.b"})) == [("server", "others")]
    assert ids(kept.since(10.0, {"admin"})) == [("server", "mine"), ("server", "others")]
    assert ids(kept.since(10.0, {"project.a"}, {("server", "others")})) == [("server", "mine"), ("server", "others")]


def test_a_page_may_be_made_of_what_was_read_a_moment_before() -> None:
    """Such a change is told for what the page shows; it is nothing new that the page lacks."""
    kept = backlog(event("shown", 10.0 - LATE / 2), event("elsewhere", 10.0 - LATE / 2), event("old", 10.0 - LATE * 2))
    shown = {("server", "shown"), ("server", "old")}
    assert ids(kept.since(10.0, {"project.a"}, shown)) == [("server", "shown")]


def test_a_part_without_an_id_hears_of_its_kind_and_of_no_other_project() -> None:
    kept = backlog(event("f", 11.0, "admin", kind="flavor"), event("s", 11.0, "project.b", "admin"))
    assert ids(kept.since(10.0, {"project.a"}, {("flavor", ""), ("server", "")})) == [("flavor", "")]


def test_a_change_told_late_counts_from_when_it_was_made() -> None:
    kept = backlog(event("slow", 8.0 - LATE, later=3.0), event("mine", 11.0))
    assert ids(kept.since(10.0, {"project.a"})) == [("server", "mine")]


def test_what_the_memory_does_not_reach_is_not_known() -> None:
    assert Backlog().since(1e9, {"admin"}) is None  # a process that just started
    kept = Backlog()
    kept.begin(10.0)
    assert kept.since(10.0 + LATE - 0.1, {"admin"}) is None
    assert kept.since(10.0 + LATE, {"admin"}) == []
    kept.add(event("one", 20.0))
    kept.add(event("two", 21.0 + KEEP))
    assert kept.since(20.0 + LATE - 0.1, {"admin"}) is None  # the first is forgotten
    assert ids(kept.since(20.0 + LATE, {"admin"})) == [("server", "two")]


def test_the_backlog_is_bounded_and_says_what_it_forgot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST", 3)
    kept = backlog(*(event(str(second), float(second)) for second in range(10, 20)))
    assert kept.since(16.0, {"admin"}) is None
    assert ids(kept.since(16.0 + LATE, {"admin"}, {("server", "17")})) == [("server", id) for id in ("17", "18", "19")]


class Web:
    """One process that tells."""

    def __init__(self, name: str) -> None:
        self.name, self.number, self.told_at = name, 0, 0.0

    def message(self, *ids: str) -> dict[str, Any]:
        self.number += bool(ids)
        changes = [(("project.a", "admin"), {"changed": "server", "id": id}, time.monotonic()) for id in ids]
        before = self.told_at
        self.told_at = time.monotonic() if ids else before
        message = {"from": self.name, "number": self.number, "boot": boot(), "before": before, "changes": changes}
        return {"type": "changes", **message}

    async def put(self, *ids: str) -> None:
        await get_channel_layer().group_send(GROUP, self.message(*ids))


async def settled(process: Subscriber) -> None:
    async with asyncio.timeout(5):
        while process.backlog.since(time.monotonic() + 1000, ()) is None:
            await asyncio.sleep(0.01)


async def waiting(subscription: Subscription, count: int) -> list[Any]:
    """What an subscription was told: `count` things, which the layer brings in the background, and no more."""
    async with asyncio.timeout(10):
        while subscription._waiting.qsize() < count:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    return [await subscription.next() for _told in range(subscription._waiting.qsize())]


def test_each_process_remembers_what_it_received_itself() -> None:
    """Two on one channel layer; a third that starts later says that it does not know what the two know."""

    @async_to_sync
    async def talk() -> None:
        first, second, late = Subscriber(), Subscriber(), Subscriber()
        web, other = Web("web"), Web("other web")
        subscriptions = [first.subscribe({"project.a"}), second.subscribe({"admin"})]
        await settled(first)
        await settled(second)
        assert [await waiting(subscription, 1) for subscription in subscriptions] == [
            [{"all": True}]
        ] * 2  # they came before that
        first.backlog.begin(1.0)
        second.backlog.begin(1.0)
        made = time.monotonic()
        await web.put("one", "two")
        await other.put("three")
        assert [ids(await waiting(subscription, 3)) for subscription in subscriptions] == [
            [("server", id) for id in ("one", "two", "three")]
        ] * 2
        late.subscribe({"admin"})
        await settled(late)
        await web.put("four")
        assert [ids(await waiting(subscription, 1)) for subscription in subscriptions] == [[("server", "four")]] * 2
        for process in (first, second):
            assert [id for _kind, id in ids(process.backlog.since(made, {"admin"}))] == ["one", "two", "three", "four"]
        assert late.backlog.since(made, {"admin"}) is None
        assert late.backlog.since(time.monotonic() + LATE, {"admin"}) == []

    talk()


def test_a_message_that_was_lost_is_noticed() -> None:
    """By the next one of the same teller, also one that only says its number again."""

    @async_to_sync
    async def talk() -> None:
        process, web = Subscriber(), Web("web")
        subscription = process.subscribe({"project.a"})
        await settled(process)
        process.backlog.begin(1.0)
        await web.put("one")
        await web.put()
        assert await waiting(subscription, 2) == [{"all": True}, {"changed": "server", "id": "one"}]
        made = time.monotonic()
        assert process.backlog.since(made, {"admin"}) is not None
        web.message("lost")
        await web.put()
        assert await waiting(subscription, 1) == [{"all": True}]
        assert process.backlog.since(made, {"admin"}) is None

    talk()


def test_a_publisher_met_for_the_first_time_may_have_sent_before() -> None:
    """What it told before we listened is no loss; what it told since is."""

    @async_to_sync
    async def talk() -> None:
        process, old, odd, foreign = Subscriber(), Web("old"), Web("odd"), Web("foreign")
        old.message("before we listened")
        subscription = process.subscribe({"admin"})
        await settled(process)
        assert await waiting(subscription, 1) == [{"all": True}]
        odd.message("lost")
        await old.put("one")
        assert ids(await waiting(subscription, 1)) == [("server", "one")]
        await odd.put("two")
        assert await waiting(subscription, 2) == [{"all": True}, {"changed": "server", "id": "two"}]
        far = foreign.message("three")
        process.take({**far, "boot": "another machine"})
        assert (await waiting(subscription, 2))[0] == {"all": True}

    talk()


def test_a_socket_that_is_behind_is_told_once_that_all_may_have_changed() -> None:
    @async_to_sync
    async def talk() -> None:
        subscription = Subscription(frozenset())
        for number in range(subscriptions.WAITING * 2 + 1):
            subscription.put({"changed": "server", "id": str(number)})
        found = await waiting(subscription, 1)
        assert found[0] == {"all": True} and len(found) <= subscriptions.WAITING

    talk()
