"""Two hosts that answer, two projects, what was sent to hosts, and a client that speaks Neutron."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.test import Client

from authorization.context import RequestContext
from hostagent.contract.network import PIECE_CHANGES, Piece
from hostagent.contract.reports import Kind
from hostagent.drivers.network import fake, whole
from hosts.models import Host
from identity.models import Domain, Project
from networking.desired import sync
from networking.desired.models import HostPiece
from networking.networks import services as networks
from networking.networks.models import Network
from networking.subnets import services as subnets
from operations import rpc
from tests.simulated import Cloud, simulated
from tests.simulated.trouble import Sent

MEMBER = frozenset({"member", "reader"})


@pytest.fixture
def demo() -> RequestContext:
    return RequestContext(user_id="u1", project_id="d" * 32, roles=MEMBER)


@pytest.fixture
def other() -> RequestContext:
    return RequestContext(user_id="u2", project_id="e" * 32, roles=MEMBER)


@pytest.fixture
def admin() -> RequestContext:
    return RequestContext(user_id="u0", project_id="a" * 32, roles=MEMBER | {"admin", "manager"})


class Agents(Cloud):
    """A cloud whose hosts report when a test tells them to."""

    misfits: ClassVar[list[str]] = []  # pieces of which a host got a difference that does not fit what it has

    def _deliver(self, sent: Sent) -> None:
        super()._deliver(sent)
        self.said.clear()
        assert not self.misfits, "a difference to what the host has not"

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """(host, body) of every order about networks."""
        return [(host, order["body"]) for host, verb, order in self.orders if verb == "network.apply"]

    def bodies(self, host: str) -> dict[str, Piece]:
        """The pieces that a host has now, whole."""
        self.deliver()
        return dict(self.agent(host).network.driver.pieces)

    def pieces(self, host: str) -> dict[str, str]:
        return {key: piece["hash"] for key, piece in self.bodies(host).items()}

    def report(self, host: str, failed: dict[str, Any] | None = None, *, hashes: dict[str, str] | None = None) -> None:
        """Have the host report what its network is; `failed` and `hashes` have it report something else."""
        failed = failed or {}
        have = self.pieces(host) if hashes is None else hashes
        said = {"hashes": {key: hash for key, hash in have.items() if key not in failed}, "failed": failed}
        self.agent(host).reporter.report(Kind.NETWORK, said)
        self.hear()

    def settle(self) -> None:
        """Render, send, report, until nothing is left to say."""
        sync.drain()
        self.deliver()
        for host in self.hosts():
            self.report(host)


def fitting(pieces: dict[str, dict[str, Any]], had: dict[str, Piece]) -> dict[str, Piece]:
    """Apply pieces as hostagent.drivers.network.whole does, and note those that it leaves out."""
    told = whole(pieces, had)
    Agents.misfits[:] = pieces.keys() - told.keys()
    return told


@pytest.fixture
def agents(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[Agents]:
    with simulated(monkeypatch, settings, tmp_path, Agents) as made:
        told = {"id": "c", "life": "l", "count": 1}  # what the lives' rows say is taken back with a test's transactions
        monkeypatch.setattr(rpc, "_stamp", lambda host, verb: told)
        monkeypatch.setattr(fake, "UNUSED", frozenset())
        monkeypatch.setattr(fake, "whole", fitting)
        monkeypatch.setattr(fake.FakeNetwork, "remember", lambda driver: None)  # no agent here starts anew
        monkeypatch.setattr("django.db.transaction.on_commit", lambda call, using=None, robust=False: call())
        domain, _made = Domain.objects.get_or_create(pk="default", defaults={"name": "Default"})
        Project.objects.bulk_create(
            [Project(pk=letter * 32, name=f"project-{letter}", domain=domain) for letter in "dea"]
        )
        Host.objects.bulk_create(
            Host(
                name=f"host{number}",
                number=number,
                state="up",
                speaks=2,
                roles=["network", "compute"],
                underlay_ip=f"10.99.0.{number}",
                capabilities=[PIECE_CHANGES] if number == 1 else [],  # host2's agent is of an older release
            )
            for number in (1, 2)
        )
        yield made


@pytest.fixture
def external(agents: Agents, admin: RequestContext) -> Network:
    network = networks.create(admin, name="public", kind="flat", physical="public", external=True)
    subnets.create(admin, network_id=network.id, cidr="172.24.4.0/24", enable_dhcp=False)
    return network


@pytest.fixture
def private(agents: Agents, demo: RequestContext) -> Network:
    network = networks.create(demo, name="private")
    subnets.create(demo, network_id=network.id, cidr="10.0.0.0/24")
    return network


def wanted_hashes() -> dict[tuple[str, str], str]:
    rows = HostPiece.objects.exclude(wanted="").values_list("host", "piece", "wanted")
    return {(host, piece): wanted for host, piece, wanted in rows}


class Neutron:
    """A client of the API as one actor."""

    def __init__(self, actor: RequestContext) -> None:
        self.actor = actor
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        sent = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        answer = getattr(self.client, method)(f"/api/network/v2.0/{path}", HTTP_X_TEST_USER=self.actor.user_id, **sent)
        return answer.status_code, (answer.json() if answer.content else None)


@pytest.fixture
def neutron(
    agents: Agents,
    demo: RequestContext,
    other: RequestContext,
    admin: RequestContext,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """neutron(actor) → a Neutron client."""
    settings.ROOT_URLCONF = "tests.networking.routes"
    known = {actor.user_id: actor for actor in (demo, other, admin)}
    monkeypatch.setattr("openstackapi.auth.authenticate", lambda request: known[request.META["HTTP_X_TEST_USER"]])
    return Neutron
