"""A project's usage by month or by days: docs/acceptance/compute.tsv walked by a member, each number read back through the API."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.acceptance import Walk
from tests.browser.netwalk import NetWalk
from tests.rest import COMPUTE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_projects_usage(walk: Callable[..., Walk], net: Callable[..., NetWalk]) -> None:
    """I14: usage by month and by instance, as a page and as a file; days that end before they begin are refused."""
    n = net(walk("usage", "demo", table="compute"), "demo")
    page, w = n.page, n.w
    body = {
        "name": "u-used",
        "flavorRef": "tiny",
        "networks": "none",
        "imageRef": n.rest.named("/api/image/v2/images", "images", "demo"),
    }
    id = n.rest.ok("POST", f"{COMPUTE}/servers", {"server": body})["server"]["id"]
    row = page.locator(f"main tbody tr[data-id='{id}']")
    n.rest.until(id, "ACTIVE")
    w.open("usage")
    expect(row).to_have_count(1)
    w.columns("Instance", "vCPUs", "Disk, GiB", "Memory, MiB", "Age", "Hours", "vCPU-hours")
    first = page.input_value("#id_start")
    told = n.rest.ok("GET", f"{COMPUTE}/os-simple-tenant-usage/{n.rest.project_id}?start={first}T00:00:00")
    used = {one["instance_id"]: one for one in told["tenant_usage"]["server_usages"]}
    expect(page.locator(".foot [data-total]")).to_have_text(str(len(used)))
    cells = [text.strip() for text in row.locator("td").all_inner_texts()]
    assert cells[:4] == ["u-used", str(used[id]["vcpus"]), str(used[id]["local_gb"]), str(used[id]["memory_mb"])]
    assert abs(float(cells[5]) - used[id]["hours"]) < 0.05
    w.saw("column", "instance", "vCPUs", "disk", "RAM", "age", "hours", "vCPU-hours")
    with page.expect_download() as download:
        page.click("[data-action=csv]")
    lines = csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig")))
    assert "u-used" in {line["Instance"] for line in lines}
    w.saw("bulk action", "CSV")
    page.click("[data-action=month-before]")
    page.wait_for_url(re.compile(r"\?month=\d{4}-\d\d$"))
    expect(row).to_have_count(0)
    page.click("[data-action=month-after]")
    expect(row).to_be_visible()
    w.saw("filter", "month")
    page.fill("#id_end", "2026-02-01")
    page.click("[data-action=apply-range]")
    expect(page.locator("main [role=alert][data-field=end]")).to_contain_text("It ends before it begins.")
    page.fill("#id_end", first)
    page.click("[data-action=apply-range]")
    page.wait_for_url(re.compile(f"end={first}"))
    w.saw("filter", "date range")
    n.rest.ok("DELETE", f"{COMPUTE}/servers/{id}")
    w.finish()
