"""A cloud in one process: hosts that answer every order at once, as a fake agent would, and nothing that waits."""

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

from rest_framework.test import APIClient

from common.actor import Actor
from common.clock import now
from hostagent import envelope
from hosts.models import Host
from operations import background, engine, hostlink

KEY = "cd" * 32
LADDER = {"reader": ["reader"], "member": ["reader", "member"], "admin": ["reader", "member", "manager", "admin"]}

Order = dict[str, Any]
_seq = itertools.count(int(time.time() * 1e6))


def actor(project: str = "red", role: str = "member") -> Actor:
    return Actor(
        user_id=f"user-{project}",
        user_name=project,
        project_id=project,
        project_name=project,
        roles=frozenset(LADDER[role]),
        request_id="req-00000000-0000-0000-0000-000000000000",
    )


class Client(APIClient):
    """Asks paths below /api/compute/v2.1/ in a microversion."""

    version = "2.1"

    def ask(self, method: str, path: str, body: Any = None, *, version: str | None = None, **more: Any) -> Any:
        full = path if path.startswith("/") else f"/api/compute/v2.1/{path}"
        headers = {"HTTP_X_OPENSTACK_NOVA_API_VERSION": version or self.version, **more}
        if body is None:
            return getattr(self, method)(full, **headers)
        return self.generic(method.upper(), full, json.dumps(body), "application/json", **headers)

    def ok(self, method: str, path: str, body: Any = None, *, status: int = 200, **more: Any) -> Any:
        answer = self.ask(method, path, body, **more)
        assert answer.status_code == status, (answer.status_code, answer.content[:600])
        return answer.json() if answer.content else None


class World:
    """Orders go to `orders`; `settle()` lets hosts answer until nothing is due any more."""

    def __init__(self) -> None:
        self.jobs: list[str] = []
        self.outbox: list[tuple[str, Order]] = []
        self.orders: list[tuple[str, str, Order]] = []
        self.networks: dict[str, dict[str, str]] = {}
        self.domains: dict[str, dict[str, str]] = {}
        #: verb → what to answer instead: a dict is an answer, an exception class name a failure, None silence.
        self.replies: dict[str, Callable[[Order], tuple[str, dict[str, Any]] | None]] = {}

    def host(self, name: str, *, vcpus: int = 8, memory: int = 8192, disk: int = 100, **more: Any) -> Host:
        from placement import inventories

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
        row = Host.objects.create(
            name=name,
            roles=["control", "network", "compute", "storage"],
            **{**values, "underlay_ip": "10.0.0.1", **more},
        )
        inventories.on_inventory(row)
        return row

    # ── Answers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, host: str, order: Order, bulk: bool | None = None) -> bool:
        self.outbox.append((host, json.loads(json.dumps(order))))
        return True

    def _answer(self, host: str, order: Order) -> None:
        verb, body = order["verb"], order["body"]
        self.orders.append((host, verb, order))
        if verb == "network.apply":
            self._network(host, body)
            return
        special = self.replies.get(verb)
        reply = special(order) if special else ("done", self._done(host, verb, body))
        if reply is not None and order["operation"]:
            self.report(host, order, *reply)

    def _done(self, host: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        domains = self.domains.setdefault(host, {})
        after = {"server.ensure": "running", "server.stop": "shutoff", "server.pause": "paused"}
        after |= {"server.unpause": "running", "server.suspend": "saved", "server.resume": "running"}
        if verb in after:
            domains[body["server_id"]] = after[verb]
        if verb in ("server.remove", "setaside.put"):
            domains.pop(body["server_id"], None)
        return {"state": domains.get(body.get("server_id", ""), "absent"), "seconds": 0.1}

    def _network(self, host: str, body: dict[str, Any]) -> None:
        have = {} if body["full"] else self.networks.setdefault(host, {})
        have.update({piece: value["hash"] for piece, value in body["pieces"].items()})
        for piece in body["remove"]:
            have.pop(piece, None)
        self.networks[host] = have
        self.report(host, {}, "network", {"hashes": dict(have), "failed": {}})

    def report(self, host: str, order: Order, kind: str, body: dict[str, Any]) -> None:
        message = {k: order.get(k, "") for k in ("operation", "step", "generation", "subject")}
        message |= {"host": host, "boot": "b", "kind": kind, "body": body, "sent": time.time(), "seq": next(_seq)}
        hostlink.receive(envelope.close(message, KEY, "report"))

    def settle(self, *, turns: int = 60) -> None:
        """Run what was rung for and answer what was ordered, until both are quiet."""
        for _turn in range(turns):
            jobs, self.jobs = list(dict.fromkeys(self.jobs)), []
            outbox, self.outbox = self.outbox, []
            if not jobs and not outbox:
                return
            for job in jobs:
                if job.startswith("kick:"):
                    _, kind, key = job.split(":", 2)
                    background.run(kind, key)
                else:
                    engine.advance(job)
            for host, order in outbox:
                self._answer(host, order)
        raise AssertionError(f"still busy after {turns} turns: {self.jobs} {[o['verb'] for _h, o in self.outbox]}")

    def verbs(self, host: str | None = None) -> list[str]:
        return [v for h, v, _o in self.orders if v != "network.apply" and host in (None, h)]


__all__ = ["KEY", "Client", "World", "actor"]
