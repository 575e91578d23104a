"""Cases that users of other clouds reported, compute's part: what a client of OpenStack expects here."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client as Stranger
from django.urls import get_resolver

from compute.hypervisors.reading import BINARIES, service_id
from compute.servers.models import Server
from compute.urls import _PROJECT
from compute.versions.api import EXTENSIONS
from compute.versions.removed import _ROUTES
from hosts.models import Host
from operations.models import Operation
from tests.compute.client import Client
from tests.simulated import Cloud, actor

Launch = Callable[..., str]
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEY1oSxbdcGBk7pbSM7hcSNI1DQzq4D+ptm3LMZkTWbk me@here"
OTHER = "00000000-0000-4000-8000-000000000000"


# ── URLs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def of_project(signed_in: Callable[..., Client]) -> Client:
    """A client whose project's id has the form of ids."""
    return signed_in("ab" * 16)


def test_every_route_answers_with_the_projects_id_before_it(of_project: Client, host: Any) -> None:
    """Case 2: Nova makes each route twice."""
    project = "ab" * 16
    for path in ("servers", "servers/detail", "flavors", "limits", "os-keypairs", f"os-quota-sets/{project}"):
        for version in ("v2.1", "v2"):
            plain = of_project.ok("get", f"/api/compute/{version}/{path}")
            assert of_project.ok("get", f"/api/compute/{version}/{project}/{path}") == plain
    wrong = of_project.ask("get", f"/api/compute/v2.1/{'cd' * 16}/servers")
    assert wrong.status_code == 400 and "doesn't match Context's project_id" in wrong.json()["badRequest"]["message"]


def test_every_route_has_each_of_its_spellings(of_project: Client, host: Any) -> None:
    """Case 2: by 2.0 and with the project's id, also those that are gone; the version's own with a token alone."""
    prefixes = (r"v2/", rf"^v2\.1/{_PROJECT}", rf"^v2/{_PROJECT}")
    found = {
        str(one.pattern): one.url_patterns
        for one in get_resolver("compute.urls").url_patterns
        if hasattr(one, "url_patterns")
    }
    routes = [str(one.pattern) for one in found.pop("v2.1/")]
    assert {prefix: [str(one.pattern) for one in found[prefix]] for prefix in prefixes} == dict.fromkeys(
        prefixes, routes
    )
    project = "ab" * 16
    for version in ("v2.1", "v2"):
        own = of_project.ok("get", f"/api/compute/{version}/{project}/")
        assert own == of_project.ok("get", f"/api/compute/{version}/") and own["version"]["id"].startswith(version)
        assert of_project.ok("get", f"/api/compute/{version}/versions/{own['version']['id']}") == own
        assert Stranger().get(f"/api/compute/{version}/{project}/").status_code == 401
        assert of_project.ask("get", f"/api/compute/{version}/{'cd' * 16}/").status_code == 400
        assert of_project.ask("get", f"/api/compute/{version}/{project}/os-agents").status_code == 410
    assert of_project.ask("get", "/api/compute/v2.1/versions/v9").status_code == 404


def test_the_second_spelling_is_not_another_route_in_openapi(world: Cloud) -> None:
    from openstackapi.schema import document

    assert not [path for path in document()["paths"] if "project_in_path" in path or "os-cells" in path]


def test_routes_that_nova_removed_are_gone(red: Client) -> None:
    """Case 47: 410 for each, for ever; other methods are 405."""
    for address, methods in _ROUTES:
        parts = ["x" if part.startswith("<") else part for part in address.split("/")]
        for method in methods.split():
            body = {} if method in ("POST", "PUT") else None
            assert red.ask(method.lower(), "/".join(parts), body).status_code == 410, (method, address)
    for method, path in (("post", "os-networks"), ("delete", "os-networks/x"), ("post", "os-tenant-networks")):
        assert red.ask(method, path, {} if method == "post" else None).status_code == 410
    assert red.ask("delete", "os-cells").status_code == 405
    assert red.ask("post", "servers/x/action", {"os-getRDPConsole": {"type": "rdp-html5"}}).status_code == 410


