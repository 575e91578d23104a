"""Control, its hosts, and the messages on their way between them. `settle()` lets all of them arrive."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from django.db.models import F

from common.clock import now
from hostagent.contract.messages import SILENCE, WELCOME
from hostagent.contract.reports import Kind
from hosts import epoch, services
from hosts.models import Host
from networking.desired import sync
from networking.desired.models import Change, HostPiece
from operations import arrivals, rpc, wakeups
from operations.models import LIVE, BackgroundJob, Operation, OperationStep
from operations.recovery import recover
from placement import inventories
from tests.simulated.agents import Agent
from tests.simulated.trouble import KEY, Crash, Order, Said, Sent, Trouble

#: Answers an order instead of the host's agent: (kind, body) of a report, or None for silence.
Reply = Callable[[Order], tuple[str, dict[str, Any]] | None]
TURNS = 400  # turns of settle() after which what is still busy is a failure


class Cloud:
    """Hosts by name; each has an agent of its own from the first order that reaches it."""

    def __init__(self, folder: Path) -> None:
        self.jobs: list[str] = []  # wake-ups that were sent
        self.outbox: list[Sent] = []  # orders on their way
        self.said: list[Said] = []  # reports on their way
        self.replies: dict[str, Reply] = {}  # verb → what a host answers instead of doing it
        self.silent: set[str] = set()  # hosts that receive nothing and say nothing
        self.trouble = Trouble()
        self.is_patient = False  # whether settle() lets time pass until nothing is under way
        self.watch: Callable[[], None] = lambda: None  # called after everything that happens
        self._sent: list[Sent] = []
        self._folder = folder
        self._agents: dict[str, Agent] = {}
        self._is_clocks_turn = False

    def close(self) -> None:
        for agent in self._agents.values():
            agent.stop()

    # ── Hosts ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def host(self, name: str, *, vcpus: int = 8, memory: int = 8192, disk: int = 100, **more: Any) -> Host:
        """Make the row of a host that was heard just now. `memory` in MiB, `disk` in GiB; `more` are further columns."""
        inventory = {
            "hostname": name,
            "vcpus": vcpus,
            "memory_mib": memory,
            "disk_gib": disk,
            "disk_free_gib": disk,
            "hypervisor": "QEMU",
            "hypervisor_version": 7002000,
            "cpu_model": "qemu64",
            "cpu_arch": "x86_64",
        }
        values = {"number": Host.objects.count() + 1, "state": "up", "inventory": inventory, "last_seen_at": now()}
        values |= {"roles": ["control", "network", "compute", "storage"], "underlay_ip": "10.0.0.1"}
        row = Host.objects.create(name=name, **{**welcomed(), **values, **more})
        inventories.on_inventory(row)
        return row

    def agent(self, name: str) -> Agent:
        if name not in self._agents:
            self._agents[name] = Agent(name, KEY, self._folder, lambda *said: self.said.append(Said(*said)))
        return self._agents[name]

    def restart(self, name: str) -> None:
        """Start the host's agent anew: it says hello, and control hears it."""
        if name in self._agents:
            self._agents.pop(name).stop()
        self.agent(name).start()
        self.hear()

    def cut_off(self, name: str) -> None:
        """Make the host silent, and drop the orders that are on their way to it."""
        self.silent.add(name)
        self.outbox = [sent for sent in self.outbox if sent.host != name]

    # ── Messages ────────────────────────────────────────────────────────────────────────────────────────────────────

    def publish(self, host: str, message: dict[str, Any], queue: str) -> None:
        """Replaces operations.rpc._publish: queue a sealed order for its host, and note it."""
        sent = Sent(host, message)
        self._sent.append(sent)
        self.outbox.append(sent)

    def deliver(self) -> None:
        """Have every order on its way carried out; the reports of that are then on their way."""
        outbox, self.outbox = self.outbox, []
        for sent in outbox:
            self._deliver(sent)

    def _deliver(self, sent: Sent) -> None:
        if sent.host in self.silent:
            return
        reply = self.replies.get(sent.verb) if self.replies else None
        if reply is None:
            self.agent(sent.host).receive(sent.message)
            return
        answer = reply(sent.order)
        if answer is not None:
            kind, body = answer
            self.agent(sent.host).reporter.reply(Kind(kind), body, sent.order)

    def hear(self) -> None:
        """Have every report on its way received by control."""
        said, self.said = self.said, []
        self._receive(self.trouble.reports(said))

    @staticmethod
    def _receive(said: list[Said]) -> None:
        for one in said:
            rpc.receive(one.close(one.report))

    # ── Everything at once ──────────────────────────────────────────────────────────────────────────────────────────

    def settle(self) -> None:
        """Run turns until nothing is on its way; with `is_patient`, let time pass until nothing is under way either.

        Raises: AssertionError after TURNS.
        """
        for _turn in range(TURNS):
            if self.turn():
                continue
            if not self.is_patient or not self.is_anything_open():
                return
            self.time_passes()
        busy = [f"{row} at step {row.step}" for row in Operation.objects.filter(state__in=LIVE)]
        raise AssertionError(f"still busy after {TURNS} turns: {busy} {self.jobs} {self.verbs()[-9:]}")

    def turn(self) -> bool:
        """Have everything arrive that is on its way now, and nothing that follows from it. False if there was nothing."""
        jobs, self.jobs = list(dict.fromkeys(self.jobs)), []
        outbox, self.outbox = self.outbox, []
        if not jobs and not outbox:
            return False
        are_the_clocks, self._is_clocks_turn = self._is_clocks_turn, False
        for job in self.trouble.wake_ups(jobs, are_the_clocks=are_the_clocks):
            self.run(job)
            self.watch()
        for sent in self.trouble.orders(outbox):
            self._deliver(sent)
            if "reordered" not in self.trouble.kinds:
                self.hear()
            self.watch()
        if "reordered" in self.trouble.kinds:
            said, self.said = self.said, []
            self._receive(self.trouble.late_reports(said))
        return True

    def run(self, job: str) -> None:
        """Run one job of control. Where control dies of it, the wake-ups and orders on their way are lost too."""
        try:
            wakeups.run_job(job)
        except Crash:
            self.jobs.clear()
            self.outbox.clear()

    @staticmethod
    def is_anything_open() -> bool:
        """Whether anything would happen by itself, given time."""
        if (
            Operation.objects.filter(state__in=LIVE).exists()
            or BackgroundJob.objects.exists()
            or Change.objects.exists()
        ):
            return True
        return HostPiece.objects.exclude(wanted=F("reported")).exists()

    def time_passes(self) -> None:
        """Make everything that waits due, and run control's periodic recovery."""
        moment = now()
        old = moment - timedelta(seconds=SILENCE + 1)
        waiting = OperationStep.objects.filter(finished_at=None, answer__isnull=True).exclude(ordered_at=None)
        waiting.update(ordered_at=old, heard_at=None)
        Operation.objects.filter(state__in=LIVE).update(wake_at=moment)
        BackgroundJob.objects.update(due_at=old)
        HostPiece.objects.update(sent_at=old)
        self._is_clocks_turn = True
        recover()
        sync.recover()

    # ── What can be seen ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def orders(self) -> list[tuple[str, str, Order]]:
        """(host, verb, order) of all that has left control since forget_orders()."""
        return [(sent.host, sent.verb, sent.order) for sent in self._sent if sent.verb != WELCOME]

    def forget_orders(self) -> None:
        self._sent.clear()

    def verbs(self, host: str | None = None) -> list[str]:
        """List the verbs ordered of a host, or of all hosts, without those of networks."""
        return [verb for name, verb, _order in self.orders if verb != "network.apply" and host in (None, name)]

    def domains(self, host: str = "host1") -> dict[str, str]:
        """Map each guest of a host to its state."""
        return self.agent(host).hypervisor.read_states()

    def disks(self, host: str = "host1") -> list[str]:
        """List the servers that have a disk on a host."""
        return self.agent(host).storage.read_disks()

    def hosts(self) -> list[str]:
        """List the hosts that an order has reached."""
        return list(self._agents)

    def disk_sizes(self, host: str, server_id: str) -> tuple[int | None, int | None]:
        """GiB of a server's root disk on a host, and of the one that is kept from before it grew."""
        storage = self.agent(host).storage
        return storage.sizes.get(server_id), storage.kept.get(server_id)

    def has_disk(self, server_id: str) -> bool:
        return any(server_id in self.disks(host) for host in self._agents)

    def where(self, server_id: str) -> set[str]:
        """Name the hosts that have a guest or a disk of a server."""
        return {host for host in self._agents if server_id in self.domains(host) or server_id in self.disks(host)}


