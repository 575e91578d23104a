"""Two projects with a thing of each kind, in a seeded cloud of one process whose host answers at once."""

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.test import Client

from compute.metadata import api as metadata
from hosts.models import Host
from openstackapi.schema import document
from tests.openstackapi import conftest as cloud
from tests.openstackapi.asking import Asker
from tests.simulated import Cloud
from tests.tenants.bodies import Document
from tests.tenants.things import COMPUTE, IDENTITY, KINDS, NETWORK, Side
from tests.volumes.parts import told

askers, world = cloud.askers, cloud.world
PASSWORD = "a password of theirs"


@pytest.fixture(scope="session")
def written() -> Document:
    """The document of all routes, as clients get it."""
    return Document(orjson.loads(orjson.dumps(document(), default=str)))


@pytest.fixture
def sides(world: Cloud, askers: Callable[[], dict[str, Asker]], monkeypatch: pytest.MonkeyPatch) -> tuple[Side, Side]:
    """(the victim, the attacker): members of projects of their own, each with one thing of each kind."""
    world.is_patient = True
    told(world, "host1")
    monkeypatch.setattr(metadata, "authenticate_agent", lambda request: Host.objects.get(name="host1"))
    admin = askers()["admin"]
    outside = admin.make(f"{NETWORK}/networks", {"network": {"name": "outside", "router:external": True}})["id"]
    subnet = {"network_id": outside, "cidr": "203.0.113.0/24", "ip_version": 4}
    admin.make(f"{NETWORK}/subnets", {"subnet": subnet})
    found = tuple(_side(admin, outside, *of) for of in (("zarquonic", "10.231.7.0/24"), ("mallorish", "10.66.8.0/24")))
    for side in found:
        for kind in KINDS:
            side.things[kind.name] = kind.make(side)
            world.settle()
        _lead(side)
    world.settle()
    return found  # type: ignore[return-value]


def _side(admin: Asker, outside: str, word: str, cidr: str) -> Side:
    project = admin.make(f"{IDENTITY}/projects", {"project": {"name": f"{word}-project"}})["id"]
    user = admin.make(f"{IDENTITY}/users", {"user": {"name": f"{word}-user", "password": PASSWORD}})["id"]
    for name in ("member", "reader"):
        roles = admin.ask("get", f"{IDENTITY}/roles", query=f"name={name}").json()["roles"]
        grant = admin.ask("put", f"{IDENTITY}/projects/{project}/users/{user}/roles/{roles[0]['id']}")
        assert grant.status_code == 204, grant.content
    _unlimited(admin, project)
    return Side(word, cidr, project, user, Asker.sign_in(f"{word}-user", PASSWORD, f"{word}-project"), admin, outside)


def _unlimited(admin: Asker, project: str) -> None:
    compute = dict.fromkeys(("instances", "cores", "ram", "key_pairs", "server_groups", "server_group_members"), -1)
    kinds = (
        "network",
        "subnet",
        "port",
        "router",
        "floatingip",
        "security_group",
        "security_group_rule",
        "rbac_policy",
    )
    for path, key, names in (
        (f"{COMPUTE}/os-quota-sets/{project}", "quota_set", compute),
        (f"{NETWORK}/quotas/{project}", "quota", dict.fromkeys(kinds, -1)),
    ):
        assert admin.ask("put", path, json.dumps({key: names})).status_code == 200


def _lead(side: Side) -> None:
    """The side's floating IP leads to its server."""
    ports = side.asker.ask("get", f"{NETWORK}/ports", query=f"device_id={side.one('server')}").json()["ports"]
    body = json.dumps({"floatingip": {"port_id": ports[0]["id"]}})
    answer = side.asker.ask("put", f"{NETWORK}/floatingips/{side.one('floatingip')}", body)
    assert answer.status_code == 200, answer.content


@pytest.fixture
def enter() -> Callable[[Side], Client]:
    """Signs a side's user in at the portal."""

    def sign_in(side: Side) -> Client:
        client = Client()
        answer: Any = client.post("/sign-in", {"username": f"{side.word}-user", "password": PASSWORD})
        assert answer.status_code == 302, answer.content
        return client

    return sign_in
