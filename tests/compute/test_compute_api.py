"""The rest of Nova's API: bad input, lists, key pairs, flavors, quotas, proxies, metadata service, consoles."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from common.clock import now
from compute.consoles import services
from compute.consoles.models import ConsoleTicket, digest
from compute.servers.models import Server
from hostagent.contract.messages import http_signature
from hosts.models import Host
from tests.compute.client import Client
from tests.simulated import KEY, Cloud

Launch = Callable[..., str]
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEY1oSxbdcGBk7pbSM7hcSNI1DQzq4D+ptm3LMZkTWbk me@here"


#: What a launch is changed to, the status it gets, and words of the answer.
BAD_LAUNCHES: list[tuple[dict[str, Any], int, str]] = [
    ({"name": ""}, 400, "name"),
    ({"name": "   "}, 400, "name"),
    ({"name": "a" * 256}, 400, "name"),
    ({"name": 12}, 400, "name"),
    ({"flavorRef": "tinny"}, 400, "Did you mean tiny"),
    ({"imageRef": "dmo"}, 400, "Did you mean demo"),
    ({"imageRef": ""}, 400, "imageRef"),
    ({"key_name": "nothing"}, 400, "key_name"),
    ({"networks": [{"uuid": "not-a-uuid"}]}, 400, "uuid"),
    ({"networks": [{"uuid": "00000000-0000-4000-8000-000000000000"}]}, 400, "could not be found"),
    ({"user_data": "%%%"}, 400, "user_data"),
    ({"user_data": "A" * 65536}, 400, "user_data"),
    ({"metadata": {"k" * 256: "v"}}, 400, "metadata"),
    ({"metadata": {"k": "v" * 256}}, 400, "metadata"),
    ({"accessIPv6": "notvalid"}, 400, "accessIPv6"),
    ({"availability_zone": "moon"}, 400, "zone"),
    ({"availability_zone": "nova:host1"}, 403, "forced_host"),
    ({"security_groups": [{"name": "absent"}]}, 400, "absent"),
    ({"min_count": 3, "max_count": 2}, 400, "min_count"),
    ({"min_count": 11, "max_count": 11}, 403, "instances"),
    ({"surprise": 1}, 400, "surprise"),
]


def test_bad_launches_are_refused_and_leave_nothing(red: Client, image: Any, network: Any, host: Any) -> None:
    for changes, status, words in BAD_LAUNCHES:
        server = {"name": "x", "imageRef": image.id, "flavorRef": "tiny", "networks": [{"uuid": network.id}], **changes}
        answer = red.ask("post", "servers", {"server": server})
        assert answer.status_code == status, (changes, answer.content)
        assert words in answer.content.decode(), changes
        assert not Server.objects.exists(), changes


def test_malformed_json_is_400(red: Client) -> None:
    answer = red.generic("POST", "/api/compute/v2.1/servers", b'{"server": ', "application/json")
    assert answer.status_code == 400 and "badRequest" in answer.json()


def test_a_pattern_of_a_user_cannot_hold_the_process(red: Client, launch: Launch) -> None:
    """B2: `name`, `ip` and `description` are regular expressions; RE2 runs them, or they are refused with a sentence."""
    launch("a" * 200 + "!")
    for name in ("name", "display_name", "description", "ip", "ip6"):
        assert red.ok("get", f"servers?{name}=(a%2B)%2B$")["servers"] == []
        answer = red.ask("get", f"servers?{name}=(a)\\1")
        assert answer.status_code == 400 and "RE2" in answer.content.decode(), (name, answer.content)
    assert len(red.ok("get", "servers?name=^(a%2B)%2B!$&ip=^10\\.9\\.")["servers"]) == 1


def test_lists_filter_page_and_sort(red: Client, launch: Launch) -> None:
    ids = [launch(name) for name in ("alpha", "beta", "gamma")]
    assert [s["name"] for s in red.ok("get", "servers")["servers"]] == ["gamma", "beta", "alpha"]
    assert [s["id"] for s in red.ok("get", "servers?name=^b")["servers"]] == [ids[1]]
    assert next(s["name"] for s in red.ok("get", "servers?sort_key=display_name&sort_dir=asc")["servers"]) == "alpha"
    assert len(red.ok("get", "servers?status=ACTIVE&flavor=tiny")["servers"]) == 3
    assert red.ok("get", "servers?status=SHUTOFF")["servers"] == []
    first = red.ok("get", "servers/detail?limit=2")
    assert len(first["servers"]) == 2
    following = red.ok("get", first["servers_links"][0]["href"].partition("http://testserver")[2])
    assert [s["name"] for s in following["servers"]] == ["alpha"]
    address = red.ok("get", f"servers/{ids[0]}")["server"]["addresses"]["private"][0]["addr"]
    assert [s["id"] for s in red.ok("get", f"servers?ip=^{address}$")["servers"]] == [ids[0]]
    assert red.ok("get", "servers?limit=0")["servers"] == []
    for bad in ("limit=-1", "limit=a", "changes-since=2011/01/01", "marker=none", "name=(", "sort_key=nothing"):
        assert red.ask("get", f"servers?{bad}").status_code == 400, bad


def test_a_list_takes_a_constant_number_of_queries(
    red: Client, launch: Launch, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    launch("one")
    with CaptureQueriesContext(connection) as few:
        red.ok("get", "servers/detail", version="2.96")
    for number in range(4):
        launch(f"more-{number}")
    with CaptureQueriesContext(connection) as many:
        assert len(red.ok("get", "servers/detail", version="2.96")["servers"]) == 5
    assert len(many) == len(few) <= 4


def test_only_administrators_see_hosts(red: Client, signed_in: Callable[..., Client], launch: Launch) -> None:
    server_id = launch()
    assert "OS-EXT-SRV-ATTR:host" not in red.ok("get", f"servers/{server_id}")["server"]
    shown = signed_in("red", "admin").ok("get", f"servers/{server_id}", version="2.96")["server"]
    assert (shown["OS-EXT-SRV-ATTR:host"], shown["host_status"]) == ("host1", "UP")


def test_reader_cannot_change(signed_in: Callable[..., Client], launch: Launch) -> None:
    server_id = launch()
    reader = signed_in("red", "reader")
    assert reader.ok("get", f"servers/{server_id}")
    assert reader.ask("delete", f"servers/{server_id}").status_code == 403
    assert reader.ask("post", f"servers/{server_id}/action", {"os-stop": None}).status_code == 403


def test_locked_servers_are_left_alone(red: Client, launch: Launch) -> None:
    server_id = launch()
    red.ok("post", f"servers/{server_id}/action", {"lock": {"locked_reason": "mine"}}, status=202, version="2.73")
    assert red.ask("post", f"servers/{server_id}/action", {"os-stop": None}).status_code == 409
    assert red.ok("get", f"servers/{server_id}", version="2.73")["server"]["locked_reason"] == "mine"
    red.ok("post", f"servers/{server_id}/action", {"unlock": None}, status=202)
    red.ok("post", f"servers/{server_id}/action", {"os-stop": None}, status=202)


def test_metadata_and_tags(red: Client, launch: Launch) -> None:
    server_id = launch(metadata={"a": "1"})
    path = f"servers/{server_id}/metadata"
    assert red.ok("post", path, {"metadata": {"b": "2"}}) == {"metadata": {"a": "1", "b": "2"}}
    assert red.ok("put", path, {"metadata": {"c": "3"}}) == {"metadata": {"c": "3"}}
    assert red.ok("put", f"{path}/d", {"meta": {"d": "4"}}) == {"meta": {"d": "4"}}
    assert red.ask("put", f"{path}/d", {"meta": {"e": "4"}}).status_code == 400
    red.ok("delete", f"{path}/c", status=204)
    assert red.ask("get", f"{path}/c").status_code == 404
    tags = f"servers/{server_id}/tags"
    red.ok("put", f"{tags}/blue", status=201, version="2.26")
    red.ok("get", f"{tags}/blue", status=204, version="2.26")
    assert red.ok("get", "servers?tags=blue", version="2.26")["servers"]
    assert red.ask("get", tags, version="2.25").status_code == 404


def test_key_pairs(red: Client) -> None:
    made = red.ok("post", "os-keypairs", {"keypair": {"name": "mine"}})["keypair"]
    assert made["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    red.ok("post", "os-keypairs", {"keypair": {"name": "other", "public_key": PUBLIC}}, status=201, version="2.2")
    assert red.ask("post", "os-keypairs", {"keypair": {"name": "other", "public_key": PUBLIC}}).status_code == 409
    assert red.ask("post", "os-keypairs", {"keypair": {"name": "bad", "public_key": "ssh-rsa JUNK"}}).status_code == 400
    assert len(red.ok("get", "os-keypairs")["keypairs"]) == 2
    red.ok("delete", "os-keypairs/mine", status=202)
    body = {"keypair": {"name": "windows", "type": "x509"}}
    made = red.ok("post", "os-keypairs", body, status=201, version="2.2")["keypair"]
    assert made["type"] == "x509" and made["public_key"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE KEY" in made["private_key"] and len(made["fingerprint"].split(":")) == 20
    red.ok("delete", "os-keypairs/windows", status=204, version="2.2")
    assert red.ask("get", "os-keypairs/mine").status_code == 404


def test_flavors(red: Client, admin: Client) -> None:
    assert [f["name"] for f in red.ok("get", "flavors")["flavors"]][:1] == ["m1.tiny"]
    body = {
        "flavor": {"name": "own", "ram": "64", "vcpus": 1, "disk": 0, "id": 77, "os-flavor-access:is_public": "False"}
    }
    assert admin.ok("post", "flavors", body)["flavor"]["id"] == "77"
    assert red.ask("get", "flavors/77").status_code == 404
    assert red.ask("post", "flavors", body).status_code == 403
    assert admin.ask("post", "flavors", body).status_code == 409
    assert admin.ok("get", "flavors/77/os-flavor-access") == {"flavor_access": []}
    admin.ok("post", "flavors/77/os-extra_specs", {"extra_specs": {"k": "v"}})
    assert admin.ok("get", "flavors/77/os-extra_specs/k") == {"k": "v"}
    assert "Did you mean tiny" in red.ask("get", "flavors/tinny").content.decode()


def test_quota_counts_what_is_there(red: Client, admin: Client, launch: Launch) -> None:
    launch()
    absolute = red.ok("get", "limits")["limits"]["absolute"]
    assert (absolute["totalInstancesUsed"], absolute["totalRAMUsed"], absolute["maxTotalInstances"]) == (1, 128, 10)


def test_old_security_groups(red: Client) -> None:
    group = red.ok("post", "os-security-groups", {"security_group": {"name": "web", "description": "d"}})[
        "security_group"
    ]
    rule = {"parent_group_id": group["id"], "ip_protocol": "tcp", "from_port": 80, "to_port": 80}
    made = red.ok("post", "os-security-group-rules", {"security_group_rule": rule})["security_group_rule"]
    assert made["ip_range"] == {"cidr": "0.0.0.0/0"}
    assert red.ask("post", "os-security-group-rules", {"security_group_rule": rule}).status_code == 400
    shown = red.ok("get", f"os-security-groups/{group['id']}")["security_group"]
    assert [r["id"] for r in shown["rules"]] == [made["id"]]
    red.ok("delete", f"os-security-group-rules/{made['id']}", status=202)
    red.ok("delete", f"os-security-groups/{group['id']}", status=202)
    assert red.ask("get", "os-security-groups", version="2.36").status_code == 404


def sealed(client: Client, method: str, path: str, host: str = "host1", **more: Any) -> Any:
    import time

    at = str(int(time.time()))
    headers = {"HTTP_X_STACKLING_HOST": host, "HTTP_X_STACKLING_TIME": at}
    headers["HTTP_X_STACKLING_SEAL"] = http_signature(KEY, method, path, at)
    return client.generic(method, path, more.pop("data", b""), "application/octet-stream", **headers, **more)


@pytest.fixture
def host_keys(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    Host.objects.update(speaks=1)  # its agent is of an older release
    monkeypatch.setattr("hosts.services.key_of", lambda name: KEY if name == "host1" else None)


def test_a_guest_reads_its_metadata(red: Client, launch: Launch, network: Any, host_keys: None) -> None:
    red.ok("post", "os-keypairs", {"keypair": {"name": "mine", "public_key": PUBLIC}})
    data = base64.b64encode(b"#!/bin/sh\n").decode()
    server_id = launch("Web 1", key_name="mine", user_data=data)
    address = red.ok("get", f"servers/{server_id}")["server"]["addresses"]["private"][0]["addr"]
    who = {"HTTP_X_STACKLING_NETWORK": network.id, "HTTP_X_STACKLING_CLIENT": address}

    def get(path: str) -> str:
        answer = sealed(red, "GET", f"/internal/metadata/{path}", **who)
        assert answer.status_code == 200, (path, answer.content)
        return str(answer.content.decode())

    assert get("latest/meta-data/public-keys/") == "0=mine"
    assert get("latest/meta-data/public-keys/0/openssh-key").strip() == PUBLIC
    assert get("latest/meta-data/local-hostname") == "web-1.novalocal"
    assert get("2009-04-04/user-data") == "#!/bin/sh\n"
    assert f'"uuid": "{server_id}"' in get("openstack/latest/meta_data.json")
    assert '"ipv4_dhcp"' in get("openstack/latest/network_data.json")
    assert Server.objects.get(id=server_id).metadata_at
    assert red.get("/internal/metadata/latest/meta-data/", **who).status_code == 401
    who["HTTP_X_STACKLING_CLIENT"] = "10.9.0.250"
    assert sealed(red, "GET", "/internal/metadata/latest/", **who).status_code == 404


def test_a_guest_posts_its_password_once(red: Client, launch: Launch, network: Any, host_keys: None) -> None:
    server_id = launch()
    address = red.ok("get", f"servers/{server_id}")["server"]["addresses"]["private"][0]["addr"]
    who = {"HTTP_X_STACKLING_NETWORK": network.id, "HTTP_X_STACKLING_CLIENT": address}
    path, shown = "/internal/metadata/openstack/latest/password", f"servers/{server_id}/os-server-password"
    assert red.ok("get", shown) == {"password": ""}
    assert sealed(red, "POST", path, data=b"x" * 1021, **who).status_code == 400
    assert sealed(red, "POST", path, data=b"c2VjcmV0", **who).status_code == 200
    assert sealed(red, "POST", path, data=b"b3RoZXI=", **who).status_code == 409
    assert red.ok("get", shown) == {"password": "c2VjcmV0"}
    assert sealed(red, "GET", path, **who).content == b"c2VjcmV0"
    red.ok("delete", shown, status=204)
    assert red.ok("get", shown) == {"password": ""}
    assert sealed(red, "POST", "/internal/metadata/openstack/latest/user_data", **who).status_code == 405


def test_the_log_grows_and_is_shown(red: Client, launch: Launch, host_keys: None) -> None:
    server_id = launch()
    path = f"/internal/servers/{server_id}/log"
    assert sealed(red, "PUT", f"{path}?offset=0", data=b"one\ntwo\n").json() == {"size": 8}
    assert sealed(red, "PUT", f"{path}?offset=4", data=b"two\nthree\n").json() == {"size": 14}
    output = red.ok("post", f"servers/{server_id}/action", {"os-getConsoleOutput": {"length": 2}})
    assert output == {"output": "two\nthree"}
    assert sealed(red, "PUT", f"{path}?offset=0", host="host9", data=b"x").status_code == 401


def test_a_console_s_address_holds_a_ticket_of_a_minute(red: Client, launch: Launch) -> None:
    server_id = launch()
    body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    url = red.ok("post", f"servers/{server_id}/remote-consoles", body, version="2.6")["remote_console"]["url"]
    token = url.partition("token=")[2].partition("&")[0]
    row = ConsoleTicket.objects.get(pk=digest(token))
    assert (row.server_id, row.kind, row.view_only) == (server_id, "vnc", False)
    assert timedelta(seconds=50) < row.expires_at - now() <= timedelta(seconds=60)
    assert str(services.socket_path(row.server, "vnc")).endswith(f"/hosts/host1/vnc-{server_id}.sock")


def test_stages_are_facts(world: Cloud, launch: Launch) -> None:
    from compute.servers import history
    from compute.servers.lifecycle import reconcile

    server_id = launch()
    reconcile.on_login("host1", {"event": "login", "server_id": server_id, "at": 1_800_000_000.0})
    found = {s.name: s.state for s in history.stages(Server.objects.get(id=server_id))}
    assert found == {
        "scheduled": "done", "disk": "done", "network": "done", "started": "done",
        "leased": "waiting", "metadata": "waiting", "login": "done",
    }  # fmt: skip


def test_groups_keep_servers_apart(world: Cloud, red: Client, launch: Launch) -> None:
    world.host("host2")
    group = red.ok("post", "os-server-groups", {"server_group": {"name": "g", "policies": ["anti-affinity"]}})[
        "server_group"
    ]
    ids = [launch(f"s{n}", hints={"group": group["id"]}) for n in range(3)]
    servers = Server.objects.in_bulk(ids)
    assert {servers[ids[0]].host, servers[ids[1]].host} == {"host1", "host2"}
    assert servers[ids[2]].vm_state == "error" and "another host than" in servers[ids[2]].fault_message
    assert set(red.ok("get", f"os-server-groups/{group['id']}")["server_group"]["members"]) == set(ids)


def test_microversions(red: Client) -> None:
    assert red.ask("get", "servers", version="2.999").status_code == 406
    assert red.ask("get", "servers", version="banana").status_code == 400
    answer = red.ask("get", "servers", version="latest")
    assert answer["X-OpenStack-Nova-API-Version"] == "2.96"


def test_hosts_are_told_as_not_audited(admin: Client, red: Client) -> None:
    """No host writes usage audits; the answer says so, and only to an operator."""
    body = admin.ok("get", "os-instance_usage_audit_log/2026-03-10 12:00:00")["instance_usage_audit_log"]
    assert (body["period_beginning"], body["period_ending"]) == ("2026-02-01 00:00:00", "2026-03-01 00:00:00")
    assert body["num_hosts_not_run"] == body["num_hosts"] == len(body["hosts_not_run"])
    assert admin.ask("get", "os-instance_usage_audit_log/soon").status_code == 400
    assert red.ask("get", "os-instance_usage_audit_log").status_code == 403


def test_events_from_outside(admin: Client, red: Client, launch: Launch) -> None:
    server_id = launch()
    event = {"name": "network-changed", "server_uuid": server_id}
    answer = admin.ok("post", "os-server-external-events", {"events": [event]})
    assert answer["events"] == [{**event, "status": "completed", "code": 200}]
    missing = {**event, "server_uuid": "00000000-0000-4000-8000-000000000000"}
    some = admin.ok("post", "os-server-external-events", {"events": [event, missing]}, status=207)
    assert [row["code"] for row in some["events"]] == [200, 404]
    assert admin.ask("post", "os-server-external-events", {"events": [missing]}).status_code == 404
    assert admin.ask("post", "os-server-external-events", {"events": [{**event, "name": "x"}]}).status_code == 400
    assert red.ask("post", "os-server-external-events", {"events": [event]}).status_code == 403
