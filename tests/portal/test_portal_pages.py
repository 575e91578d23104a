"""Every page answers, shows only what is the project's, and says what it is to scripts."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from compute.servers.models import Server
from hosts import debts
from hosts.debts import HostAway
from hosts.models import Host
from identity.models import Project
from networking.networks.models import Network
from operations.models import Operation, OperationStep

PANELS = [
    "/", "/instances", "/instances/launch", "/images", "/images/snapshots", "/images/shared", "/images/create", "/images/gallery", "/key-pairs", "/flavors", "/topology", "/networks", "/ports", "/routers",
    "/floating-ips", "/security-groups", "/api-access", "/application-credentials", "/activity", "/settings", "/settings/security", "/usage",
]  # fmt: skip
IDENTITY = ["/projects", "/users", "/groups", "/roles", "/domains", "/identity-providers", "/mappings"]
ADMIN = ["/cloud", "/cloud/usage", "/hosts", "/hosts/-/compute", "/hosts/-/resource-providers", "/aggregates", "/default-quotas", "/services", "/all-instances", "/audit", "/all-networks", "/all-routers",
         "/all-floating-ips", "/all-images", "/rbac-policies", "/metadata-definitions", "/services/compute",
         "/services/network", "/services/processes", *IDENTITY]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_panel_answers(demo: Client, language: str) -> None:
    demo.post("/language", {"language": language})
    for path in PANELS:
        assert demo.get(path).status_code == 200, path


def test_operators_see_more_and_others_are_refused(admin: Client, demo: Client) -> None:
    for path in ADMIN:
        assert admin.get(path).status_code == 200, path
        assert demo.get(path).status_code == 403, path
    listed = {panel["panel"] for panel in admin.get("/menu.json").json()["panels"]}
    mine = {panel["panel"] for panel in demo.get("/menu.json").json()["panels"]}
    assert listed - mine == {path.strip("/") for path in ADMIN if path.count("/") == 1} | {"credentials"}


def test_anothers_instance_is_not_there(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    other = make_servers(1, project_id=Project.objects.get(name="admin").pk)[0]
    for path in ("", "/log", "/activity", "/delete", "/log/tail"):
        assert demo.get(f"/instances/{other.id}{path}").status_code == 404, path
    assert demo.get(f"/instances?rows={other.id}", headers={"HX-Request": "true"}).content.count(b"<tr") == 0


def test_a_thousand_instances_fit_in_60_kb_and_few_queries(
    demo: Client, make_servers: Callable[..., list[Server]], django_assert_max_num_queries: Any
) -> None:
    make_servers(1000)
    demo.get("/instances")
    with django_assert_max_num_queries(24):
        answer = demo.get("/instances")
    assert len(answer.content) <= 60_000
    assert len(re.findall(rb"<tr data-id=", answer.content)) == 40


def test_instances_as_a_file(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    made = make_servers(3)
    answer = demo.get("/instances?format=csv&state=active")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Name,Status,Fixed IP,Floating IP,Image,Flavor,ID,Created")
    assert len(lines) == 4 and all(server.id in answer.content.decode() for server in made)


def test_rows_say_their_status_and_busy_wins(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    busy = make_servers(1, vm_state="active", task_state="powering-off")[0]
    make_servers(1, vm_state="stopped", power_state=4)
    page = demo.get("/instances").content.decode()
    assert "<title>(1 busy) Instances · Stackling</title>" in page
    assert re.search(rf'<tr data-id="{busy.id}" data-status="ACTIVE".*?st busy.*?Stopping', page, re.S)
    only = demo.get("/instances?state=off").content.decode()
    assert busy.id not in only and "Shut off" in only


def test_a_name_is_shown_as_text(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    server = make_servers(1, name="<img src=x onerror=alert(1)>")[0]
    for path in ("/instances", f"/instances/{server.id}", f"/instances/{server.id}/delete", "/find?q=img"):
        assert b"<img src=x" not in demo.get(path).content, path


def test_greyed_verbs_say_why(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    server = make_servers(1, vm_state="stopped", power_state=4)[0]
    menu = demo.get(f"/instances/{server.id}?menu=1").content.decode()
    assert re.search(r'aria-disabled="true" data-action="console"[^>]*data-why="Waits until the instance is up"', menu)
    assert re.search(r'hx-post="[^"]*/do/start"[^>]*data-action="start"', menu)


def test_a_verb_in_a_wrong_state_is_a_toast_with_its_request(
    demo: Client, make_servers: Callable[..., list[Server]]
) -> None:
    server = make_servers(1, vm_state="stopped", power_state=4)[0]
    answer = demo.post(f"/instances/{server.id}/do/stop", HTTP_HX_REQUEST="true")
    assert answer.status_code == 204
    assert answer["X-Openstack-Request-Id"] in answer["HX-Trigger"] and '"bad"' in answer["HX-Trigger"]


def test_deleting_several_wants_their_number(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    ids = ",".join(server.id for server in make_servers(3))
    path = f"/instances/delete?ids={ids}"
    assert b"Type 3 to confirm" in demo.get(path, HTTP_HX_REQUEST="true").content
    assert demo.post(path, {"typed": "2"}, HTTP_HX_REQUEST="true").status_code == 422
    assert not Operation.objects.exists()
    assert demo.post(path, {"typed": "3"}, HTTP_HX_REQUEST="true").status_code == 204
    assert Operation.objects.filter(action="delete").count() == 3


def test_a_failure_is_told_with_hosts_and_numbers(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    server = make_servers(
        1, vm_state="error", fault_code="NoHostFits", fault_data={"host": "host2", "need": "8192 MiB", "have": "3072"}
    )[0]
    operation = Operation.objects.create(
        flow="server.boot", subject_kind="server", subject_id=server.id, project_id=server.project_id, action="create",
        state="failed", request_id="req-1", error_code="NoHostFits", error_data={"host": "host2", "need": "8192", "have": "3072"},
    )  # fmt: skip
    table = [{"host": "host2", "checks": [{"filter": "memory", "ok": False, "need": "8192 MiB", "have": "3072 MiB"}]}]
    OperationStep.objects.create(operation=operation, index=0, name="claim_host", result="failed", finished_at=operation.created_at,
                                 detail={"scheduling": table})  # fmt: skip
    assert b"host2: needs 8192 MiB, has 3072" in demo.get("/instances").content
    for path in (f"/instances/{server.id}/activity", "/requests/req-1"):
        assert b"needs 8192 MiB, has 3072 MiB" in demo.get(path).content, path


def test_making_and_removing_a_network_by_its_dialogs(demo: Client) -> None:
    bad = demo.post("/networks/create", {"name": "n", "cidr": "10.300.0.0/24"}, HTTP_HX_REQUEST="true")
    assert bad.status_code == 422 and b'aria-invalid="true"' in bad.content
    made = demo.post("/networks/create", {"name": "backend", "cidr": "10.5.0.0/24"}, HTTP_HX_REQUEST="true")
    network = Network.objects.get(name="backend")
    assert made.status_code == 204 and made["HX-Redirect"] == f"/networks/{network.pk}"
    assert b"10.5.0.0/24" in demo.get(f"/networks/{network.pk}").content
    assert demo.post(f"/networks/{network.pk}/delete").status_code == 302
    assert not Network.objects.filter(pk=network.pk).exists()


def test_a_private_key_is_shown_once(demo: Client) -> None:
    made = demo.post("/key-pairs/-/create", {"name": "laptop", "public_key": ""}, HTTP_HX_REQUEST="true")
    assert b"BEGIN OPENSSH PRIVATE KEY" in made.content
    assert b"PRIVATE KEY" not in demo.get("/key-pairs/laptop").content


def test_launching_too_much_is_refused_beside_its_field(demo: Client) -> None:
    answer = demo.post("/instances/launch", {"name": "", "count": "0"})
    assert answer.status_code == 422
    for text in (b"A name has 1 to 255 characters.", b"From 1 to 50.", b"Choose an image or a volume."):
        assert text in answer.content


def test_clouds_yaml_holds_no_password(demo: Client) -> None:
    text = demo.get("/api-access/clouds.yaml").content.decode()
    assert "auth_url: http://testserver/api/identity/v3" in text and "password" not in text
    assert "OS_PROJECT_NAME='demo'" in demo.get("/api-access/openrc.sh").content.decode()


def test_the_log_is_read_from_where_one_was(
    demo: Client, make_servers: Callable[..., list[Server]], settings: Any
) -> None:
    server = make_servers(1)[0]
    (settings.CONSOLE_LOGS / f"{server.id}.log").write_bytes(b"one\ntwo\n")
    first = demo.get(f"/instances/{server.id}/log/tail").json()
    assert first == {"from": 0, "to": 8, "text": "one\ntwo\n"}
    (settings.CONSOLE_LOGS / f"{server.id}.log").write_bytes(b"one\ntwo\nthree\n")
    assert demo.get(f"/instances/{server.id}/log/tail?from=8").json() == {"from": 8, "to": 14, "text": "three\n"}


def test_an_application_credentials_secret_is_shown_once(demo: Client) -> None:
    page = demo.get("/application-credentials/create").content.decode()
    role = re.search(r'name="roles" value="([^"]+)"', page)
    assert role
    made = demo.post("/application-credentials/create", {"name": "ci", "roles": role.group(1)}, HTTP_HX_REQUEST="true")
    assert b"application_credential_secret" in made.content
    assert b"ci" in demo.get("/application-credentials").content


@pytest.mark.parametrize("path", ["/networks?q=a%00b", "/images?sort=%00", "/instances/a%00b", "/?%00"])
def test_an_address_with_a_nul_leads_nowhere(demo: Client, path: str) -> None:
    answer = demo.get(path)
    assert answer.status_code == 404
    assert b"There is no such page" in answer.content


def test_unknown_pages_are_404_with_a_sentence(demo: Client) -> None:
    assert demo.get("/instances/none").status_code == 404
    assert demo.get("/no-such-page").status_code == 404


def test_a_page_of_something_that_went_is_told_so_quietly(
    demo: Client, make_servers: Callable[..., list[Server]]
) -> None:
    """What the open page asks by itself is no failure of the browser's; what a person asks for is not found."""
    server = make_servers(1)[0]
    part = f"/instances/{server.pk}/head"
    asked = {"HX-Request": "true", "X-Background": "1"}
    assert "X-Gone" not in demo.get(part, headers=asked)
    server.delete()
    told = demo.get(part, headers=asked)
    assert (told.status_code, told["X-Gone"], told.content) == (204, "1", b"")
    toast = json.loads(told["HX-Trigger"])["toast"]
    assert toast == {"kind": "ok", "text": "What this page shows is not there any more."}
    assert demo.get(part, headers={"HX-Request": "true"}).status_code == 404


