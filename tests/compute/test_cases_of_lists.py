"""Cases of users of other clouds about what lists and answers show: groups of ports, times, migrations."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compute.metadata import documents
from compute.servers.models import Migration, Server
from networking.networks import services as networks
from networking.ports import services as ports
from networking.ports import updates
from networking.securitygroups.models import SecurityGroup
from networking.subnets import services as subnets
from tests.compute.client import Client
from tests.simulated import actor

Launch = Callable[..., str]
A, B = datetime(2026, 1, 2, 3, 4, 5, 250_000, UTC), datetime(2026, 1, 2, 3, 4, 6, 750_000, UTC)
A_SHOWN, B_SHOWN = "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"


# ── Security groups ─────────────────────────────────────────────────────────────────────────────────────────────────


def shown_groups(client: Client, id: str) -> list[list[str]]:
    """Names as the server, the list and the groups' own route have them."""
    one = client.ok("get", f"servers/{id}")["server"]
    listed = next(row for row in client.ok("get", "servers/detail")["servers"] if row["id"] == id)
    own = client.ok("get", f"servers/{id}/os-security-groups")["security_groups"]
    return [
        [group["name"] for group in row]
        for row in (one.get("security_groups", []), listed.get("security_groups", []), own)
    ]


def test_a_servers_groups_are_its_ports_groups(red: Client, launch: Launch, network: Any) -> None:
    """Case 8: what is set at a port shows at once, in each answer and in the guest's metadata."""
    other = SecurityGroup.objects.create(project_id="red", name="other")
    unnamed = SecurityGroup.objects.create(project_id="red", name="")
    id = launch()
    (port,) = ports.Port.objects.of_server(Server.objects.get(id=id))
    assert shown_groups(red, id) == [["default"]] * 3
    updates.update(actor("red"), port.id, security_groups=[other.id])
    assert shown_groups(red, id) == [["other"]] * 3
    assert documents.ec2_document(documents.facts_of(Server.objects.get(id=id)))["security-groups"] == "other"
    SecurityGroup.objects.filter(id=other.id).update(name="renamed")
    assert shown_groups(red, id) == [["renamed"]] * 3
    updates.update(actor("red"), port.id, security_groups=[unnamed.id])
    assert red.ok("get", f"servers/{id}")["server"]["security_groups"] == [{"name": unnamed.id}]
    updates.update(actor("red"), port.id, security_groups=[])
    assert "security_groups" not in red.ok("get", f"servers/{id}")["server"]


def test_a_port_brings_its_own_groups_from_birth(red: Client, launch: Launch, network: Any) -> None:
    """Case 8: a port with its own group, and a network without port security."""
    own = SecurityGroup.objects.create(project_id="red", name="own")
    port = ports.create(actor("red"), network_id=network.id, security_groups=[own.id])
    id = launch(networks=[{"port": port.id}])
    assert shown_groups(red, id) == [["own"]] * 3
    bare = networks.create(actor("red"), name="bare", port_security_enabled=False)
    subnets.create(actor("red"), network_id=bare.id, cidr="10.77.0.0/24", ip_version=4)
    assert shown_groups(red, launch(name="open", networks=[{"uuid": bare.id}])) == [[]] * 3


def test_a_group_shows_once_a_port(red: Client, launch: Launch, network: Any) -> None:
    """Case 8: as Nova's bindings have it; the groups of ports that only claim to be a server's are not its."""
    id = launch(networks=[{"uuid": network.id}, {"uuid": network.id}])
    assert red.ok("get", f"servers/{id}")["server"]["security_groups"] == [{"name": "default"}] * 2
    theirs = SecurityGroup.objects.create(project_id="blue", name="MARK")
    port = ports.Port.objects.of_server(Server.objects.get(id=id)).first()
    assert port is not None
    updates.update(actor("red", "admin"), port.id, security_groups=[theirs.id])
    assert red.ok("get", f"servers/{id}")["server"]["security_groups"] == [{"name": "default"}]


def test_groups_of_a_list_cost_no_query_a_server(
    red: Client, launch: Launch, django_assert_max_num_queries: Any
) -> None:
    """Case 8: one query for all servers of a list."""
    launch(name="one")
    red.ok("get", "servers/detail")
    with django_assert_max_num_queries(100) as few:
        red.ok("get", "servers/detail")
    for number in range(3):
        launch(name=f"more{number}")
    red.ok("get", "servers/detail")
    with django_assert_max_num_queries(100) as many:
        red.ok("get", "servers/detail")
    assert len(many) == len(few)


