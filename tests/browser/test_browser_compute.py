"""Server groups and key pairs: docs/acceptance/compute.tsv walked, each effect read back through the API.

In `make test` one action a panel is walked; the whole walks are slow.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk, delete_several, lines
from tests.browser.netwalk import NetWalk
from tests.live import CLONE
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


def test_every_line_names_a_test_that_walks_it() -> None:
    rows = lines("compute")
    assert {row["state"] for row in rows} <= {"works", "missing", "waits for issue 14"}
    walked = [row for row in rows if row["state"] == "works"]
    sources = {name: (CLONE / name).read_text() for name in {row["test"] for row in walked}}
    assert {row["panel"] for row in walked if f'walk("{row["panel"]}"' not in sources[row["test"]]} == set()
    assert re.match("tests/browser/", walked[0]["test"])
