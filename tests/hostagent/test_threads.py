"""What an agent survives: full disks, sockets that cannot be bound, reports that cannot be encoded, threads that die."""

import errno
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hostagent.agent import guard
from hostagent.agent.outbox import Outbox
from hostagent.agent.serial_queues import QUICK_THREADS, Later, SerialQueues
from hostagent.agent.standing import ISOLATED_AFTER, Standing
from hostagent.console import console_log, serial
from hostagent.contract.messages import sign
from hostagent.drivers.hypervisor.domain_xml import Places
from hostagent.drivers.network import Place
from hostagent.drivers.network.keeper import Keeper
from hostagent.drivers.registry import choose
from hostagent.process import journal, threads
from hostagent.process.journal import Journal
from hostagent.process.threads import Threads
from hostagent.process.timers import Timers

pytestmark = pytest.mark.process

KEY = "ab" * 32


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


@pytest.fixture(autouse=True)
def no_surrogate_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """pytest-xdist cannot carry the log of a test home with a lone surrogate in it."""
    caplog.set_level(logging.CRITICAL, logger="hostagent.process.threads")


# ── Threads ──


def test_a_thread_that_dies_is_started_again_counted_and_told(desk: Any) -> None:
    """C7: a thread of the agent that died once was dead until the agent restarted."""
    lives: list[int] = []
    alive = threading.Event()

    def loop() -> None:
        lives.append(1)
        if len(lives) < 3:
            raise OSError(errno.ENOSPC, "No space left on device \udcff")
        alive.set()

    desk.host.threads.keep("by-hand", loop)
    assert alive.wait(5)
    assert desk.host.threads.deaths == {"by-hand": 2}
    told = desk.until(lambda r: r["body"].get("event") == "thread" and r["body"]["count"] == 2)
    assert told["body"]["name"] == "by-hand" and "No space left" in told["body"]["detail"]


def test_every_loop_of_the_agent_is_one_of_the_kept() -> None:
    """C7, as its kind: a thread that is started by hand and lives on is started by Threads.keep."""
    root = Path(threads.__file__).parents[1]
    by_hand = {
        str(path.relative_to(root)): path.read_text().count("threading.Thread(")
        for path in root.rglob("*.py")
        if "threading.Thread(" in path.read_text()
    }
    assert by_hand == {
        "process/threads.py": 1,
        "agent/worker.py": 1,  # the end of the process
        "agent/metadata.py": 1,  # for tests and tools; an agent's is kept by keeper.py
        "drivers/hypervisor/acceleration.py": 1,  # one proof
        "drivers/network/router.py": 1,  # one announcement
    }


