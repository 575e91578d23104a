"""Server groups and key pairs: docs/acceptance/compute.tsv walked, each effect read back through the API.

In `make test` one action a panel is walked; the whole walks are slow.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, delete_several
from tests.browser.netwalk import NetWalk
from tests.rest import COMPUTE, IMAGE, NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
GROUPS = f"{COMPUTE}/os-server-groups"


def test_a_server_group_is_made(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("server-groups", "demo", table="compute"))
    id = _create_a_group(n, "g-quick")
    n.page.click(".acts [data-action=delete]")
    n.w.confirm()
    n.page.wait_for_url("**/server-groups")
    assert n.rest.ask("GET", f"{GROUPS}/{id}").status == 404


def _create_a_group(n: NetWalk, name: str) -> str:
    """Every field filled; the first try gives a rule to a policy that has none."""
    n.w.open()
    n.create(name=name, most="2")
    n.page.select_option("#id_policy", "affinity")
    n.refused("most", "Only anti-affinity policy supports rules.")
    assert n.page.input_value("#id_name") == name, "a refused dialog keeps what was typed"
    n.page.select_option("#id_policy", "anti-affinity")
    id = n.made("server-groups")
    made = n.rest.ok("GET", f"{GROUPS}/{id}", version="2.64")["server_group"]
    assert (made["name"], made["policy"], made["rules"]) == (name, "anti-affinity", {"max_server_per_host": 2})
    n.w.saw("bulk action", "create")
    n.w.saw("form field", "name", "policy", "max servers per host")
    return id


def _member(n: NetWalk, name: str, group: str) -> str:
    """An instance in a group; its id."""
    network = n.rest.named(f"{NETWORK}/networks", "networks", "private")
    server = {
        "name": name, "imageRef": n.rest.named(f"{IMAGE}/images", "images", "demo"), "flavorRef": "tiny",
        "networks": [{"uuid": network}],
    }  # fmt: skip
    body = {"server": server, "os:scheduler_hints": {"group": group}}
    made = str(n.rest.ok("POST", f"{COMPUTE}/servers", body)["server"]["id"])
    n.rest.until(made, "ACTIVE")
    return made


@pytest.mark.slow
def test_server_groups(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("server-groups", "demo", table="compute"))
    page, w = n.page, n.w
    id = _create_a_group(n, "g-web")
    server = _member(n, "g-web-1", id)
    page.goto(f"{w.url}/server-groups/{id}")
    expect(page.locator(f"[data-card=members] tr[data-id='{server}'][data-status=ACTIVE]")).to_be_visible()
    w.saw("page", "of a group, with its members")
    w.open()
    w.columns("Name", "ID", "Policy", "Members", "Age")
    expect(w.row("g-web")).to_contain_text("g-web-1")
    w.saw("column", "name", "ID", "policy", "members", "age")
    n.rest.ok("POST", GROUPS, {"server_group": {"name": "g-other", "policy": "affinity"}})
    n.narrowed("name", "g-web", "g-web", "name")
    n.narrowed("id", id, "g-web", "ID")
    n.chosen("policy", "anti-affinity", "g-web", "policy")
    expect(w.row("g-other")).to_have_count(0)
    w.open()
    w.menu("g-web", "delete")
    w.confirm()
    expect(w.row("g-web")).to_have_count(0)
    assert n.rest.ask("GET", f"{GROUPS}/{id}").status == 404
    assert n.rest.ok("GET", f"{COMPUTE}/servers/{server}")["server"]["status"] == "ACTIVE", "its members stay"
    w.saw("row action", "delete")
    n.rest.ok("POST", GROUPS, {"server_group": {"name": "g-more", "policy": "affinity"}})
    delete_several(w, "g-more", "g-other")
    assert n.rest.ok("GET", GROUPS)["server_groups"] == []
    n.rest.ok("DELETE", f"{COMPUTE}/servers/{server}")
    w.finish()


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFc1pUoOHHLcTpp8bDKUWPpjzVQOwRsO6G4XCO9s0Yq3 me@laptop"


def test_key_pairs(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    """Made in both types, imported, seen in the row, deleted one by one and together; a key that is none stays in the dialog."""
    n = net(walk("key-pairs", "demo", table="compute"))
    page, w = n.page, n.w
    n.create(name="k-bad", public_key="no key")
    n.refused("public_key", "not a public ssh key")
    assert page.input_value("#id_name") == "k-bad"
    n.fill(name="k-mine", public_key=KEY)
    w.submit()
    expect(w.row("k-mine")).to_be_visible()
    assert n.rest.ok("GET", f"{COMPUTE}/os-keypairs/k-mine")["keypair"]["public_key"] == KEY
    w.saw("bulk action", "import")
    w.row("k-mine").locator("summary").click()
    expect(w.row("k-mine")).to_contain_text(KEY)
    w.columns("Name", "Type", "Fingerprint", "Public key")
    w.saw("column", "name", "type", "fingerprint", "public key in the row")
    for type in ("ssh", "x509"):
        w.open()
        n.create(name=f"k-{type}")
        page.select_option("#id_type", type)
        w.submit()
        expect(page.locator("#private-key")).to_contain_text("PRIVATE KEY")
        page.click("#dialog [data-action=done]")
        page.wait_for_url("**/key-pairs")
        assert n.rest.ok("GET", f"{COMPUTE}/os-keypairs/k-{type}")["keypair"]["type"] == type
    w.saw("bulk action", "create")
    w.saw("form field", "name", "type", "public key")
    w.menu("k-mine", "delete")
    w.confirm()
    expect(w.row("k-mine")).to_have_count(0)
    w.saw("row action", "delete")
    delete_several(w, "k-ssh", "k-x509")
    assert [
        one for one in n.rest.ok("GET", f"{COMPUTE}/os-keypairs")["keypairs"] if one["keypair"]["name"].startswith("k-")
    ] == []
    w.finish()


def test_api_access(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    n = net(walk("api-access", "demo", table="compute"))
    page, w = n.page, n.w
    w.columns("Service", "Endpoint")
    expect(page.locator("main tr[data-id=compute]")).to_contain_text(COMPUTE)
    w.saw("column", "service", "endpoint")
    for action, name, part in (
        ("clouds-yaml", "download clouds.yaml", "auth_url"),
        ("openrc", "download OpenRC", "OS_AUTH_URL"),
    ):
        with page.expect_download() as download:
            page.click(f"[data-action={action}]")
        assert part in download.value.path().read_text()
        w.saw("bulk action", name)
    for text in ("demo", n.rest.project_id or "demo", "Identity"):
        expect(page.locator("main")).to_contain_text(text)
    w.saw("bulk action", "view credentials")
    w.finish()
