"""What one types in the portal, as a command, a request, Python and Terraform."""

import ast
import base64
import json
import shlex
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import hcl2
from django.test import Client

from compute.servers.models import Server

FRAGMENT = {"HX-Request": "true"}


def forms(client: Client, url: str, typed: dict[str, object] | None = None) -> dict[str, str]:
    """The texts that the portal shows for what is typed at an address: form → text."""
    answer = client.post(f"/show-as?{urlencode({'of': url})}", typed or {}, headers=FRAGMENT)
    assert answer.status_code == 200, answer.content
    found = {}
    for part in answer.content.decode().split("data-form=")[1:]:
        text = part.split("<code>")[1].split("</code>")[0] if "<code>" in part else ""
        found[part.split('"')[1]] = unescape(text)
    return found


def test_the_forms_of_stopping_a_server(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    id = make_servers()[0].id
    found = forms(demo, f"/instances/{id}/do/stop")
    assert found["cli"] == f"openstack server stop {id}"
    assert f"/api/compute/v2.1/servers/{id}/action" in found["curl"] and '{"os-stop": null}' in found["curl"]
    assert f'conn.compute.stop_server("{id}")' in found["python"]
    assert 'power_state = "shutoff"' in found["terraform"] and f'id = "{id}"' in found["terraform"]


LAUNCH = {
    "name": "it's",
    "image": "i1",
    "flavor": "tiny",
    "networks": "n1",
    "groups": "g1",
    "user_data": "#!/bin/sh\n",
    "zone": "nova",
}


def test_the_forms_of_a_launch(demo: Client) -> None:
    found = forms(demo, "/instances/launch", LAUNCH)
    words = shlex.split(
        found["cli"].replace("<(", "'<(").replace(") \\", ")' \\").replace("'#!/bin/sh\n'", "#!/bin/sh")
    )
    assert words[:3] == ["openstack", "server", "create"] and words[-1] == "it's"
    assert {"--image", "i1", "--flavor", "tiny", "--nic", "net-id=n1", "--security-group", "g1", "nova"} <= set(words)
    body = json.loads(shlex.split(found["curl"].splitlines()[-1].strip())[1])["server"]
    assert (body["name"], body["imageRef"], body["networks"]) == ("it's", "i1", [{"uuid": "n1"}])
    assert base64.b64decode(body["user_data"]) == b"#!/bin/sh\n"
    call = ast.parse(found["python"]).body[-1]
    assert isinstance(call, ast.Expr) and isinstance(call.value, ast.Call)
    assert {word.arg for word in call.value.keywords} >= {
        "name",
        "image_id",
        "flavor_id",
        "networks",
        "security_groups",
    }
    block = hcl2.loads(found["terraform"] + "\n")["resource"][0]['"openstack_compute_instance_v2"']['"server"']
    assert block["network"][0]["uuid"] == '"n1"' and block["user_data"] == '"#!/bin/sh\\n"'


def test_what_is_not_typed_yet_is_a_place(demo: Client) -> None:
    found = forms(demo, "/instances/launch", {**LAUNCH, "name": ""})
    assert found["cli"].endswith('"$NAME"') and 'name=os.environ["NAME"]' in found["python"]
    assert "  name              = var.name\n" in found["terraform"]


def test_a_floating_ip_of_a_launch_follows_the_server(demo: Client) -> None:
    found = forms(demo, "/instances/launch", {**LAUNCH, "floating": "new:ext"})
    lines = found["cli"].splitlines()
    assert lines[0].startswith("SERVER=$(openstack server create") and lines[-2].startswith(
        'PORT=$(openstack port list --device-id "$SERVER"'
    )
    assert lines[-1] == 'openstack floating ip create --port "$PORT" ext'
    assert "port_id=port.id" in found["python"] and "device_id=server.id" in found["python"]
    assert "data.openstack_networking_port_v2.port.id" in found["terraform"]


def test_others_servers_have_no_forms(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    id = make_servers(project_id="f" * 32)[0].id
    url = urlencode({"of": f"/instances/{id}/floating-ip"})
    assert demo.post(f"/show-as?{url}", {"floating": "new:x", "port": "y"}, headers=FRAGMENT)["X-Status"] == "404"


def test_a_menu_and_a_list_lead_to_their_forms(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    id = make_servers()[0].id
    menu = demo.get(f"/instances/{id}?menu=1", headers=FRAGMENT).content.decode()
    link = unescape(menu.split('data-action="show-as"')[0].rsplit('href="', 1)[1].split('"')[0])
    page = demo.get(link, headers=FRAGMENT).content.decode()
    labels = [unescape(part.split(">")[1].split("<")[0]) for part in page.split("<option")[1:]]
    assert {"Stop", "Reboot", "Delete"} <= set(labels) and "Resize" not in labels
    second = demo.get(f"{link}&chosen={labels.index('Delete')}", headers=FRAGMENT).content.decode()
    assert f"openstack server delete {id}" in second
    assert "openstack server list" in demo.get("/show-as?of=/instances", headers=FRAGMENT).content.decode()
    assert "/show-as?of=%2Finstances" in demo.get("/instances").content.decode()


def test_a_narrowed_list_has_a_narrowed_command(demo: Client) -> None:
    page = demo.get("/networks?name=it%27s&status=ACTIVE&external=True").content.decode()
    link = unescape(page.split('data-action="list-as"')[0].rsplit('href="', 1)[1].split('"')[0])
    of = parse_qs(urlsplit(link).query)["of"][0]
    found = forms(demo, of)
    assert shlex.split(found["cli"]) == [
        "openstack",
        "network",
        "list",
        "--name",
        "it's",
        "--status",
        "ACTIVE",
        "--external",
    ]
    assert "/networks?name=it%27s&status=ACTIVE&router%3Aexternal=true" in found["curl"].replace(
        "router:ext", "router%3Aext"
    )
    assert 'networks(name="it\'s", status="ACTIVE", is_router_external=True)' in found["python"]
    assert 'name     = "it\'s"' in found["terraform"] and "external = true" in found["terraform"]
    assert (
        forms(demo, "/instances?name=a.b&status=active")["cli"]
        == "openstack server list --name 'a\\.b' --status ACTIVE"
    )


def test_what_the_client_cannot_say_is_said(demo: Client) -> None:
    found = forms(
        demo, "/instances/launch", {**LAUNCH, "disk_config": "AUTO", "hints": "same_host=a,b\nx=y", "server_group": "g"}
    )
    assert found["cli"].splitlines()[0] == "# The client has no option for this: OS-DCF:diskConfig"
    assert (
        "--hint same_host=a" in found["cli"]
        and "--hint same_host=b" in found["cli"]
        and "--hint group=g" in found["cli"]
    )
    block = hcl2.loads(found["terraform"] + "\n")["resource"][0]['"openstack_compute_instance_v2"']['"server"']
    hints = block["scheduler_hints"][0]
    assert (hints["group"], hints["same_host"]) == ('"g"', ['"a"', '"b"']) and "x" in str(
        hints["additional_properties"]
    )


def test_a_ticked_box_makes_its_group_first(demo: Client) -> None:
    found = forms(demo, "/instances/launch", {**LAUNCH, "doors": "ssh", "networks": "n1", "fixed-n1": "fd00::5"})
    lines = [line for line in found["cli"].replace(" \\\n ", "").splitlines() if "openstack" in line]
    assert lines[0].startswith("OPEN_SSH=$(openstack security group create") and lines[1].count("--dst-port 22") == 1
    assert '--security-group "$OPEN_SSH"' in lines[-1] and "v6-fixed-ip=fd00::5" in lines[-1] and len(lines) == 4


def test_a_volume_is_asked_of_the_service_that_clients_find(demo: Client) -> None:
    """The routes lie below /api/volume, the catalog calls it block-storage, and its header volume."""
    found = forms(demo, "/volumes/create", {"name": "data", "size": "3"})
    assert found["cli"] == "openstack volume create --size 3 data"
    assert "/api/volume/v3/volumes " in found["curl"] and "-H 'OpenStack-API-Version: volume 3." in found["curl"]
    assert 'conn.block_storage.create_volume(name="data", size=3)' in found["python"]
    assert 'resource "openstack_blockstorage_volume_v3" "volume"' in found["terraform"]