def welcomed() -> dict[str, Any]:
    """Columns of a host whose agent control has welcomed in this life of the database."""
    return {"recognised": epoch.current()["life"], "speaks": 2}


Made = TypeVar("Made", bound=Cloud)
#: Setting → folder of control's own files, below the cloud's.
FOLDERS: Final = {"IMAGE_STORE": "images", "KEYS": "keys", "CONSOLE_LOGS": "consoles"}


def make_folders(folder: Path) -> None:
    """Make the folders that a prepared cloud has."""
    for below in FOLDERS.values():
        (folder / below).mkdir()


@contextmanager
def simulated(monkeypatch: pytest.MonkeyPatch, settings: Any, folder: Path, kind: type[Made] = Cloud) -> Iterator[Made]:
    """Make a cloud below `folder`. Inside the context control's wake-ups and orders go to it."""
    settings.DATA = folder
    for name, below in FOLDERS.items():
        setattr(settings, name, folder / below)
    found = kind(folder / "hosts")
    monkeypatch.setattr(wakeups, "notify", lambda job: found.jobs.append(job))
    monkeypatch.setattr(rpc, "_publish", found.publish)
    for place in (rpc, "_key_of"), (services, "key_of"):
        monkeypatch.setattr(*place, lambda host: KEY)
    monkeypatch.setattr(arrivals, "fresh", arrivals.Freshness())
    monkeypatch.setattr(services, "_lines", {})
    monkeypatch.setattr(services, "_carriers", (0.0, frozenset()))
    monkeypatch.setattr("os.fsync", lambda file: None)  # nobody cuts the power of a simulated host
    epoch.forget()
    try:
        yield found
    finally:
        found.close()
        epoch.forget()