def test_one_bad_timer_and_one_bad_death_listener_end_nothing() -> None:
    kept = Threads()
    kept.on_death(lambda name, count, detail: 1 / 0)
    timers = Timers(kept)
    timers.start()
    rang = threading.Event()
    timers.after(0, lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    timers.after(0.02, rang.set)
    assert rang.wait(2)
    timers.stop()


# ── A full disk ──


def test_a_journal_outlives_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C7: a full disk for a moment ended the thread that wrote, and cut the line that was half written."""
    kept = Journal(tmp_path / "j.jsonl")
    kept.set("before", 1)
    real = os.write

    def full(file: int, data: bytes) -> int:
        real(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal.os, "write", full)
    kept.set("meanwhile", 2)
    monkeypatch.setattr(journal.os, "write", real)
    kept.set("after", 3)
    kept.close()
    assert Journal(tmp_path / "j.jsonl").values == {"before": 1, "meanwhile": 2, "after": 3}


def test_a_journal_does_not_grow_for_ever(tmp_path: Path) -> None:
    """D: `generations.jsonl` had a line for each order ever."""
    kept = Journal(tmp_path / "j.jsonl")
    for number in range(5 * journal.SLACK):
        kept.set("one", number)
    kept.close()
    assert len((tmp_path / "j.jsonl").read_text().splitlines()) <= journal.SLACK + 2
    assert Journal(tmp_path / "j.jsonl").get("one") == 5 * journal.SLACK - 1


def test_a_full_disk_keeps_no_heartbeat_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C7, a sibling: the note that a heartbeat left could not be made, so the heartbeat was sent again and again."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "utime", full)
    Standing(tmp_path).spoke()
    monkeypatch.setattr(Path, "write_text", full)
    standing = Standing(tmp_path)
    standing.hear(False)
    assert standing.others is False


def test_console_logs_go_on_after_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C7: a full disk for a moment ended all console logs of the host."""
    monkeypatch.setattr(console_log, "RETRY_AFTER", 0.1)
    monkeypatch.setattr(console_log, "FIRST_PUSH", 0.01)
    got: dict[str, bytes] = {}

    def append(path: str, piece: bytes) -> None:
        if "full" in path and len(tries) < 2:
            tries.append(path)
            raise OSError(errno.ENOSPC, "No space left on device")
        got[path.split("/")[3]] = piece

    tries: list[str] = []
    host = SimpleNamespace(
        name="h", own=SimpleNamespace(data=tmp_path), threads=Threads(), reporter=SimpleNamespace(event=lambda *a, **k: None),
        link=SimpleNamespace(append=append),
    )  # fmt: skip
    (tmp_path / "consoles").mkdir()
    for server in ("full", "other"):
        (tmp_path / "consoles" / f"{server}.log").write_bytes(b"said")
    logs = console_log.ConsoleLogs(host)  # type: ignore[arg-type]
    logs.start()
    logs.grew("full", b"")
    logs.grew("other", b"")
    wait_for(lambda: len(got) == 2)
    logs.stop()
    assert len(tries) == 2 and set(got.values()) == {b"said"}


# ── Sockets ──


def test_one_socket_that_cannot_be_bound_ends_no_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C7: it ended all serial consoles of the host; now it is tried again."""
    monkeypatch.setattr(serial, "LISTEN_EVERY", 0.1)
    monkeypatch.setattr(serial, "TRY_EVERY", 0.05)
    (tmp_path / "good").mkdir()
    hub = serial.SerialHub(
        lambda server: Places(tmp_path / server, tmp_path / server, server), lambda server, piece: None
    )
    hub.start()
    hub.watch("bad")  # its folder is not there
    hub.watch("good")
    wait_for(lambda: (tmp_path / "good" / "serial-good.sock").exists())
    (tmp_path / "bad").mkdir()
    wait_for(lambda: (tmp_path / "bad" / "serial-bad.sock").exists())
    with socket.socket(socket.AF_UNIX) as viewer:
        viewer.connect(str(tmp_path / "bad" / "serial-bad.sock"))
    hub.stop()


def test_a_flood_of_calls_does_not_stop_who_rings(tmp_path: Path) -> None:
    """C7, a sibling: 65,536 rings that nobody heard filled the pipe, and the next one waited for ever."""
    hub = serial.SerialHub(lambda server: Places(tmp_path, tmp_path, server), lambda server, piece: None)
    done = threading.Event()

    def ring() -> None:
        for _ in range(70_000):
            hub.forget("x")
        done.set()

    threading.Thread(target=ring, daemon=True).start()
    assert done.wait(30)


def test_the_metadata_service_comes_when_its_socket_can_be_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C7, a sibling: an agent whose metadata socket could not be bound did not start at all."""
    from hostagent.drivers.network import keeper as place

    begun: list[int] = []

    class Server:
        def __init__(self, path: Path, link: Any) -> None:
            begun.append(1)
            if len(begun) < 3:
                raise OSError(errno.EADDRINUSE, "Address already in use")

        def serve_forever(self) -> None:
            served.set()

        def server_close(self) -> None: ...

    served = threading.Event()
    monkeypatch.setattr(place, "MetadataServer", Server)
    monkeypatch.setattr(place, "MetadataLink", lambda *a: None)
    host = SimpleNamespace(
        name="h", own=SimpleNamespace(data=tmp_path, run=tmp_path, signing_key=lambda: KEY), threads=Threads(), clock=None, daemons=None,
        settings=SimpleNamespace(drivers=choose(fake=True), underlay_ip="", control="unix:/x"),
    )  # fmt: skip
    keeper = Keeper(host)  # type: ignore[arg-type]
    host.threads.keep("metadata", keeper._serve_metadata)
    assert served.wait(5)
    assert host.threads.deaths == {"metadata": 2}


# ── Reports ──


@pytest.mark.parametrize("bad", ["\udcff", b"bytes", {1, 2}], ids=["surrogate", "bytes", "set"])
def test_a_report_that_cannot_be_encoded_is_parked_and_told(bad: Any) -> None:
    """C7: a lone surrogate blocked the outbox for ever, and no heartbeat left any more."""
    got: list[dict[str, Any]] = []
    outbox = Outbox(lambda message, kind: got.append(message))
    outbox.start()

    def close(message: dict[str, Any]) -> dict[str, Any]:
        return sign(message, KEY)

    outbox.put(
        close, {"host": "h", "kind": "done", "operation": "op", "step": "s", "subject": "", "body": {"name": bad}}
    )
    outbox.put(close, {"host": "h", "kind": "heartbeat", "operation": "", "body": {}})
    wait_for(lambda: len(got) == 3)
    outbox.stop()
    assert any(message["kind"] == "heartbeat" for message in got)
    got = [message for message in got if message["kind"] != "heartbeat"]
    assert [message["kind"] for message in got] == ["failed", "event"]
    assert (
        got[0]["operation"] == "op" and got[0]["body"]["code"] == "internal"
    )  # the order does not stay without an answer
    assert got[1]["body"]["event"] == "parked" and got[1]["body"]["kind"] == "done"
    assert len(outbox.parked) == 1


def test_an_answer_of_a_verb_that_cannot_be_encoded_fails_its_step(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """C7: a guest's file name reached an answer."""
    from hostagent.drivers.hypervisor.fake import FakeHypervisor

    monkeypatch.setattr(FakeHypervisor, "read_states", lambda self: {"x": "\udcff"})
    desk.welcome()
    report = desk.order("host.read", {}, v=2)
    assert (report["kind"], report["body"]["code"]) == ("failed", "internal")


# ── Isolation ──


class Silent:
    """A host whose control is away, and whose driver refuses `times` times to give up its gateways."""

    def __init__(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch, *, times: int = 0, others: bool | None = True
    ) -> None:
        self.host = desk.host
        self.tries = 0
        self.away = ISOLATED_AFTER + 1
        monkeypatch.setattr(type(self.host.network.driver), "remove_gateways", lambda driver: self.give_up())
        monkeypatch.setattr(Outbox, "seconds_away", property(lambda outbox: self.away))
        self.times = times
        if others is not None:
            self.host.standing.hear(others)

    def give_up(self) -> None:
        self.tries += 1
        if self.tries <= self.times:
            raise RuntimeError("nft: error")


def test_isolation_counts_once_it_has_succeeded_and_is_tried_until_then(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C7: it was marked before: after one nft error the old host kept its floating IPs while another had them."""
    silent = Silent(desk, monkeypatch, times=2)
    for _ in range(20):
        desk.host._beat()
    assert silent.tries == 3
    wait_for(
        lambda: (
            [r["body"]["done"] for r in desk.reports if r["body"].get("event") == "isolated"] == [False, False, True]
        )
    )


def test_who_could_not_give_up_everything_still_says_what_it_has_afterwards(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C7, a sibling: a half-done isolation left routers without gateway ports, and control never heard of it."""
    silent = Silent(desk, monkeypatch, times=100)
    desk.until(lambda r: r["kind"] == "network")
    desk.host._beat()
    before = len([r for r in desk.reports if r["kind"] == "network"])
    silent.away = 0.0
    desk.host._beat()
    wait_for(lambda: len([r for r in desk.reports if r["kind"] == "network"]) == before + 1)


def test_a_cloud_of_one_keeps_its_gateways(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 45, B4: with control away for 25 s its only agent dropped all gateway ports and floating addresses."""
    silent = Silent(desk, monkeypatch, others=False)
    for _ in range(3):
        desk.host._beat()
    assert silent.tries == 0


def test_who_was_never_told_of_others_takes_itself_for_one_of_many(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control of 953748c does not say; it moves routers all the same."""
    silent = Silent(desk, monkeypatch, others=None)
    desk.until(
        lambda r: r["kind"] == "network"
    )  # while its start is at the networks it would wait for the next heartbeat
    desk.host._beat()
    assert silent.tries == 1


def test_what_control_said_of_others_is_known_to_the_next_agent(make_desk: Any) -> None:
    first = make_desk()
    first.welcome(others=False)
    wait_for(lambda: first.host.standing.others is False)
    first.close()
    assert make_desk().host.standing.others is False


@pytest.mark.parametrize(
    ("others", "silent", "gives_up"), [(True, True, 1), (False, True, 0), (True, False, 0), (None, True, 0)]
)
def test_an_agent_that_cannot_start_gives_up_what_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: bool | None, silent: bool, gives_up: int
) -> None:
    """C7: an agent that could not start never isolated, and two hosts answered for one router."""
    standing = Standing(tmp_path)
    standing.spoke()
    if others is not None:
        standing.hear(others)
    age = ISOLATED_AFTER + 1 if silent else 0.0
    os.utime(tmp_path / "heard", (time.time() - age, time.time() - age))
    calls: list[str] = []
    monkeypatch.setattr(guard, "WAIT", 1.0)
    driver = SimpleNamespace(remove_gateways=lambda: calls.append("gateways"))
    monkeypatch.setattr(guard, "driver_class", lambda choice, kind: lambda place: driver)
    guard.give_up(choose(), Place(tmp_path, tmp_path, ""))
    assert len(calls) == gives_up


def test_settings_that_cannot_be_read_do_not_keep_a_host_from_giving_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C7, a sibling: the key file is gone, so not even the settings can be read."""
    place = tmp_path / "hosts" / "host1"
    place.mkdir(parents=True)
    seen: list[Path] = []
    monkeypatch.setattr(guard, "give_up", lambda driver, where: seen.append(where.data))
    guard.stand_in_by_environment({"STACKLING_DATA": str(tmp_path), "STACKLING_HOST": "host1,../x,unknown"})
    assert seen == [place]


@pytest.mark.parametrize(("others", "asks_first"), [(True, True), (None, True), (False, False)])
def test_after_a_machines_restart_control_is_asked_before_old_gateways_come_up(
    desk: Any, monkeypatch: pytest.MonkeyPatch, others: bool | None, asks_first: bool
) -> None:
    """C7: they came up at once, though control had given them to another host meanwhile."""
    asked: list[bool] = []
    keeper = Keeper(desk.host)
    desk.host.standing.others = others
    monkeypatch.setattr(
        type(keeper.driver), "ensure_resumed", lambda driver, *, gateways: asked.append(not gateways) or {}
    )
    keeper._resume()
    assert asked == [asks_first]


# ── SerialQueues ──


def test_thirty_two_guests_that_ignore_acpi_delay_nobody() -> None:
    """C6: 32 threads slept for 60 s in `_stop`; starts, networks and libvirt's keeper waited behind them."""
    timers = Timers()
    timers.start()
    queues = SerialQueues("t", timers)
    looks = [0]
    started, stopped = threading.Event(), threading.Event()

    def stop() -> object:
        looks[0] += 1
        return None if stopped.is_set() else Later(0.05)

    for number in range(4 * QUICK_THREADS):
        queues.submit(f"server:{number}", stop)
    wait_for(lambda: looks[0] >= 4 * QUICK_THREADS)
    queues.submit("server:other", started.set)
    assert started.wait(2)
    assert queues.busy("server:0")  # its queue is kept: no other verb meets it
    after = threading.Event()
    queues.submit("server:0", after.set)
    assert not after.wait(0.2)
    stopped.set()
    assert after.wait(2)
    wait_for(lambda: not queues.busy("server:1"))
    queues.stop()
    timers.stop()


def test_the_end_of_a_guest_wakes_who_waits_for_it() -> None:
    timers = Timers()
    timers.start()
    queues = SerialQueues("t", timers)
    looks: list[int] = []
    over = threading.Event()

    def stop() -> object:
        looks.append(1)
        if len(looks) == 1:
            return Later(3600)
        over.set()
        return None

    queues.submit("server:1", stop)
    wait_for(lambda: "server:1" in queues._parked)
    queues.wake("server:1")
    assert over.wait(2)
    queues.wake("server:1")  # nobody waits any more
    queues.stop()
    timers.stop()


def test_networks_and_the_agents_own_looks_have_threads_of_their_own() -> None:
    """C6: `network.apply` and libvirt's keeper stood behind quick verbs that hung."""
    queues = SerialQueues("t")
    free = threading.Event()
    for number in range(2 * QUICK_THREADS):
        queues.submit(f"server:{number}", lambda: free.wait(10))
    done = [threading.Event(), threading.Event()]
    queues.submit("network.apply", done[0].set, pool="network")
    queues.submit("libvirtd", done[1].set, pool="aside")
    assert done[0].wait(2) and done[1].wait(2)
    free.set()
    queues.stop()


def test_a_verb_that_waits_is_done_once_and_keeps_its_notes(make_desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """C6: the job that is run again is the same job: one turn, one deadline, one answer."""
    from hostagent.drivers.hypervisor.fake import FakeHypervisor

    desk = make_desk()
    begun: list[float] = []

    def power(self: FakeHypervisor, server_id: str, job: Any) -> str:
        begun.append(job.begun)
        if job.notes.setdefault("looks", 0.0) < 2:
            job.notes["looks"] += 1
            raise Later(0.02)
        return "shutoff"

    monkeypatch.setattr(FakeHypervisor, "power", power)
    answer = desk.order("server.stop", {"server_id": "s", "timeout": 60})
    assert answer["body"]["state"] == "shutoff"
    assert len(begun) == 3 and len(set(begun)) == 1
    assert len([r for r in desk.reports if r["kind"] == "done"]) == 1


def test_a_stop_presses_the_button_and_waits_by_time_not_by_a_thread() -> None:
    """C6: the driver itself."""
    libvirt = pytest.importorskip("libvirt")
    from hostagent.agent.job import Job
    from hostagent.drivers.hypervisor import libvirt_power

    class Domain:
        presses = kills = 0
        active = True

        def hasManagedSaveImage(self) -> bool:
            return False

        def isActive(self) -> bool:
            return self.active

        def state(self) -> tuple[int, int]:
            return (libvirt.VIR_DOMAIN_RUNNING, 0)

        def shutdownFlags(self, flags: int) -> None:
            self.presses += 1

        def destroy(self) -> None:
            self.kills, self.active = self.kills + 1, False

    driver: Any = None
    domain = Domain()
    job = Job({"body": {"timeout": 60}, "deadline": 120})
    job.begin()
    for _ in range(3):
        with pytest.raises(Later):
            libvirt_power.stop(driver, domain, job)
    assert (domain.presses, domain.kills) == (1, 0)  # again only after BUTTON_EVERY
    job.notes["until"] = 0.0
    libvirt_power.stop(driver, domain, job)
    assert domain.kills == 1


def test_a_recorded_death_is_plain_json() -> None:
    kept, said = Threads(), []
    kept.on_death(lambda name, count, detail: said.append(json.dumps([name, count, detail]).encode()))
    stop = threading.Event()

    def loop() -> None:
        if said:
            stop.set()
            return
        raise ValueError("\ud800")

    kept.keep("x", loop)
    assert stop.wait(5)