def test_a_hosts_page_tells_what_it_owes_what_is_aside_and_what_is_asked(admin: Client) -> None:
    """A4, B5: only `doctor` said it; an operator who looks at the host sees it there, in the words of doctor."""
    host = Host.objects.create(name="h1", number=1, state="down", roles=["compute"])

    def page() -> str:
        return str(admin.get("/hosts/h1").content.decode())

    for word in ('data-card="debts"', 'data-card="setaside"', 'data-card="question"'):
        assert word not in page(), "nothing to say, no card"
    with transaction.atomic():
        debts.owe("h1", "disk.ensure", "server-1", {}, subject="server:server-1", error=HostAway(host="h1"))
    Host.objects.filter(pk=host.pk).update(question={"servers": ["a", "b", "c"], "have": 4, "since": ""})
    look = Operation.objects.create(flow="host.look", version=1, subject_kind="host", subject_id="h1", state="done")
    note = {"id": "server-9", "kind": "server", "key": "9", "why": "no row <b>", "until": 1893456000.0}
    OperationStep.objects.create(operation=look, phase="do", name="read", index=0, answer={"setaside": [note]})
    text = page()
    assert "disk.ensure" in text and "server-1" in text and "is not heard" in text
    assert "setaside adopt h1" in text and "3 instances here" in text
    assert "server-9" in text and "no row &lt;b&gt;" in text
    Host.objects.filter(pk=host.pk).update(estranged=True)
    assert "served a newer database" in page()
