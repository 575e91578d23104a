"""The operators' forms as the portal posts them, read back through the API. In a browser: tests/browser/test_browser_admin.py."""

import re

import pytest
from django.test import Client

from hosts.models import Host
from identity.models import Project
from quota import services as quota
from tests.portal.conftest import PASSWORDS
from tests.portal.operators import HX, Api, Walk


@pytest.fixture
def api(cloud_rows: None) -> Api:
    return Api(PASSWORDS["admin"])


SIZES = {
    "id": "f-1", "description": "The shop's", "vcpus": "2", "ram": "768", "disk": "7", "ephemeral": "3", "swap": "64",
    "rxtx_factor": "1.5",
}  # fmt: skip


def test_flavors(admin: Client, demo: Client, api: Api) -> None:
    w = Walk(admin, "flavors")
    w.columns("Name", "vCPUs", "Memory", "Disk", "Swap", "ID", "Public", "Metadata", "Ephemeral disk")
    _create_a_flavor(w, api)
    _change_a_flavor(w, api)
    for query, name in (("min_disk=7", "min disk"), ("min_ram=700", "min RAM")):
        assert {"f-1"} <= w.rows(f"flavors?{query}") < w.rows("flavors")
        assert "tiny" not in w.rows(f"flavors?{query}"), name
    assert w.rows("flavors?is_public=True") == w.rows("flavors") - {"f-1"}
    assert demo.post("/flavors/tiny/delete").status_code == 422
    assert demo.get("/flavors/f-1").status_code == 404
    assert w.sent("flavors/f-1/delete") == "/flavors"
    assert api.ask("get", "compute/v2.1/flavors/f-1").status_code == 404


def _create_a_flavor(w: Walk, api: Api) -> None:
    """A private one with every size; its first name is taken."""
    demo = Project.objects.get(name="demo", is_domain=False).pk
    w.fields("flavors/-/create", *SIZES, "name", "is_public", "projects")
    w.refused("flavors/-/create", {**SIZES, "name": "tiny"}, "Flavor with name tiny already exists.")
    w.refused(
        "flavors/-/create", {**SIZES, "name": "f", "is_public": "on", "projects": demo}, "choose one or the other"
    )
    assert w.sent("flavors/-/create", **SIZES, name="f-web", projects=demo) == "/flavors/f-1"
    made = api.get("compute/v2.1/flavors/f-1")["flavor"]
    names = ("name", "vcpus", "ram", "disk", "OS-FLV-EXT-DATA:ephemeral", "swap", "rxtx_factor", "description")
    assert [made[name] for name in names] == ["f-web", 2, 768, 7, 3, 64, 1.5, "The shop's"]
    assert made["os-flavor-access:is_public"] is False
    page = w.page("flavors/f-1")
    assert re.search(rf'data-card="access".*data-id="{demo}"', page, re.S)
    assert "RX/TX factor" in page and "768 MiB" in page


def _change_a_flavor(w: Walk, api: Api) -> None:
    page, path = "/flavors/f-1", "compute/v2.1/flavors/f-1"
    assert w.sent("flavors/f-1/access", projects=api.project_id) == page
    found = api.get(f"{path}/os-flavor-access")["flavor_access"]
    assert [one["tenant_id"] for one in found] == [api.project_id]
    public = w.client.post("/flavors/tiny/access", {"projects": api.project_id}, **HX)
    assert public.headers["X-Status"] == "404" and "not available for public" in public.headers["HX-Trigger"]
    w.refused("flavors/f-1/metadata", {"extra_specs": "hw:cpu_policy=fast"}, "invalid value 'fast'")
    w.refused("flavors/f-1/metadata", {"extra_specs": "a/b=1"}, "No extra spec can be called a/b.")
    for specs in ({"hw:cpu_policy": "shared", "note": "of the shop"}, {"note": "of the shop"}):
        assert w.sent("flavors/f-1/metadata", extra_specs="\n".join(f"{k}={v}" for k, v in specs.items())) == page
        assert api.get(f"{path}/os-extra_specs")["extra_specs"] == specs
    assert "of the shop" in w.page("flavors/f-1")
    assert w.sent("flavors/f-1/edit", description="For the shop") == page
    assert api.get(path)["flavor"]["description"] == "For the shop"


