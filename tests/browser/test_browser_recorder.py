"""What somebody does in the portal while it is recorded, as a script that does the same in another project."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import unused
from tests.portal.showas.client import installed
from tests.rest import COMPUTE, IDENTITY, NETWORK, Rest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHlHcLUWPUF+bHmUdoVWKMn6wq4aFWx1GRZS6hXlLxQ2 mine"
PASSWORD = "long enough 1"


def _empty(rest: Rest) -> None:
    """Nothing is left in a project but its default security group."""
    assert rest.token
    own = f"project_id={rest.project_id}"
    for server in rest.ok("GET", f"{COMPUTE}/servers")["servers"]:
        rest.delete(server["id"])
    for address in rest.ok("GET", f"{NETWORK}/floatingips?{own}")["floatingips"]:
        rest.ok("DELETE", f"{NETWORK}/floatingips/{address['id']}")
    for router in rest.ok("GET", f"{NETWORK}/routers?{own}")["routers"]:
        for port in rest.ok("GET", f"{NETWORK}/ports?device_id={router['id']}")["ports"]:
            rest.ask("PUT", f"{NETWORK}/routers/{router['id']}/remove_router_interface", {"port_id": port["id"]})
        rest.ok("DELETE", f"{NETWORK}/routers/{router['id']}")
    for network in rest.ok("GET", f"{NETWORK}/networks?{own}")["networks"]:
        rest.ok("DELETE", f"{NETWORK}/networks/{network['id']}")
    for group in rest.ok("GET", f"{NETWORK}/security-groups?{own}")["security_groups"]:
        if group["name"] != "default":
            rest.ok("DELETE", f"{NETWORK}/security-groups/{group['id']}")
    for pair in rest.ok("GET", f"{COMPUTE}/os-keypairs")["keypairs"]:
        rest.ok("DELETE", f"{COMPUTE}/os-keypairs/{pair['keypair']['name']}")


@pytest.fixture
def projects(fake_cloud: LiveCloud) -> Iterator[list[Rest]]:
    """Three empty projects, each with somebody who works in it."""
    admin, found = Rest(fake_cloud, "admin"), []
    member = admin.named(f"{IDENTITY}/roles", "roles", "member")
    made = []
    for _number in range(3):
        name = unused("replay")
        project = admin.ok("POST", f"{IDENTITY}/projects", {"project": {"name": name}})["project"]["id"]
        user = admin.ok("POST", f"{IDENTITY}/users", {"user": {"name": name, "password": PASSWORD}})["user"]["id"]
        admin.ok("PUT", f"{IDENTITY}/projects/{project}/users/{user}/roles/{member}")
        found.append(Rest(fake_cloud, name, PASSWORD))
        made += [f"users/{user}", f"projects/{project}"]
    yield found
    for rest in found:
        _empty(rest)
    for path in made:
        admin.ok("DELETE", f"{IDENTITY}/{path}")


def _things(rest: Rest) -> dict[str, Any]:
    """What a project has, without ids and what the cloud itself chose."""
    assert rest.token
    own = f"project_id={rest.project_id}"
    subnets = rest.ok("GET", f"{NETWORK}/subnets?{own}")["subnets"]
    groups = rest.ok("GET", f"{NETWORK}/security-groups?{own}")["security_groups"]
    routers = rest.ok("GET", f"{NETWORK}/routers?{own}")["routers"]
    joined = {
        router["name"]: [
            ip["ip_address"]
            for port in rest.ok("GET", f"{NETWORK}/ports?device_id={router['id']}")["ports"]
            for ip in port["fixed_ips"]
            if port["device_owner"] == "network:router_interface"
        ]
        for router in routers
    }
    part = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "description")
    return {
        "networks": [
            (row["name"], row["description"], row["mtu"])
            for row in rest.ok("GET", f"{NETWORK}/networks?{own}")["networks"]
        ],
        "subnets": [(row["name"], row["cidr"], row["gateway_ip"], row["dns_nameservers"]) for row in subnets],
        "routers": [(row["name"], (row["external_gateway_info"] or {}).get("network_id")) for row in routers],
        "joined": joined,
        "groups": {
            row["name"]: sorted([str(rule[name]) for name in part] for rule in row["security_group_rules"])
            for row in groups
            if row["name"] != "default"
        },
        "pairs": [
            (row["keypair"]["name"], row["keypair"]["public_key"])
            for row in rest.ok("GET", f"{COMPUTE}/os-keypairs")["keypairs"]
        ],
        "servers": [
            (
                row["name"], row["status"], row["flavor"]["original_name"], row["image"]["id"], row["key_name"], row["metadata"],
                sorted(group["name"] for group in row["security_groups"]),
                sorted((network, one["OS-EXT-IPS:type"]) for network, several in row["addresses"].items() for one in several),
            )
            for row in rest.ok("GET", f"{COMPUTE}/servers/detail")["servers"]
        ],
    }  # fmt: skip


def _sign_in(page: Page, cloud: LiveCloud, rest: Rest) -> None:
    page.context.clear_cookies()
    page.goto(f"{cloud.url}/sign-in")
    page.fill("#u", rest.account)
    page.fill("#p", PASSWORD)
    page.click("[data-action=sign-in]")
    page.wait_for_url(f"{cloud.url}/")


def _create(page: Page, url: str, **fields: str) -> None:
    """The dialog that makes one, filled, and the page of what was made."""
    page.goto(url)
    page.click("main [data-action=create]")
    for name, value in fields.items():
        field = page.locator(f"#dialog #id_{name}")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(label=value)
        else:
            field.fill(value)
    page.click("#dialog [data-action=submit]")


def _do(page: Page, cloud: LiveCloud, rest: Rest) -> None:
    """A network with a subnet, a router, a group with rules, a key pair, and a server with an address on all that."""
    _create(page, f"{cloud.url}/networks", name="shop", description="it's the shop's", cidr="10.66.0.0/24")
    page.wait_for_url(re.compile(r"/networks/[0-9a-f-]{36}"))
    subnet = rest.ok("GET", f"{NETWORK}/subnets?cidr=10.66.0.0/24")["subnets"][0]["id"]
    page.goto(f"{cloud.url}/routers")
    page.click("main [data-action=create]")
    page.fill("#dialog #id_name", "way-out")
    page.select_option("#dialog #id_network", label="public")
    page.select_option("#dialog #id_subnet", subnet)
    page.click("#dialog [data-action=submit]")
    page.wait_for_url(re.compile(r"/routers/[0-9a-f-]{36}"))
    _create(page, f"{cloud.url}/security-groups", name="web", description="what the shop opens")
    page.wait_for_url(re.compile(r"/security-groups/[0-9a-f-]{36}"))
    group = page.url.rpartition("/")[2]
    page.click("#rules [data-card=ingress] [data-action=add-line]")
    line = page.locator("#rules [data-card=ingress] [data-line]:visible").last
    line.locator("[data-field=ports]").fill("80, 8000-8100")
    line.locator("[data-field=remote]").select_option("cidr")
    line.locator("[data-field=cidr]").fill("10.0.0.0/8")
    page.click("#rules [data-action=save-rules]")
    expect(page.locator("#toasts")).to_contain_text("2 rules added")
    _create(page, f"{cloud.url}/key-pairs", name="mine", public_key=KEY)
    expect(page.locator("main tbody")).to_contain_text("mine")
    page.goto(f"{cloud.url}/instances/launch")
    page.fill("#n", "till")
    network = rest.named(f"{NETWORK}/networks", "networks", "shop")
    for box in page.locator("input[name=networks]").all():
        box.set_checked(box.get_attribute("value") == network)
    for box in page.locator("input[name=groups]").all():
        box.set_checked(box.get_attribute("value") == group)
    page.locator("input[name=key_name][value=mine], select[name=key_name]").first.evaluate(
        "field => { field.tagName === 'SELECT' ? field.value = 'mine' : field.checked = true; field.dispatchEvent(new Event('change', {bubbles: true})) }"
    )
    outside = rest.named(f"{NETWORK}/networks?router:external=true", "networks", "public")
    page.locator("[name=floating]").first.evaluate(
        "(field, value) => { field.value = value; field.dispatchEvent(new Event('change', {bubbles: true})) }",
        f"new:{outside}",
    )
    page.click("[data-summary] [data-action=submit]")
    page.wait_for_url(re.compile(r"/instances/[0-9a-f-]{36}$"))
    server = page.url.rpartition("/")[2]
    rest.until(server, "ACTIVE")
    page.goto(f"{cloud.url}/instances/{server}")
    page.click(".head [data-menu]")
    page.click("#menu [data-action=metadata]")
    page.fill("#dialog #id_metadata", "team=it's ours")
    page.click("#dialog [data-action=submit]")
    expect(page.locator("#dialog")).to_be_hidden()


def test_a_recorded_script_does_the_same_in_an_empty_project(
    fake_cloud: LiveCloud, enter: Enter, projects: list[Rest], tmp_path: Path
) -> None:
    first, *others = projects
    page = enter(fake_cloud, expects=("401",))
    _sign_in(page, fake_cloud, first)
    page.evaluate(
        "fetch('/recording', {method: 'POST', headers: JSON.parse(document.body.getAttribute('hx-headers')), body: new URLSearchParams({do: 'start'})})"
    )
    _do(page, fake_cloud, first)
    wanted = _things(first)
    assert (
        len(wanted["servers"]) == len(wanted["routers"]) == len(wanted["pairs"]) == 1
        and len(wanted["groups"]["web"]) > 2
    )
    with installed(tmp_path) as programs:
        for form, program, rest in (("sh", "bash", others[0]), ("py", sys.executable, others[1])):
            script = tmp_path / f"recording.{form}"
            script.write_bytes(page.request.get(f"{fake_cloud.url}/recording/script.{form}").body())
            environment = {
                **fake_cloud.credentials("demo"), "OS_USERNAME": rest.account, "OS_PASSWORD": PASSWORD, "OS_PROJECT_NAME": rest.account,
                "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path),
            }  # fmt: skip
            done = subprocess.run([program, str(script)], env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{script.read_text()}\n{done.stdout}{done.stderr}"
            for server in rest.ok("GET", f"{COMPUTE}/servers")["servers"]:
                rest.until(server["id"], "ACTIVE")
            assert _things(rest) == wanted, script.read_text()
