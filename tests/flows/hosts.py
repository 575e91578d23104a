"""Hosts in this process that do what they are told, keep what they have, and can be made unreliable.

`settle()` runs rings and orders until nothing is due; when only time can help, it lets time pass.
"""

import hashlib
import random
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from common.clock import now
from hostagent.contract.messages import SILENCE
from images.images import data
from networking.wanted import sync
from networking.wanted.models import Change, HostPiece
from operations import background, engine
from operations.models import LIVE, Kick, Operation, OperationStep
from operations.sweep import sweep
from tests.compute.world import Order, World


class Crash(BaseException):
    """What a process that dies in mid-step looks like from inside: nothing of its transaction stays."""


@cache
def snapshot_bytes() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "disk"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "1M"], check=True)
        return path.read_bytes()


class Hosts(World):
    """What `trouble` may hold: doubled · reordered · lost · crashing."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: set[str] = set()
        self.disks: dict[str, set[str]] = defaultdict(set)
        self.sizes: dict[str, int] = {}  # server → GiB of its root disk
        self.kept: dict[str, int] = {}  # server → GiB of the one that may have to come back
        self.records: dict[str, dict[str, Any]] = {}  # server → what lies beside its disks
        self.newest: dict[tuple[str, str], int] = {}
        self.chance = random.Random(7)
        self._held: list[tuple[str, Order, str, dict[str, Any]]] = []
        self._past: list[tuple[str, Order, str, dict[str, Any]]] = []
        self._seen: set[Any] = set()
        self._in_turn = False
        self._is_clock = False
        #: Called after everything that happens.
        self.watch: Callable[[], None] = lambda: None

    # ── Hosts' side ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _done(self, host: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        if verb.startswith("disk."):
            self._disk(host, verb, body["server_id"], body)
        if verb == "setaside.put":
            self.disks[host].discard(body["server_id"])
        if verb == "server.describe":
            return {
                "servers": {
                    id: {"state": "running", "xml": "", "record": self.records.get(id, {})} for id in body["server_ids"]
                }
            }
        if verb == "server.ensure":
            self.records[body["server_id"]] = body["metadata"]
        if verb == "host.read":
            return {
                "servers": dict(self.domains.get(host, {})),
                "disks": sorted(self.disks[host]),
                "taps": [],
                "namespaces": [],
            }
        if verb == "server.snapshot":
            return self._upload(body["image_id"])
        return super()._done(host, verb, body)

    def _disk(self, host: str, verb: str, server_id: str, body: dict[str, Any]) -> None:
        """Sizes as `hostagent/drivers/storage/file.py` leaves them."""
        if verb == "disk.resize" and body["size_gib"] > self.sizes[server_id]:
            self.kept.setdefault(server_id, self.sizes[server_id])
            self.sizes[server_id] = body["size_gib"]
        elif verb == "disk.remove":
            self.disks[host].discard(server_id)
            self.sizes.pop(server_id, None)
            self.kept.pop(server_id, None)
        elif verb == "disk.ensure" and "kept" in body:
            assert server_id not in self.domains.get(host, {}) or body["kept"] == "gone", "a machine uses this disk"
            kept = self.kept.pop(server_id, None)
            if kept is not None and body["kept"] == "back":
                self.sizes[server_id] = kept
        elif verb == "disk.ensure":
            self.disks[host].add(server_id)
            self.sizes.setdefault(server_id, body["size_gib"])

    def _upload(self, image_id: str) -> dict[str, Any]:
        """As an agent: send the bytes, and say what was sent."""
        content = snapshot_bytes()
        data.receive_snapshot(image_id, pieces=iter([content]), expected=len(content))
        return {
            "size": len(content),
            "checksum": hashlib.sha512(content).hexdigest(),
            "virtual_size": 2**20,
            "seconds": 0.1,
        }

    def _answer(self, host: str, order: Order) -> None:
        """An agent refuses an order that is older than the newest it acted on for that subject."""
        key = (host, order["subject"])
        if order["generation"] < self.newest.get(key, 0):
            self.report(
                host, order, "failed", {"code": "stale", "data": {"have": self.newest[key], "got": order["generation"]}}
            )
            return
        if order["generation"]:
            self.newest[key] = order["generation"]
        super()._answer(host, order)

    def report(self, host: str, order: Order, kind: str, body: dict[str, Any]) -> None:
        if self._in_turn and "reordered" in self.trouble:
            self._held.append((host, order, kind, body))
            return
        for _ in range(2 if "doubled" in self.trouble else 1):
            if not self._is_lost("report", host, order.get("operation"), order.get("step"), kind):
                super().report(host, order, kind, body)

    def _is_lost(self, *what: Any) -> bool:
        """Whether this, of which there will be another, gets lost: each the first time."""
        if "lost" not in self.trouble or what in self._seen:
            return False
        self._seen.add(what)
        return True

    # ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def settle(self, *, turns: int = 400) -> None:
        for _turn in range(turns):
            jobs, self.jobs = list(dict.fromkeys(self.jobs)), []
            outbox, self.outbox = self.outbox, []
            if not jobs and not outbox:
                if not self._is_anything_open():
                    return
                self.time_passes()
                continue
            for job in self._rung(jobs):
                self._run(job)
                self.watch()
            for host, order in self._arriving(outbox):
                self._in_turn = True
                self._answer(host, order)
                self._in_turn = False
                self.watch()
            self._late_reports()
        busy = [f"{row} at step {row.step}" for row in Operation.objects.filter(state__in=LIVE)]
        raise AssertionError(f"still busy after {turns} turns: {busy}")

    def _rung(self, jobs: list[str]) -> list[str]:
        """No ring arrives but those of the clock."""
        if "lost" in self.trouble and not self._is_clock:
            return []
        self._is_clock = False
        return jobs * 2 if "doubled" in self.trouble else jobs

    def _arriving(self, outbox: list[tuple[str, Order]]) -> Iterator[tuple[str, Order]]:
        if "reordered" in self.trouble:
            self.chance.shuffle(outbox)
        for host, order in outbox:
            for _ in range(2 if "doubled" in self.trouble else 1):
                if not self._is_lost("order", host, order["operation"], order["step"], order["verb"]):
                    yield host, order

    def _late_reports(self) -> None:
        """Reports come out of order, and each old one comes once more."""
        held, self._held = self._held, []
        self.chance.shuffle(held)
        for one in [*held, *self._past[-6:]]:
            World.report(self, *one)
        self._past += [one for one in held if one[2] != "network"]

    def _run(self, job: str) -> None:
        try:
            if job.startswith("kick:"):
                _, kind, key = job.split(":", 2)
                background.run(kind, key)
            else:
                engine.advance(job)
        except Crash:
            self.jobs.clear()
            self.outbox.clear()

    def _is_anything_open(self) -> bool:
        if Operation.objects.filter(state__in=LIVE).exists() or Kick.objects.exists() or Change.objects.exists():
            return True
        return any(row.wanted != row.reported for row in HostPiece.objects.all())

    def time_passes(self) -> None:
        """What the clock of control does once everything that waits has waited long enough."""
        moment = now()
        old = moment - timedelta(seconds=SILENCE + 1)
        waiting = OperationStep.objects.filter(finished_at=None, answer__isnull=True).exclude(ordered_at=None)
        waiting.update(ordered_at=old, heard_at=None)
        Operation.objects.filter(state__in=LIVE).update(wake_at=moment)
        Kick.objects.update(due_at=old)
        HostPiece.objects.update(sent_at=old)
        self._is_clock = True
        sweep()
        sync.sweep()
