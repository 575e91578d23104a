"""The pictures of README and docs/tour.md, taken along the way that the tour tells; console and instance: test_browser_walk.py."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browsing import Enter
from tests.live import LiveCloud
from tests.portal.defects import Things
from tests.rest import NETWORK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def town(fake_cloud: LiveCloud) -> Iterator[str]:
    """A small project: three instances on two networks of one router, one with a floating IP; the id of a group with rules."""
    things = Things(fake_cloud)
    api, public = things.demo, things.demo.named(f"{NETWORK}/networks", "networks", "public")
    inside = things.network("web", "10.20.0.0/24")
    subnet = api.ok("GET", f"{NETWORK}/subnets?network_id={inside}")["subnets"][0]["id"]
    router = things.make(
        f"{NETWORK}/routers", "router", {"name": "gate", "external_gateway_info": {"network_id": public}}
    )
    api.ok("PUT", f"{NETWORK}/routers/{router}/add_router_interface", {"subnet_id": subnet})
    group = things.make(f"{NETWORK}/security-groups", "security_group", {"name": "web"})
    for port in (22, 80, 443):
        rule = {
            "security_group_id": group,
            "direction": "ingress",
            "protocol": "tcp",
            "port_range_min": port,
            "port_range_max": port,
        }
        api.ok("POST", f"{NETWORK}/security-group-rules", {"security_group_rule": rule})
    first = things.server("web-1", network=inside, security_groups=[{"name": "web"}])
    for name in ("web-2", "db-1"):
        things.server(name, network=inside)
    nic = api.ok("GET", f"{NETWORK}/ports?device_id={first}")["ports"][0]["id"]
    things.make(f"{NETWORK}/floatingips", "floatingip", {"floating_network_id": public, "port_id": nic})
    yield group
    api.ask("PUT", f"{NETWORK}/routers/{router}/remove_router_interface", {"subnet_id": subnet})
    things.remove()


def test_two_minutes(fake_cloud: LiveCloud, town: str, enter: Enter, picture: Callable[..., Path]) -> None:
    page = enter(fake_cloud, width=1280)
    expect(page.locator("[data-quota=instances] b")).not_to_have_text("0")
    picture(page, "overview")
    page.goto(f"{fake_cloud.url}/instances/launch?name=web-3")
    expect(page.locator("[data-of=instances]")).to_contain_text("of")
    picture(page, "launch")
    page.goto(f"{fake_cloud.url}/instances")
    expect(page.locator("tr[data-status=ACTIVE]")).not_to_have_count(0)
    picture(page, "instances")
    page.goto(f"{fake_cloud.url}/topology")
    expect(page.locator(".map .lane", has_text="web-2")).to_be_visible()
    picture(page, "topology")
    page.goto(f"{fake_cloud.url}/security-groups/{town}")
    expect(page.locator("#rules [data-card=ingress] [data-field=ports]").first).to_have_value("22, 80, 443")
    picture(page, "rules")
    operator = enter(fake_cloud, "admin", width=1280)
    operator.goto(f"{fake_cloud.url}/cloud")
    expect(operator.locator("[data-card=room]")).to_be_visible()
    picture(operator, "cloud")