def test_a_servers_zone_does_not_change_under_it(red: Client, admin: Client, launch: Launch, world: Any) -> None:
    """Case 8, sibling: a host with servers could be put into a zone, and they showed the old one. As in Nova: 409."""
    id = launch()
    host = admin.ok("get", f"servers/{id}")["server"]["OS-EXT-SRV-ATTR:host"]

    def aggregate(name: str, **more: str) -> str:
        return str(admin.ok("post", "os-aggregates", {"aggregate": {"name": name, **more}})["aggregate"]["id"])

    def act(aggregate_id: str, verb: str) -> int:
        status: int = admin.ask("post", f"os-aggregates/{aggregate_id}/action", {verb: {"host": host}}).status_code
        return status

    zone, plain, same = aggregate("z", availability_zone="z"), aggregate("p"), aggregate("n", availability_zone="nova")
    assert act(zone, "add_host") == 409
    assert admin.ok("get", f"os-aggregates/{zone}")["aggregate"]["hosts"] == []
    for harmless in (plain, same):  # neither changes the zone
        assert [act(harmless, verb) for verb in ("add_host", "remove_host")] == [200, 200]
    red.ok("delete", f"servers/{id}", status=204)
    world.settle()
    assert act(zone, "add_host") == 200
    other = launch("two")
    assert red.ok("get", f"servers/{other}")["server"]["OS-EXT-AZ:availability_zone"] == "z"
    assert act(zone, "remove_host") == 409
    assert admin.ok("get", f"os-aggregates/{zone}")["aggregate"]["hosts"] == [host]


# ── Times ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def two(launch: Launch) -> tuple[str, str]:
    """A server that changed within one second and one that changed within the next."""
    first, second = launch(name="first"), launch(name="second")
    for id, moment in ((first, A), (second, B)):
        Server.objects.filter(id=id).update(created_at=moment, updated_at=moment, launched_at=moment)
    return first, second


def test_both_ends_of_changes_count_to_the_second(red: Client, two: tuple[str, str]) -> None:
    """Case 31: a time as shown names the row it was read from."""
    assert [s["updated"] for s in red.ok("get", "servers/detail?sort_key=created_at&sort_dir=asc")["servers"]] == [
        A_SHOWN,
        B_SHOWN,
    ]

    def names(query: str) -> list[str]:
        return sorted(row["name"] for row in red.ok("get", f"servers/detail?{query}")["servers"])

    assert names(f"changes-before={B_SHOWN}") == ["first", "second"]
    assert names(f"changes-before={A_SHOWN}") == ["first"]
    assert names(f"changes-since={B_SHOWN}") == ["second"]
    assert names(f"changes-since={A_SHOWN}&changes-before={A_SHOWN}") == ["first"]
    assert names("changes-since=2026-01-02T04:04:06%2B01:00") == ["second"]
    for column in ("created_at", "updated_at", "launched_at"):
        assert names(f"{column}={A_SHOWN}") == ["first"]
    for wrong in ("yesterday", "2026-13-45T00:00:00Z", "9" * 40, "0001-01-01T00:00:00+14:00"):
        for name in ("changes-since", "changes-before", "created_at"):
            assert red.ask("get", f"servers?{name}={wrong.replace('+', '%2B')}").status_code == 400
    assert names("changes-before=9999-12-31T23:59:59Z") == ["first", "second"]


def test_actions_and_images_are_found_by_the_times_they_show(red: Client, launch: Launch, image: Any) -> None:
    """Case 31: instance actions, and the old proxy of images."""
    id = launch()
    (action,) = red.ok("get", f"servers/{id}/os-instance-actions", version="2.66")["instanceActions"]
    for name in ("changes-since", "changes-before"):
        cut = action["updated_at"][:19] + "Z"
        found = red.ok("get", f"servers/{id}/os-instance-actions?{name}={cut}", version="2.66")["instanceActions"]
        assert [row["request_id"] for row in found] == [action["request_id"]]
    type(image).objects.update(updated_at=A)
    assert red.ok("get", f"/api/compute/v2.1/images?changes-since={A_SHOWN}", version="2.1")["images"]
    assert not red.ok("get", f"/api/compute/v2.1/images?changes-since={B_SHOWN}", version="2.1")["images"]


