"""Two hosts that answer, two projects, what was sent to hosts, and a client that speaks Neutron."""

import json
from typing import Any

import pytest
from django.test import Client

from common.actor import Actor
from hostagent.contract.network import PIECE_CHANGES
from hostagent.drivers.network import Piece, whole
from hosts.models import Host
from identity.models import Domain, Project
from networking.networks import services as networks
from networking.networks.models import Network
from networking.subnets import services as subnets
from networking.wanted import reports, sync
from networking.wanted.models import HostPiece
from operations import doorbell, hostlink

MEMBER = frozenset({"member", "reader"})


@pytest.fixture
def demo() -> Actor:
    return Actor(user_id="u1", project_id="d" * 32, roles=MEMBER)


@pytest.fixture
def other() -> Actor:
    return Actor(user_id="u2", project_id="e" * 32, roles=MEMBER)


@pytest.fixture
def admin() -> Actor:
    return Actor(user_id="u0", project_id="a" * 32, roles=MEMBER | {"admin", "manager"})


class Agents:
    """Stands for the hosts' agents: keeps what was ordered, reports when told to."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, dict[str, Any]]] = []
        self.pieces: dict[str, dict[str, str]] = {}
        self.bodies: dict[str, dict[str, Piece]] = {}  # what each host has made of what it was told

    def take(self, host: str, order: dict[str, Any], **_more: Any) -> bool:
        body = order["body"]
        self.orders.append((host, body))
        made = {} if body["full"] else self.bodies.setdefault(host, {})
        told = whole(body["pieces"], made)
        assert told.keys() == body["pieces"].keys(), "a difference to what the host has not"
        self.bodies[host] = {key: piece for key, piece in {**made, **told}.items() if key not in body["remove"]}
        have = {} if body["full"] else self.pieces.setdefault(host, {})
        have.update({piece: wanted["hash"] for piece, wanted in body["pieces"].items()})
        for piece in body["remove"]:
            have.pop(piece, None)
        self.pieces[host] = have
        return True

    def report(self, host: str, failed: dict[str, Any] | None = None) -> None:
        hashes = {piece: hash for piece, hash in self.pieces.get(host, {}).items() if piece not in (failed or {})}
        reports.on_network(host, {"hashes": hashes, "failed": failed or {}})

    def settle(self) -> None:
        """Render, send, report, until nothing is left to say."""
        sync.drain()
        for host in list(self.pieces):
            self.report(host)


@pytest.fixture
def agents(db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> Agents:
    made = Agents()
    monkeypatch.setattr(hostlink, "send_order", made.take)
    monkeypatch.setattr(doorbell, "ring", lambda job: None)
    monkeypatch.setattr("django.db.transaction.on_commit", lambda call, using=None, robust=False: call())
    domain, _made = Domain.objects.get_or_create(pk="default", defaults={"name": "Default"})
    for letter in "dea":
        Project.objects.create(pk=letter * 32, name=f"project-{letter}", domain=domain)
    for number in (1, 2):
        Host.objects.create(
            name=f"host{number}",
            number=number,
            state="up",
            roles=["network", "compute"],
            underlay_ip=f"10.99.0.{number}",
            capabilities=[PIECE_CHANGES] if number == 1 else [],  # host2's agent is of an older release
        )
    return made


@pytest.fixture
def external(agents: Agents, admin: Actor) -> Network:
    network = networks.create(admin, name="public", kind="flat", physical="public", external=True)
    subnets.create(admin, network_id=network.id, cidr="172.24.4.0/24", enable_dhcp=False)
    return network


@pytest.fixture
def private(agents: Agents, demo: Actor) -> Network:
    network = networks.create(demo, name="private")
    subnets.create(demo, network_id=network.id, cidr="10.0.0.0/24")
    return network


def wanted_hashes() -> dict[tuple[str, str], str]:
    rows = HostPiece.objects.exclude(wanted="").values_list("host", "piece", "wanted")
    return {(host, piece): wanted for host, piece, wanted in rows}


class Neutron:
    """A client of the API as one actor."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        sent = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        answer = getattr(self.client, method)(f"/api/network/v2.0/{path}", HTTP_X_TEST_USER=self.actor.user_id, **sent)
        return answer.status_code, (answer.json() if answer.content else None)


@pytest.fixture
def neutron(
    agents: Agents, demo: Actor, other: Actor, admin: Actor, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """neutron(actor) → a Neutron client."""
    settings.ROOT_URLCONF = "tests.networking.routes"
    known = {actor.user_id: actor for actor in (demo, other, admin)}
    monkeypatch.setattr("openstackapi.auth.authenticate", lambda request: known[request.META["HTTP_X_TEST_USER"]])
    return Neutron
