"""Lists of hosts, groups, roles and domains follow what happens: each change is announced, and its row can be asked for."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from common.live import Announcement
from hosts.models import Host
from hosts.services import set_enabled
from identity.models import Project, User
from networking.floatingips.models import FloatingIP
from networking.networks.models import Network
from networking.ports.models import Port
from placement import inventories
from placement import services as placement

Heard = Callable[[Callable[[], Any]], set[tuple[str, str]]]


@pytest.fixture
def heard(django_capture_on_commit_callbacks: Any) -> Heard:
    """What is announced while something is done: the sockets of operators are told all of it."""

    def during(do: Callable[[], Any]) -> set[tuple[str, str]]:
        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            do()
        return {(one.kind, one.id) for one in callbacks if isinstance(one, Announcement)}

    return during


class Keystone:
    def __init__(self, client: Client) -> None:
        user = {"name": "admin", "domain": {"id": "default"}, "password": "admin's password"}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
        self.client = client
        answer = self("post", "auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        self.token = answer.headers["X-Subject-Token"]

    token = ""

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = getattr(self.client, method)(
            f"/api/identity/v3/{path}", json.dumps(body or {}), "application/json", HTTP_X_AUTH_TOKEN=self.token
        )
        assert answer.status_code < 300, answer.content
        return answer


HX = {"HX-Request": "true"}


@pytest.mark.parametrize("kind", ["group", "role", "domain", "user"])
def test_a_list_hears_of_what_is_made_changed_and_removed(admin: Client, heard: Heard, kind: str) -> None:
    ask, ids = Keystone(Client()), []

    def rows() -> str:
        return admin.get(f"/{kind}s?rows={ids[0]}", headers=HX).content.decode()

    def make() -> None:
        ids.append(ask("post", f"{kind}s", {kind: {"name": "first-name"}}).json()[kind]["id"])

    told = heard(make)
    assert (kind, ids[0]) in told
    assert "first-name" in rows()
    assert (kind, ids[0]) in heard(
        lambda: ask("patch", f"{kind}s/{ids[0]}", {kind: {"name": "next", "enabled": False}})
    )
    assert "first-name" not in rows() and "next" in rows()
    assert (kind, ids[0]) in heard(lambda: ask("delete", f"{kind}s/{ids[0]}"))
    assert "<tr" not in rows()


def test_groups_and_roles_hear_of_what_they_hold(admin: Client, heard: Heard) -> None:
    ask, demo = Keystone(Client()), User.objects.get(name="demo")
    group = ask("post", "groups", {"group": {"name": "ops"}}).json()["group"]["id"]
    one, two = (ask("post", "roles", {"role": {"name": name}}).json()["role"]["id"] for name in ("one", "two"))
    for method in ("put", "delete"):
        assert ("group", group) in heard(lambda: ask(method, f"groups/{group}/users/{demo.pk}"))  # noqa: B023
        assert ("role", one) in heard(lambda: ask(method, f"roles/{one}/implies/{two}"))  # noqa: B023
        assert ("two" in admin.get(f"/roles?rows={one}", headers=HX).content.decode()) == (method == "put")


def test_hosts_hear_of_their_state_and_of_what_is_promised_of_them(admin: Client, heard: Heard) -> None:
    inventory = {"vcpus": 4, "memory_mib": 4096, "disk_gib": 40}
    host = Host.objects.create(name="h7", number=7, state="up", roles=["compute"], inventory=inventory)
    inventories.on_inventory(host)

    def row() -> str:
        return admin.get("/hosts?rows=h7", headers=HX).content.decode()

    before = row()
    claim = {"VCPU": 2, "MEMORY_MB": 512}
    assert heard(lambda: placement.claim("s1", "p", claim, ["h7"])) == {("host", "h7")}
    assert "512 MiB" in row() and "512 MiB" not in before
    assert heard(lambda: placement.release("s1")) == {("host", "h7")}
    assert row() == before
    assert heard(lambda: placement.release("s1")) == set()
    assert heard(lambda: set_enabled("h7", enabled=False, reason="new disks")) == {("host", "h7")}
    assert "new disks" in row()


@pytest.mark.parametrize(("status", "words"), [("DOWN", "Associating"), ("ACTIVE", "Associated")])
def test_a_floating_ip_is_associated_once_it_is_active(admin: Client, status: str, words: str) -> None:
    owner = Project.objects.get(name="admin", is_domain=False).pk
    network = Network.objects.create(
        project_id=owner, kind="flat", physical="p", conntrack_zone=1, mtu=1500, external=True
    )
    inner, outer = (
        Port.objects.create(project_id=owner, network=network, mac_address=f"fa:16:3e:0:0:{n}") for n in (1, 2)
    )
    floating = FloatingIP.objects.create(
        project_id=owner,
        network=network,
        port=inner,
        floating_port=outer,
        floating_ip_address="192.0.2.9",
        status=status,
    )
    assert f">{words}<" in admin.get(f"/floating-ips?rows={floating.pk}", headers=HX).content.decode()
