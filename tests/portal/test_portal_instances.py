"""The list of instances: its filters and columns, for a project and for operators."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from common import purging
from compute.drafts.models import TEMPLATE, Draft
from compute.servers.models import Server
from identity.models import Project
from images.images.models import Image

Make = Callable[..., list[Server]]


def shown(client: Client, path: str) -> set[str]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return set(re.findall(r'<tr data-id="([^"]+)"', answer.content.decode()))


@pytest.fixture
def two(make_servers: Make) -> tuple[Server, Server]:
    """One that differs from the other in every field that a filter reads."""
    image = Image.objects.create(name="debian-12")
    a, b = make_servers(2)
    large = {**a.flavor, "original_name": "large"}
    Server.objects.filter(pk=a.pk).update(
        name="a", image_id=image.pk, key_name="laptop", availability_zone="north", host="h1", vm_state="stopped", flavor_id="f-a",
        flavor=large,
    )  # fmt: skip
    Server.objects.filter(pk=b.pk).update(name="b", availability_zone="south", host="h10")
    a.refresh_from_db()
    return a, b


def test_a_filter_narrows_by_its_field(demo: Client, two: tuple[Server, Server]) -> None:
    a, b = two
    Server.objects.filter(pk=b.pk).update(updated_at="2020-01-01T00:00:00Z")
    asked = {
        "id": a.pk[:13], "name": "a", "image_id": a.image_id, "image": "debian", "flavor_id": "f-a", "flavor": "LARGE", "key": "lap",
        "status": "SHUTOFF", "zone": "north", "since": "2021-01-01",
    }  # fmt: skip
    assert shown(demo, "/instances") == {a.pk, b.pk}
    for name, value in asked.items():
        assert shown(demo, f"/instances?{name}={value}") == {a.pk}, name
    assert shown(demo, "/instances?zone=south&status=ACTIVE") == {b.pk}
    assert shown(demo, "/instances?since=yesterday") == set(), "what is no time finds nothing, rather than all"
    page = demo.get("/instances?zone=north&state=off").content.decode()
    assert 'data-field="zone"' in page and 'name="state" value="off"' in page, "one choice goes with another"
    for asks in ({"HTTP_HX_REQUEST": "true"}, {}):
        form = demo.get("/instances?zone=north&state=off&fields=1", **asks).content.decode()
        assert 'id="by-zone"' in form and 'value="north"' in form and 'name="state" value="off"' in form
        assert 'id="by-host"' not in form, "hosts are the operators'"


def test_changed_since_is_of_the_readers_zone(demo: Client, two: tuple[Server, Server]) -> None:
    a, b = two
    Server.objects.filter(pk=a.pk).update(updated_at="2026-06-01T10:30:00Z")
    Server.objects.filter(pk=b.pk).update(updated_at="2026-06-01T08:30:00Z")
    demo.cookies["zone"] = "Asia/Shanghai"
    assert shown(demo, "/instances?since=2026-06-01T17:00") == {a.pk}
    assert shown(demo, "/instances?since=2026-06-01T17:00Z") == set()


def test_operators_narrow_by_project_and_host(admin: Client, demo: Client, two: tuple[Server, Server]) -> None:
    a, b = two
    project = Project.objects.get(name="demo", is_domain=False)
    other = Project.objects.get(name="admin", is_domain=False)
    Server.objects.filter(pk=b.pk).update(project_id=other.pk)
    assert shown(admin, "/all-instances?project=demo") == {a.pk}
    assert shown(admin, f"/all-instances?project_id={project.pk}") == {a.pk}
    assert shown(admin, "/all-instances?host=h1") == {a.pk}, "h10 is another host"
    assert shown(demo, "/instances?host=h10") == {a.pk}, "nobody else narrows by hosts"


def test_columns_are_chosen(demo: Client, two: tuple[Server, Server]) -> None:
    a, _b = two
    Server.objects.filter(pk=a.pk).update(task_state="powering-on", locked=True, updated_at=timezone.now())
    page = demo.get("/instances").content.decode()
    assert "laptop" not in page and "north" not in page
    every = {"of": "instances", "all": "key-pair availability-zone task power-state", "next": "/instances"}
    demo.post("/columns", {**every, "shown": every["all"].split()})
    page = demo.get("/instances").content.decode()
    heads = {re.sub(r"<[^>]+>", " ", one).strip() for one in re.findall(r"<th\b.*?</th>", page, re.S)}
    assert {"Key pair", "Availability zone", "Task", "Power state"} <= heads
    row = page.split(f'data-id="{a.pk}"')[1].split("</tr>")[0]
    assert all(text in row for text in ("laptop", "north", "Starting", "Running", "#lock"))
    csv = demo.get("/instances?format=csv").content.decode()
    assert "Power state" in csv and "laptop" in csv


def test_a_menu_has_its_verbs_in_groups(demo: Client, two: tuple[Server, Server]) -> None:
    """What it is for stands over each; the three that the page shows too are first, without a word over them."""
    menu = demo.get(f"/instances/{two[1].pk}?menu=1", headers={"HX-Request": "true"}).content.decode()
    groups = [
        (re.findall(r'<ul aria-label="([^"]+)"', part), re.findall(r'data-action="([\w-]+)"', part))
        for part in re.findall(r"<ul.*?</ul>", menu, re.S)
    ]
    names = [name[0] for name, _verbs in groups if name]
    assert names == ["Power", "Change", "Network", "Log in", "Share and delete"]
    assert groups[0] == ([], ["console", "snapshot", "stop"]) and groups[-1][1][-1] == "copy-id"
    assert max(len(verbs) for _name, verbs in groups) <= 6 and "data-many" in menu


def test_a_launch_that_was_begun_waits_in_sight(demo: Client) -> None:
    """On the list too; where the form shows it already, nothing asks to go on with it."""
    began = {"name": "half", "count": "1", "groups": "default"}
    assert "data-draft" not in demo.get("/instances").content.decode()
    demo.post("/instances/launch/draft", began)
    assert 'data-action="open-draft"' in demo.get("/instances").content.decode()
    saved = demo.post("/instances/launch/templates", {**began, "template_name": "t"})
    assert saved.status_code == 302
    assert "data-draft" not in demo.get(saved.headers["Location"]).content.decode().partition("data-draft-url")[0]
    demo.post("/instances/launch/draft", {**began, "name": "another"})
    assert 'data-action="open-draft"' in demo.get(saved.headers["Location"]).content.decode()
    answer = demo.post("/instances/launch/draft/forget?next=/instances")
    assert answer.headers["Location"] == "/instances"
    assert "data-draft" not in demo.get("/instances").content.decode()


def test_what_people_who_are_gone_had_begun_goes_too(demo: Client) -> None:
    demo.post("/instances/launch/draft", {"name": "mine"})
    mine = Draft.objects.get()
    gone = Draft.objects.create(kind=TEMPLATE, user_id="nobody", project_id=mine.project_id, name="t")
    assert purging.run(only=["drafts"]) == {"drafts": 1}
    assert list(Draft.objects.all()) == [mine] and gone.pk != mine.pk
