"""Sharing in the portal: the dialog, who can see it, and what a grantee's pages show and grey."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from common.clock import now
from compute.servers.models import Server
from identity.models import Group, Project, Role, User
from images.images.models import Image
from networking.networks.models import Network
from sharing.models import GroupShare, UserShare
from tests.identity.sharing_world import image, network, person, put_share

HX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def web(make_servers: Callable[..., list[Server]]) -> Server:
    return make_servers(1)[0]


@pytest.fixture
def guest(cloud_rows: None) -> Client:
    """Signed in at the portal, a member of another project."""
    who = person("guest", in_project="elsewhere")
    who.set_password("guest's password")
    who.save()
    client = Client()
    assert client.post("/sign-in", {"username": "guest", "password": "guest's password"}).status_code == 302
    return client


def form(**more: str) -> dict[str, str]:
    return {"subject": "user", "name": "guest", "domain": "", "level": "operate", "lasts": "8h", "until": "", **more}


def greyed(page: str, action: str) -> str:
    """The reason that a button shows; "" when it is not greyed."""
    found = re.search(rf'<button[^>]*data-action="{action}"[^>]*data-why="([^"]*)"', page)
    return found.group(1) if found else ""


def test_the_dialog_gives_and_withdraws(demo: Client, guest: Client, web: Server) -> None:
    menu = demo.get(f"/instances/{web.pk}?menu=1").content.decode()
    assert f'href="/share/server/{web.pk}" data-dialog="wide" data-action="share"' in menu
    assert 'data-panel="share"' in demo.get(f"/share/server/{web.pk}", headers={"HX-Request": "true"}).content.decode()
    said = demo.post(f"/share/server/{web.pk}", form(), **HX)
    assert said.status_code == 200 and 'data-action="withdraw"' in said.content.decode()
    row = UserShare.objects.get()
    assert row.level == "operate" and timedelta(hours=7) < row.expires_at - now() < timedelta(hours=8, minutes=1)
    assert web.pk in guest.get("/instances").content.decode()
    again = demo.post(
        f"/share/server/{web.pk}", form(level="view", lasts=""), **HX
    )  # the same person: that share changes
    assert again.status_code == 200
    row.refresh_from_db()
    assert (row.level, row.expires_at) == ("view", None)
    said = demo.post(f"/share/server/{web.pk}/{row.pk}/withdraw", **HX)
    assert said.status_code == 200 and 'data-action="withdraw"' not in said.content.decode()
    assert web.pk not in guest.get("/instances").content.decode()
    assert guest.get(f"/instances/{web.pk}").status_code == 404


@pytest.mark.parametrize(
    ("more", "field"),
    [({"name": "nobody"}, "name"), ({"until": "2001-01-01T00:00"}, "until"), ({"level": "own"}, "level"), ({"name": ""}, "name")],
)  # fmt: skip
def test_the_form_says_what_is_wrong_where_it_is(
    demo: Client, guest: Client, web: Server, more: dict[str, str], field: str
) -> None:
    said = demo.post(f"/share/server/{web.pk}", form(**more), **HX)
    assert said.status_code == 422 and not UserShare.objects.exists()
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', said.content.decode())


def test_an_exact_end_and_a_group(demo: Client, guest: Client, web: Server) -> None:
    Group.objects.create(name="helpers", domain_id="default")
    until = (now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    said = demo.post(f"/share/server/{web.pk}", form(subject="group", name="helpers", until=until), **HX)
    assert said.status_code == 200
    assert abs(GroupShare.objects.get().expires_at - now() - timedelta(days=2)) < timedelta(
        hours=15
    )  # in the zone's time


def test_a_grantee_s_row_is_marked_and_its_buttons_say_why(demo: Client, guest: Client, web: Server) -> None:
    put_share("server", web, User.objects.get(name="guest"), "console", minutes=30)
    row = guest.get(f"/instances?rows={web.pk}", headers={"HX-Request": "true"}).content.decode()
    assert (
        "data-shared" in row
        and "data-shared" not in demo.get(f"/instances?rows={web.pk}", headers={"HX-Request": "true"}).content.decode()
    )
    menu = guest.get(f"/instances/{web.pk}?menu=1").content.decode()
    assert not greyed(menu, "console")
    assert "level console; this needs the level operate" in greyed(menu, "stop")
    assert "level console; this needs the level full" in greyed(menu, "delete") and greyed(menu, "share")
    assert "No share allows this" in greyed(menu, "floating-ip")
    page = guest.get(f"/instances/{web.pk}").content.decode()
    assert 'data-card="shared-with-you"' in page and "who-can-see" not in page
    assert 'data-action="security-groups"' not in page
    assert guest.get(f"/instances/{web.pk}/log").status_code == 200
    assert guest.get(f"/instances/{web.pk}/groups").status_code == 403  # the project's groups are not shared
    assert guest.post(f"/instances/{web.pk}/do/stop").status_code == 403


def test_view_has_no_log_and_no_console(demo: Client, guest: Client, web: Server) -> None:
    put_share("server", web, User.objects.get(name="guest"), "view")
    assert guest.get(f"/instances/{web.pk}").status_code == 200
    assert guest.get(f"/instances/{web.pk}/log").status_code == 403
    assert guest.post(f"/instances/{web.pk}/console/vnc", **HX).content == b""
    assert guest.get(f"/instances/{web.pk}/log/tail").status_code == 403


def test_who_can_see_lists_people_with_their_reasons(demo: Client, guest: Client, web: Server) -> None:
    put_share("server", web, User.objects.get(name="guest"), "operate", minutes=30)
    page = demo.get(f"/instances/{web.pk}").content.decode()
    card = page[page.index('data-card="who-can-see"') :]
    assert "Role member" in card and "Shared by demo: Operate" in card and "Administrator of the cloud" in card


def test_images_and_networks_have_both_too(demo: Client, guest: Client) -> None:
    home, to = Project.objects.get(name="demo", is_domain=False).pk, User.objects.get(name="guest")
    pairs: list[tuple[str, str, Image | Network]] = [
        ("image", "images", image(home)),
        ("network", "networks", network(home)),
    ]
    for kind, path, row in pairs:
        assert (
            guest.get(f"/{path}/{row.pk}").status_code == 404 and row.pk not in guest.get(f"/{path}").content.decode()
        )
        assert 'data-card="who-can-see"' in demo.get(f"/{path}/{row.pk}").content.decode()
        put_share(kind, row, to, "view")
        assert row.pk in guest.get(f"/{path}").content.decode()
        page = guest.get(f"/{path}/{row.pk}").content.decode()
        assert 'data-card="shared-with-you"' in page
        menu = guest.get(f"/{path}/{row.pk}?menu=1").content.decode()
        assert "level view; this needs the level full" in greyed(menu, "delete")
        assert f'href="/share/{kind}/{row.pk}"' in demo.get(f"/{path}/{row.pk}?menu=1").content.decode()


def test_a_network_to_operate_can_be_chosen_at_launch(demo: Client, guest: Client) -> None:
    from networking.subnets.models import Subnet

    row = network(Project.objects.get(name="demo", is_domain=False).pk)
    Subnet.objects.create(network=row, project_id=row.project_id, ip_version=4, cidr="10.7.0.0/24")
    share = put_share("network", row, User.objects.get(name="guest"), "view")
    assert row.pk not in guest.get("/instances/launch").content.decode()
    share.delete()
    put_share("network", row, User.objects.get(name="guest"), "operate")
    assert row.pk in guest.get("/instances/launch").content.decode()


def test_a_reader_is_told_which_role_and_whom_to_ask(demo: Client, web: Server, guest: Client) -> None:
    from identity.assignments import services as assignments

    home = Project.objects.get(name="demo", is_domain=False)
    boss = person("boss", in_project="demo", role_name="manager")
    role = Role.objects.get(name="reader", domain=None)
    assignments.grant(role, on="project", object_id=home.pk, subject_id=User.objects.get(name="guest").pk)
    guest.post("/project", {"project": home.pk})
    menu = guest.get(f"/instances/{web.pk}?menu=1").content.decode()
    assert greyed(menu, "stop").endswith(f"needs the role member. You have reader. Ask {boss.name}.")


def test_who_was_lent_something_gives_it_up(demo: Client, guest: Client, web: Server) -> None:
    """By a button on its page that says what ends; what others have stays."""
    me, other = User.objects.get(name="guest"), person("other", in_project="elsewhere")
    put_share("server", web, me, "console", minutes=30)
    theirs = put_share("server", web, other, "console")
    page = guest.get(f"/instances/{web.pk}").content.decode()
    assert f'href="/share/server/{web.pk}/give-up" data-dialog data-action="give-up"' in page
    assert "give-up" not in demo.get(f"/instances/{web.pk}").content.decode()
    asked = guest.get(f"/share/server/{web.pk}/give-up", **HX).content.decode()
    assert web.name in asked and "shared it with you" in asked
    said = guest.post(f"/share/server/{web.pk}/give-up", **HX)
    assert said.headers["HX-Redirect"] == "/instances"
    assert guest.get(f"/instances/{web.pk}").status_code == 404
    assert [row.pk for row in UserShare.objects.all()] == [theirs.pk]
    again = guest.post(f"/share/server/{web.pk}/give-up", **HX)
    assert "HX-Redirect" not in again and "could not be found" in again["HX-Trigger"].lower()


def test_a_group_s_share_is_not_one_s_own_to_give_up(demo: Client, guest: Client) -> None:
    group = Group.objects.create(name="helpers", domain_id="default")
    User.objects.get(name="guest").groups.add(group)
    row = network(Project.objects.get(name="demo", is_domain=False).pk)
    put_share("network", row, group, "view")
    page = guest.get(f"/networks/{row.pk}").content.decode()
    assert re.search(r'data-why="It is shared with a group[^"]*"[^>]*data-action="give-up"', page)
    assert "HX-Redirect" not in guest.post(f"/share/network/{row.pk}/give-up", **HX)
    assert GroupShare.objects.exists()


def test_images_and_networks_are_given_up_too(demo: Client, guest: Client) -> None:
    home, me = Project.objects.get(name="demo", is_domain=False).pk, User.objects.get(name="guest")
    for kind, path, row in (("image", "images", image(home)), ("network", "networks", network(home))):
        put_share(kind, row, me, "view")
        assert 'data-action="give-up"' in guest.get(f"/{path}/{row.pk}").content.decode()
        assert guest.post(f"/share/{kind}/{row.pk}/give-up", **HX).headers["HX-Redirect"] == f"/{path}"
        assert guest.get(f"/{path}/{row.pk}").status_code == 404