def test_migrations_have_times_and_refuse_what_they_do_not_know(admin: Client, launch: Launch) -> None:
    """Cases 31 and 37: os-migrations took `changes-since` and left it aside."""
    id = launch()
    for moment in (A, B):
        row = Migration.objects.create(server_id=id, source="a", destination="b", status="done", type="resize")
        Migration.objects.filter(pk=row.pk).update(updated_at=moment)

    def count(query: str, version: str) -> int:
        return len(admin.ok("get", f"os-migrations?{query}", version=version)["migrations"])

    assert count(f"changes-since={B_SHOWN}", "2.59") == 1
    assert count(f"changes-since={A_SHOWN}&changes-before={A_SHOWN}", "2.66") == 1
    assert count("", "2.59") == 2
    for query, version in ((f"changes-before={A_SHOWN}", "2.65"), ("user_id=x", "2.79"), ("nonsense=1", "2.59")):
        assert admin.ask("get", f"os-migrations?{query}", version=version).status_code == 400
    assert count("nonsense=1", "2.58") == 2


# ── Networks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_both_old_routes_of_networks_show_the_same(red: Client, admin: Client, network: Any) -> None:
    """Case 38: os-tenant-networks was empty for an administrator whose project has none."""
    networks.create(actor("blue"), name="blue")
    for client, count in ((admin, 2), (red, 1)):
        both = [client.ok("get", path)["networks"] for path in ("os-networks", "os-tenant-networks")]
        assert [sorted(row["id"] for row in rows) for rows in both] == [sorted(row["id"] for row in both[0])] * 2
        assert len(both[1]) == count
    other = networks.create(actor("blue"), name="second")
    assert admin.ok("get", f"os-tenant-networks/{other.id}")["network"]["id"] == other.id
    assert red.ask("get", f"os-tenant-networks/{other.id}").status_code == 404


def test_a_guest_without_ipv4_gets_a_drive(red: Client, launch: Launch, network: Any) -> None:
    """Case 5: the metadata service is asked over IPv4 alone, so what cannot ask it is told by a drive."""
    only = networks.create(actor("red"), name="six")
    subnets.create(
        actor("red"), network_id=only.id, cidr="fd00:6::/64", ip_version=6, ipv6_ra_mode="slaac", ipv6_address_mode="slaac"
    )  # fmt: skip
    ports_of_six = ports.create(actor("red"), network_id=only.id)

    def drive(**asked: Any) -> str:
        return str(red.ok("get", f"servers/{launch(**asked)}")["server"]["config_drive"])

    assert drive(networks=[{"uuid": only.id}]) == "True"
    assert drive(networks=[{"port": ports_of_six.id}]) == "True"
    assert drive(networks=[{"uuid": only.id}, {"uuid": network.id}]) == ""
    assert drive(networks=[{"uuid": network.id}]) == ""
    assert "the metadata service over IPv6" in Path("docs/compatibility.md").read_text()


def test_hints_have_an_end(red: Client, image: Any, network: Any, host: Any) -> None:
    """Ceilings: each server kept as many scheduler hints as a body holds, for its life."""
    body = {
        "server": {"name": "x", "imageRef": image.id, "flavorRef": "tiny"},
        "os:scheduler_hints": {"mine": "x" * 9000},
    }
    answer = red.ask("post", "servers", body)
    assert answer.status_code == 400 and "8192" in answer.json()["badRequest"]["message"]


def test_an_unknown_marker_is_named_in_novas_words(red: Client, admin: Client, host: Any) -> None:
    """Case 33: clients look for them."""
    for client, path, version in (
        *((red, path, "2.1") for path in ("servers", "servers/detail", "flavors", "flavors/detail")),
        (admin, "os-hypervisors", "2.53"),
        (admin, "os-simple-tenant-usage", "2.40"),
    ):
        answer = client.ask("get", f"{path}?marker=nowhere", version=version)
        assert answer.status_code == 400, path
        assert answer.json()["badRequest"]["message"] == "marker [nowhere] not found"
    answer = red.ask("get", "os-keypairs?marker=nowhere", version="2.35")
    assert answer.json()["badRequest"]["message"] == "Marker nowhere could not be found."
