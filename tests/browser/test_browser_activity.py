"""D20, I7: whatever is changed, by hand or by the API, appears on the page Activity with who, from where and what."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.acceptance import Walk
from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import Things, unused
from tests.rest import COMPUTE, IDENTITY, IMAGE, NETWORK, Rest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def things(fake_cloud: LiveCloud) -> Iterator[Things]:
    found = Things(fake_cloud)
    yield found
    found.remove()


def line(page: Page, said: str) -> Locator:
    """The one line that says so."""
    found = page.locator("main .ops > li").filter(
        has=page.locator("[data-field=what]", has_text=re.compile(f"^{said}$"))
    )
    expect(found).to_have_count(1)
    return found


def narrow(page: Page, **fields: str) -> None:
    page.click("[data-action=filters]")
    for name, value in fields.items():
        page.fill(f"#by-{name}", value)
    page.click("[data-action=apply-filters]")
    page.wait_for_url(re.compile("[?&]" + next(iter(fields)) + "="))


def test_everything_that_is_changed_appears(
    fake_cloud: LiveCloud, things: Things, enter: Enter, walk: Callable[..., Walk], tmp_path: Path
) -> None:
    """D20, I7: a rule, a floating IP, a network, an image, a key and a role; filters; the file; a refusal with its reason."""
    names = {kind: unused(kind) for kind in ("net", "group", "img", "key")}
    network = things.network(names["net"])
    w = walk("activity", "demo")
    page = w.page
    expect(line(page, f"Created network {names['net']}")).to_be_visible()
    _by_hand(w, names)  # the page is another one meanwhile
    address = _floating(w)
    group = things.make(f"{NETWORK}/security-groups", "security_group", {"name": names["group"]})
    rule = {
        "security_group_id": group,
        "direction": "ingress",
        "protocol": "tcp",
        "port_range_min": 22,
        "port_range_max": 22,
    }
    things.make(f"{NETWORK}/security-group-rules", "security_group_rule", rule)
    image = things.demo.ok(
        "POST", f"{IMAGE}/images", {"name": names["img"], "disk_format": "raw", "container_format": "bare"}
    )
    _role(things.admin, things.demo)
    refused = things.demo.ask("POST", f"{IDENTITY}/projects", {"project": {"name": "x"}})
    assert refused.status == 403
    w.open()
    for said in (
        f"Created network {names['net']}", f"Created key pair {names['key']}", f"Allocated floating IP {address}",
        f"Added a rule to security group {names['group']}", f"Created image {names['img']}",
    ):  # fmt: skip
        found = line(page, re.escape(said))
        assert found.locator("[data-field=who]").inner_text() == "demo", said
        assert re.fullmatch(r"[0-9.]+|[0-9a-f:]+", found.locator("[data-field=place]").inner_text()), said
        assert found.locator(".st").first.get_attribute("data-status") == "success"
    role = page.locator("main .ops > li").filter(has_text="Gave a role on project demo").first
    expect(role.locator("[data-field=who]")).to_have_text("admin")
    role.locator("summary").click()
    expect(role.locator("[data-field=role_assignments]")).to_contain_text("role: reader")
    _filtered(page, fake_cloud, names, network)
    _file(page, names, tmp_path)
    things.demo.ok("DELETE", f"{IMAGE}/images/{image['id']}")
    things.demo.ok("DELETE", f"{COMPUTE}/os-keypairs/{names['key']}")


def _by_hand(w: Walk, names: dict[str, str]) -> None:
    w.open("key-pairs")
    w.page.click("main [data-action=create]")
    w.page.fill("#id_name", names["key"])
    w.submit()
    expect(w.page.locator("body")).to_contain_text("PRIVATE KEY")


def _floating(w: Walk) -> str:
    w.open("floating-ips")
    before = set(w.page.locator("main tbody tr .name").all_inner_texts())
    w.page.click("main [data-action=create]")
    w.page.select_option("#id_pool", label="public")
    w.submit()
    expect(w.page.locator("#toasts")).to_contain_text("is yours")
    w.open("floating-ips")
    after = set(w.page.locator("main tbody tr .name").all_inner_texts())
    return (after - before).pop()


def _role(admin: Rest, demo: Rest) -> None:
    roles = {row["name"]: row["id"] for row in admin.ok("GET", f"{IDENTITY}/roles")["roles"]}
    user = admin.ok("GET", f"{IDENTITY}/users?name=demo")["users"][0]["id"]
    assert demo.token
    admin.ask("PUT", f"{IDENTITY}/projects/{demo.project_id}/users/{user}/roles/{roles['reader']}")


def _filtered(page: Page, cloud: LiveCloud, names: dict[str, str], network: str) -> None:
    """By person, by object, only what failed; the object's own page; back again."""
    narrow(page, person="admin", object="demo")
    expect(page.locator("main .ops > li").first.locator("[data-field=who]")).to_have_text("admin")
    assert set(page.locator("main [data-field=who]").all_inner_texts()) == {"admin"}
    page.goto(f"{cloud.url}/activity?state=failed")
    failed = page.locator("main .ops > li").first
    expect(failed).to_contain_text("Denied")
    expect(failed.locator("[data-field=what]")).to_have_text("Create project")
    expect(failed.locator("[data-field=why]")).to_contain_text("The rule identity:create_project does not allow it")
    page.goto(f"{cloud.url}/activity")
    narrow(page, object=names["net"])
    expect(page.locator("main .ops > li")).to_have_count(1)
    page.locator("main .ops .name").click()
    page.wait_for_url(f"**/networks/{network}")
    page.click("[role=tab][data-tab=activity]")
    expect(line(page, f"Created network {names['net']}")).to_be_visible()
    request = line(page, f"Created network {names['net']}").locator("[data-action=timeline]")
    request.click()
    expect(page.locator("[data-card=changes]")).to_contain_text(f"Created network {names['net']}")


def _file(page: Page, names: dict[str, str], tmp_path: Path) -> None:
    """What is filtered as a file, read back."""
    page.goto(re.sub(r"(https?://[^/]+)/.*", rf"\1/activity?object={names['group']}", page.url))
    with page.expect_download() as found:
        page.click("[data-action=csv]")
    path = tmp_path / "activity.csv"
    found.value.save_as(path)
    rows: list[dict[str, Any]] = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    assert [row["What"] for row in rows] == [
        f"Added a rule to security group {names['group']}", f"Created security group {names['group']}",
    ]  # fmt: skip
    assert {row["User"] for row in rows} == {"demo"} and '"port_range_min": 22' in rows[0]["After"]