ACTIONS = [
    "addFixedIp",
    "addFloatingIp",
    "addSecurityGroup",
    "changePassword",
    "confirmResize",
    "createBackup",
    "createImage",
    "evacuate",
    "forceDelete",
    "injectNetworkInfo",
    "lock",
    "migrate",
    "os-getConsoleOutput",
    "os-getRDPConsole",
    "os-getSPICEConsole",
    "os-getSerialConsole",
    "os-getVNCConsole",
    "os-migrateLive",
    "os-resetState",
    "os-start",
    "os-stop",
    "pause",
    "reboot",
    "rebuild",
    "removeFixedIp",
    "removeFloatingIp",
    "removeSecurityGroup",
    "rescue",
    "resetNetwork",
    "resize",
    "restore",
    "resume",
    "revertResize",
    "shelve",
    "shelveOffload",
    "suspend",
    "trigger_crash_dump",
    "unlock",
    "unpause",
    "unrescue",
    "unshelve",
]


def _missing() -> set[str]:
    """What the table of what compute lacks, in docs/compatibility.md, names between backticks."""
    text = (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text()
    table = text.partition("## Compute")[2].partition("\n## ")[0].partition("| missing |")[2]
    return set(table.split("`")[1::2])


def test_each_action_of_the_reference_is_there_or_named_as_missing() -> None:
    """Case 32: nothing of an advertised version is absent without a word. Routes: tests/networking/test_cases.py."""
    from compute.servers.api.actions import ACTIONS as KNOWN

    missing = _missing()
    assert [a for a in ACTIONS if a not in KNOWN and a not in missing] == []


# ── Answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hosts_cpu_is_json_in_a_text_below_228(admin: Client, host: Any) -> None:
    """Case 24: as every client parses it."""
    for row in admin.ok("get", "os-hypervisors/detail")["hypervisors"]:
        assert isinstance(json.loads(row["cpu_info"]), dict)


#: Of Nova's list of extensions: what works nowhere any more, or not here, so that clients shall not count on it.
NO_EXTENSION = {
    "nova has removed it": "os-agents os-cell-capacities os-cells os-certificates os-cloudpipe os-cloudpipe-update "
    "os-create-server-ext os-extended-networks os-fixed-ips os-floating-ip-dns os-floating-ips-bulk os-fping "
    "os-hide-server-addresses os-networks-associate os-security-group-default-rules os-virtual-interfaces",
    "there is no volume service yet": "os-assisted-volume-snapshots os-block-device-mapping os-volume-attachment-update "
    "os-volumes",
    "there is no bare metal service yet": "os-baremetal-ext-status os-baremetal-nodes",
    "missing": "os-admin-password os-evacuate os-extended-evacuate-find-host os-extended-rescue-with-image "
    "os-extended-services-delete os-migrate-server os-rescue os-user-quotas",
}


def test_what_works_is_among_the_extensions_and_nothing_else(red: Client) -> None:
    """Case 25: by the names of Nova's own list."""
    nova = json.loads(Path(__file__).with_name("nova_extensions.json").read_text())
    absent = set(" ".join(NO_EXTENSION.values()).split())
    found = {e["alias"]: e["name"] for e in red.ok("get", "extensions")["extensions"]}
    assert found == {alias: name for alias, name in nova.items() if alias not in absent} == EXTENSIONS
    assert absent <= set(nova) and found["OS-EXT-IMG-SIZE"] == "ImageSize"


def test_operators_see_the_zone_of_the_control_services(red: Client, admin: Client, host: Any) -> None:
    """Cases 26 and 48: members do not."""
    zones = {z["zoneName"]: z for z in admin.ok("get", "os-availability-zone/detail")["availabilityZoneInfo"]}
    assert set(zones) == {"internal", "nova"}
    assert set(zones["internal"]["hosts"]["host1"]) == {"nova-conductor", "nova-scheduler"}
    assert set(zones["nova"]["hosts"]["host1"]) == {"nova-compute"}
    service = zones["internal"]["hosts"]["host1"]["nova-scheduler"]
    assert service["available"] and service["active"] and service["updated_at"]
    assert [z["zoneName"] for z in red.ok("get", "os-availability-zone")["availabilityZoneInfo"]] == ["nova"]
    assert red.ask("get", "os-availability-zone/detail").status_code == 403


def test_counts_and_lists_of_usage_audits_agree(admin: Client, world: Cloud) -> None:
    """Case 49."""
    world.host("host1"), world.host("host2")
    found = admin.ok("get", "os-instance_usage_audit_log")["instance_usage_audit_logs"]
    assert len(found["hosts_not_run"]) == found["num_hosts_not_run"] == 2


def test_a_method_is_there_from_its_own_version_on(admin: Client, world: Cloud) -> None:
    """`versions` of a view: a flavor is shown at every version, and changed from 2.55 on."""
    flavor = admin.ok("get", "flavors")["flavors"][0]["id"]
    body = {"flavor": {"description": "small"}}
    admin.ok("get", f"flavors/{flavor}", version="2.54")
    admin.ok("put", f"flavors/{flavor}", body, status=404, version="2.54")
    assert admin.ok("put", f"flavors/{flavor}", body, version="2.55")["flavor"]["description"] == "small"


def test_quota_classes_take_server_groups_at_every_version(admin: Client, world: Cloud) -> None:
    """Case 50: they are shown from 2.50 on."""
    for version in ("2.1", "2.50", "2.96"):
        body = {"quota_class_set": {"server_groups": 7, "server_group_members": 8}}
        shown = admin.ok("put", "os-quota-class-sets/default", body, version=version)["quota_class_set"]
        assert ("server_groups" in shown) == (version != "2.1")
    assert admin.ok("get", "os-quota-class-sets/default", version="2.96")["quota_class_set"]["server_groups"] == 7


def test_a_servers_topology_has_no_nodes_here(red: Client, launch: Launch) -> None:
    """Case 32: the route of 2.78."""
    id = launch()
    assert red.ok("get", f"servers/{id}/topology", version="2.78") == {"nodes": [], "pagesize_kb": None}
    assert red.ask("get", f"servers/{id}/topology", version="2.77").status_code == 404
    assert red.ask("get", f"servers/{OTHER}/topology", version="2.78").status_code == 404


def test_actions_have_pages_and_times(red: Client, launch: Launch, world: Cloud) -> None:
    """Case 37."""
    id = launch()
    for verb in ("os-stop", "os-start", "os-stop"):
        red.ok("post", f"servers/{id}/action", {verb: None}, status=202)
        world.settle()
    # the test's actor has one request id; a cloud gives each request its own
    for number, row in enumerate(Operation.objects.filter(subject_id=id).order_by("created_at")):
        Operation.objects.filter(pk=row.pk).update(request_id=f"req-{number}")
    path = f"servers/{id}/os-instance-actions"
    first = red.ok("get", f"{path}?limit=3", version="2.58")
    assert [a["request_id"] for a in first["instanceActions"]] == ["req-3", "req-2", "req-1"]
    href = first["links"][0]["href"].partition("http://testserver")[2]
    assert first["links"][0]["rel"] == "next"
    assert [a["request_id"] for a in red.ok("get", href, version="2.58")["instanceActions"]] == ["req-0"]
    assert "links" not in red.ok("get", path, version="2.58")
    middle = first["instanceActions"][1]["updated_at"]
    since = red.ok("get", f"{path}?changes-since={middle}", version="2.66")["instanceActions"]
    before = red.ok("get", f"{path}?changes-before={middle}", version="2.66")["instanceActions"]
    assert [a["request_id"] for a in since] == ["req-3", "req-2"]
    assert [a["request_id"] for a in before] == ["req-2", "req-1", "req-0"]
    for bad in ("changes-since=yesterday", "surprise=1", "limit=a", "limit=-1", "marker=req-99"):
        assert red.ask("get", f"{path}?{bad}", version="2.66").status_code == 400, bad
    assert red.ask("get", f"{path}?changes-before={middle}", version="2.58").status_code == 400
    assert len(red.ok("get", f"{path}?surprise=1&limit=1", version="2.57")["instanceActions"]) == 4


@pytest.mark.parametrize(
    ("path", "before", "since", "takes"),
    [
        ("flavors", "2.74", "2.75", "limit=1&sort_key=id&sort_dir=asc&is_public=none&minRam=1&minDisk=1"),
        ("flavors/detail", "2.74", "2.75", "limit=1"),
        ("os-keypairs", "2.74", "2.75", "limit=1&user_id=admin"),
        ("limits", "2.74", "2.75", "tenant_id=red"),
        ("os-quota-sets/red", "2.74", "2.75", "user_id=admin"),
        ("os-quota-sets/red/detail", "2.74", "2.75", "user_id=admin"),
        ("os-server-groups", "2.74", "2.75", "all_projects=1&limit=1&offset=0"),
        ("os-services", "2.74", "2.75", "host=a&binary=b"),
        (
            "os-simple-tenant-usage",
            "2.74",
            "2.75",
            "start=2026-01-01T00:00:00&end=2026-01-02T00:00:00&detailed=1&limit=1",
        ),
        ("os-simple-tenant-usage/red", "2.74", "2.75", "limit=1"),
        ("os-hypervisors", "2.52", "2.53", "limit=1&with_servers=true&hypervisor_hostname_pattern=h"),
        ("os-hypervisors/detail", "2.52", "2.53", "limit=1&with_servers=true"),
        ("servers", "2.74", "2.75", "limit=1&all_tenants=1"),
    ],
)
def test_what_a_query_may_not_ask_is_refused(
    admin: Client, host: Any, path: str, before: str, since: str, takes: str
) -> None:
    """Case 37, siblings: from the version on that Nova's query schemas have it."""
    admin.ok("get", f"{path}?{takes}", version=since)
    admin.ok("get", f"{path}?{takes}&surprise=1", version=before)
    answer = admin.ask("get", f"{path}?{takes}&surprise=1", version=since)
    assert answer.status_code == 400 and "surprise" in answer.json()["badRequest"]["message"]
    admin.ok("get", f"/api/compute/v2/{path}?surprise=1")


# ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_user_data_may_come_in_lines(red: Client, launch: Launch) -> None:
    """Case 10: as Ruby, Python and `base64` write it."""
    data = b"#cloud-config\n" + b"x" * 200
    for number, text in enumerate((base64.encodebytes(data).decode(), base64.b64encode(data).decode() + "\n")):
        server = Server.objects.get(id=launch(f"s{number}", user_data=text))
        assert base64.b64decode(server.user_data or "") == data


@pytest.mark.parametrize("version", ["2.1", "2.2", "2.91", "2.92", "2.96"])
def test_names_of_blanks_are_refused(red: Client, image: Any, host: Any, version: str) -> None:
    """Case 12: no key pair and no server without a name, and none with blanks at its ends; 2.0 cuts those off."""
    for name in (" ", "", "  ", " a", "a ", "\ta"):
        pair = {"keypair": {"name": name, "public_key": PUBLIC}}
        assert red.ask("post", "os-keypairs", pair, version=version).status_code == 400, repr(name)
        server = {"server": {"name": name, "imageRef": image.id, "flavorRef": "tiny", "networks": "none"}}
        if version < "2.37":
            del server["server"]["networks"]
        assert red.ask("post", "servers", server, version=version).status_code == 400, repr(name)
    assert red.ok("get", "os-keypairs")["keypairs"] == []
    older = red.ok("post", "/api/compute/v2/os-keypairs", {"keypair": {"name": " a b ", "public_key": PUBLIC}})
    assert older["keypair"]["name"] == "a b"


def test_files_of_a_request_lie_on_the_config_drive(red: Client, launch: Launch, world: Cloud) -> None:
    """Case 34: below 2.57; later versions do not know them."""
    files = [{"path": "/etc/motd", "contents": base64.encodebytes(b"hello").decode()}]
    launch("one", personality=files)
    order = next(o for _h, verb, o in world.orders if verb == "server.ensure")
    drive = {name: base64.b64decode(text) for name, text in order["body"]["config_drive"].items()}
    about = json.loads(drive["openstack/latest/meta_data.json"])
    assert about["files"] == [{"path": "/etc/motd", "content_path": "/content/0000"}]
    assert drive["openstack/content/0000"] == b"hello"
    body = {"server": {"name": "x", "imageRef": "", "flavorRef": "tiny", "networks": "none", "personality": files}}
    assert red.ask("post", "servers", body, version="2.57").status_code == 400


def test_files_of_a_request_have_the_limits_that_are_told(red: Client, image: Any, network: Any, host: Any) -> None:
    """Case 34: `maxPersonality` and its kin say what holds."""
    limits = red.ok("get", "limits")["limits"]["absolute"]
    one = {"path": "/a", "contents": "aGVsbG8="}
    many = [one] * (limits["maxPersonality"] + 1)
    large = [{**one, "contents": base64.b64encode(b"x" * (limits["maxPersonalitySize"] + 1)).decode()}]
    bad = [{**one, "contents": "%%%"}], [{"path": "/a"}], [{**one, "more": 1}]
    server = {"name": "x", "imageRef": image.id, "flavorRef": "tiny"}
    for files, status in ((many, 403), (large, 403), *((files, 400) for files in bad)):
        answer = red.ask("post", "servers", {"server": {**server, "personality": files}})
        assert answer.status_code == status, answer.content
    assert not Server.objects.exists()


def test_ephemeral_space_may_be_asked_in_parts(red: Client, admin: Client, launch: Launch, image: Any) -> None:
    """Case 40: blank local disks within the flavor's ephemeral size."""
    flavor = {"name": "eph", "id": "eph", "vcpus": 1, "ram": 64, "disk": 1, "OS-FLV-EXT-DATA:ephemeral": 3, "swap": 64}
    admin.ok("post", "flavors", {"flavor": flavor})
    root = {"source_type": "image", "destination_type": "local", "boot_index": 0, "uuid": image.id}
    part = {"source_type": "blank", "destination_type": "local", "boot_index": -1}

    def disks(name: str, *parts: dict[str, Any]) -> list[tuple[str, int]]:
        from compute.servers.lifecycle import domain

        server = Server.objects.get(id=launch(name, flavor="eph", block_device_mapping_v2=[root, *parts]))
        return [(str(d["serial"]), int(d["source"].get("size_mib", 0))) for d in domain.disks_of(server, [])[1:]]

    assert disks("one", {**part, "volume_size": 1}, {**part, "volume_size": 2}) == [
        ("ephemeral0", 1024),
        ("ephemeral1", 2048),
        ("swap", 64),
    ]
    assert disks("two") == [("ephemeral0", 3072), ("swap", 64)]
    assert disks("three", {**part, "guest_format": "swap", "volume_size": 32}) == [("ephemeral0", 3072), ("swap", 32)]
    for parts in (
        [{**part, "volume_size": 2}, {**part, "volume_size": 2}],
        [{**part, "guest_format": "swap", "volume_size": 65}],
        [{**part, "volume_size": "x"}],
        [{**part, "guest_format": "swap"}, {**part, "guest_format": "swap"}],
        [{"source_type": "volume", "destination_type": "volume", "boot_index": -1}],
    ):
        body = {"name": "x", "imageRef": image.id, "flavorRef": "eph", "block_device_mapping_v2": [root, *parts]}
        assert red.ask("post", "servers", {"server": body}).status_code == 400, parts


def test_a_password_that_cannot_be_set_is_said_so(red: Client, launch: Launch) -> None:
    """Case 22: 409 with why and what else to do, at every version."""
    id = launch()
    for version in ("2.1", "2.96"):
        answer = red.ask("post", f"servers/{id}/action", {"changePassword": {"adminPass": "x"}}, version=version)
        assert answer.status_code == 409 and "guest agent" in answer.json()["conflictingRequest"]["message"]
    assert red.ask("post", f"servers/{id}/action", {"changePassword": {}}).status_code == 400


def test_an_action_of_another_project_is_404(signed_in: Callable[..., Client], launch: Launch) -> None:
    id = launch()
    blue = signed_in("blue")
    assert actor("blue").project_id == "blue"
    for body in ({"changePassword": {"adminPass": "x"}}, {"os-getSPICEConsole": {"type": "spice-html5"}}):
        assert blue.ask("post", f"servers/{id}/action", body).status_code == 404


def test_interfaces_are_attached_one_after_the_other(red: Client, launch: Launch, world: Cloud, network: Any) -> None:
    """Cases 9 and 35: what is asked right after an attachment waits for its end, and is no conflict."""
    from networking.ports import services as ports
    from networking.ports.models import Port

    id = launch()
    made = [ports.create(actor("red"), network_id=network.id).id for _ in range(3)]
    for port_id in made:
        red.ok("post", f"servers/{id}/os-interface", {"interfaceAttachment": {"port_id": port_id}})
    red.ok("delete", f"servers/{id}/os-interface/{made[0]}", status=202)
    red.ok("post", f"servers/{id}/action", {"os-stop": None}, status=202)
    busy = red.ask("post", f"servers/{id}/action", {"os-start": None})
    assert busy.status_code == 409, "behind anything else a verb is refused as before"
    world.settle()
    shown = {i["port_id"] for i in red.ok("get", f"servers/{id}/os-interface")["interfaceAttachments"]}
    assert shown >= set(made[1:]) and made[0] not in shown
    assert red.ok("get", f"servers/{id}")["server"]["status"] == "SHUTOFF"
    done = Operation.objects.filter(subject_id=id).order_by("created_at").values_list("action", "state")
    assert [a for a, _s in done] == ["create", *["attach_interface"] * 3, "detach_interface", "stop"]
    assert {s for _a, s in done} == {"done"}
    assert Port.objects.filter(id=made[0]).values_list("device_id", flat=True).get() == ""


@pytest.mark.parametrize("end", ["00", "a0", "a1", "ff"])
def test_each_service_of_a_host_has_an_id_of_its_own(end: str) -> None:
    """Two had one where the host's id ended in a0 or a1: `os-services/{id}` then changed whichever came first."""
    host = Host(id=f"00000000-0000-4000-8000-0000000000{end}", name="host1")
    ids = [service_id(host, binary) for binary, _role in BINARIES]
    assert len({UUID(id) for id in ids}) == len(BINARIES)
    assert ids == [service_id(host, binary) for binary, _role in BINARIES], "they stay"