def test_aggregates(admin: Client, demo: Client, api: Api) -> None:
    for number, name in enumerate(("h1", "h2"), 1):
        Host.objects.create(name=name, number=number, state="up", roles=["compute"])
    w = Walk(admin, "aggregates")
    w.fields("aggregates/create", "name", "zone", "hosts")
    page = w.sent("aggregates/create", name="a-north", zone="north", hosts="h1")
    path = f"compute/v2.1/os-aggregates/{page.rsplit('/', 1)[1]}"
    made = api.get(path)["aggregate"]
    assert (made["name"], made["availability_zone"], made["hosts"]) == ("a-north", "north", ["h1"])
    w.columns("Name", "Hosts", "Metadata", "Availability zone")
    w.refused("aggregates/create", {"name": "a-north"}, "Aggregate a-north already exists.")
    w.refused("aggregates/create", {"name": "a-south", "zone": "south", "hosts": "h1"}, "it is in zone north already")
    assert [one["name"] for one in api.get("compute/v2.1/os-aggregates")["aggregates"]] == ["a-north"]
    _change_an_aggregate(w, api, page, path)
    zones = w.page("aggregates/zones")
    assert re.search(r'data-id="polar" data-status="available".*?>h2<', zones, re.S)
    assert re.search(r'data-id="nova" data-status="available".*?>h1<', zones, re.S)
    told = api.get("compute/v2.1/os-availability-zone")["availabilityZoneInfo"]
    assert {one["zoneName"]: one["zoneState"]["available"] for one in told} == {"polar": True, "nova": True}
    w.refused(f"{page}/delete".strip("/"), {}, "it still has hosts")
    w.sent(f"{page}/hosts".strip("/"))
    assert w.sent(f"{page}/delete".strip("/")) == "/aggregates"
    assert api.ask("get", path).status_code == 404
    assert demo.get("/aggregates").status_code == 403


def _change_an_aggregate(w: Walk, api: Api, page: str, path: str) -> None:
    here = page.strip("/")
    assert w.sent(f"{here}/hosts", hosts="h2") == page
    assert api.get(path)["aggregate"]["hosts"] == ["h2"]
    assert ">h2<" in w.page(here) and ">h1<" not in w.page(here)
    for text in ("ssd=true\nrack=7", "rack=8"):
        assert w.sent(f"{here}/metadata", metadata=text) == page
        want = dict(line.split("=") for line in text.splitlines())
        assert api.get(path)["aggregate"]["metadata"] == {"availability_zone": "north", **want}
    assert w.sent(f"{here}/edit", name="a-polar", zone="polar") == page
    found = api.get(path)["aggregate"]
    assert (found["name"], found["availability_zone"]) == ("a-polar", "polar")


def test_default_quotas(admin: Client, demo: Client, api: Api) -> None:
    w = Walk(admin, "default-quotas")
    for service in ("compute", "network"):
        assert f'data-card="quota-{service}"' in w.page()
    now = {name: str(value) for name, value in quota.defaults("compute").items()}
    path, asked = "default-quotas/compute/edit", {**now, "instances": "17"}
    w.fields(path, "instances", "cores", "ram")
    assert w.sent(path, **asked) == "/default-quotas"
    found = api.get("compute/v2.1/os-quota-class-sets/default")["quota_class_set"]
    assert (found["instances"], str(found["cores"])) == (17, now["cores"])
    w.refused(path, {**asked, "instances": "-2"}, "greater than or equal to -1")
    ports = {name: str(value) for name, value in quota.defaults("network").items()} | {"port": "23"}
    assert w.sent("default-quotas/network/edit", **ports) == "/default-quotas"
    project = api.get(f"network/v2.0/quotas/{api.project_id}/default")["quota"]
    assert project["port"] == 23
    assert demo.get("/default-quotas").status_code == 403
    assert demo.post(f"/{path}", {**asked, "instances": "99"}).status_code == 403
    assert quota.defaults("compute")["instances"] == 17
