"""Whatever address of the portal is opened by itself is a whole page, an error too; a script gets the part that it asks for."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from authorization.context import RequestContext
from compute.servergroups.models import ServerGroup
from compute.servers.models import Server
from hosts.models import Host
from identity.models import Project
from images.metadefs.models import Definition
from networking.networks import services as networks
from networking.securitygroups.models import SecurityGroup
from portal.ui.panels import APART
from tests.portal.test_portal_pages import ADMIN, PANELS

SCRIPT = {"HX-Request": "true"}
#: Addresses of parts of pages; a word in braces is of `ids`.
PARTS = (
    "/?live=1", "/notices", "/find?q=net", "/instances?rows={server}", "/instances?fields=1", "/instances/{server}/head",
    "/instances/{server}?live=1", "/instances/{server}?menu=1", "/networks?rows={network}", "/networks/{network}?live=1",
    "/topology?live=1", "/topology?live=1&view=graph", "/topology/network/{network}", "/topology/network/none",
    "/security-groups/{group}/rules", "/images/gallery?live=1", "/activity?live=1",
)  # fmt: skip
OF_OPERATORS = (
    "/cloud?live=1",
    "/cloud?failed=1",
    "/hosts?tiles=1",
    "/services/processes?live=1",
    "/default-quotas?live=1",
)


@pytest.fixture
def ids(make_servers: Callable[..., list[Server]]) -> dict[str, str]:
    project = Project.objects.get(name="demo", is_domain=False).pk
    own = RequestContext.internal("test", project_id=project)
    return {
        "server": make_servers(1)[0].pk,
        "network": networks.create(own, name="n").pk,
        "group": SecurityGroup.objects.create(name="web", project_id=project).pk,
    }


def held(html: str, name: str) -> bool:
    """Whether the page has a style sheet."""
    return bool(re.search(rf'<link rel="stylesheet" href="[^"]*{name}', html))


def is_whole(html: str) -> bool:
    return html.count("<html") == 1 and 'class="rail"' in html and html.count("<h1") == 1 and held(html, "portal.css")


def test_a_part_is_a_whole_page_to_who_opens_it(demo: Client, ids: dict[str, str]) -> None:
    for path in PARTS:
        address = path.format_map(ids)
        page, part = demo.get(address, follow=True), demo.get(address, headers=SCRIPT)
        assert page.status_code == 200 and is_whole(page.content.decode()), address
        assert part.status_code == 200 and b"<html" not in part.content, address


def test_an_operators_part_is_a_whole_page_too(admin: Client) -> None:
    for path in OF_OPERATORS:
        assert is_whole(admin.get(path).content.decode()), path
        assert b"<html" not in admin.get(path, headers=SCRIPT).content, path


def test_a_part_has_the_styles_that_it_is_made_for(demo: Client, ids: dict[str, str]) -> None:
    rules = f"/security-groups/{ids['group']}/rules"
    for answer in (
        demo.get(rules),
        demo.post(rules, {"base": "", "ingress-0-protocol": "tcp", "ingress-0-ports": "ssh"}),
        demo.get(f"/topology/network/{ids['network']}"),
    ):
        html = answer.content.decode()
        assert is_whole(html) and held(html, "networks.css"), answer.status_code
    assert 'id="rules"' in demo.get(rules).content.decode()


def test_who_is_refused_keeps_the_rail(demo: Client) -> None:
    """Not found, whether no route or no thing; not allowed; a form without its token."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = demo.cookies
    for answer, status in (
        (demo.get("/no-such-page"), 404),
        (demo.get("/instances/none"), 404),
        (demo.get("/instances/none/no-such-tab"), 404),
        (demo.get("/networks?q=a%00b"), 404),
        (demo.get("/hosts"), 403),
        (strict.post("/networks/create", {"name": "n"}), 403),
    ):
        assert answer.status_code == status and is_whole(answer.content.decode()), answer.request["PATH_INFO"]


def test_who_is_not_signed_in_is_told_without_a_rail(cloud_rows: None) -> None:
    answer = Client().get("/no-such-page")
    assert answer.status_code == 404
    assert b"There is no such page" in answer.content and b'class="rail"' not in answer.content
    assert Client().get("/api/no-such-api").headers["Content-Type"].startswith("application/json")


WRITES = re.compile(r'^\s*(INSERT INTO|UPDATE|DELETE FROM) "?(\w+)', re.I)
#: What reading moves on: how long the session lives.
SESSIONS = {"identity_portalsession"}


def test_reading_changes_nothing(demo: Client, admin: Client, ids: dict[str, str]) -> None:
    """Every panel, and forms that make things: the first look at a project leaves it as it is."""
    forms = ["/instances/launch", "/ports/create", "/networks/create", "/routers/create", "/floating-ips/create"]
    parts = [path.format_map(ids) for path in PARTS]
    for client, paths in ((demo, [*PANELS, *forms, *parts]), (admin, [*ADMIN, *PANELS, *forms])):
        for path in paths:
            with CaptureQueriesContext(connection) as asked:
                client.get(path)
            wrote = {found[2] for one in asked if (found := WRITES.match(one["sql"]))} - SESSIONS
            assert not wrote, path


def test_a_launch_in_a_new_project_brings_the_default_group(demo: Client) -> None:
    """It is offered before it is there, and made by what is sent."""
    page = demo.get("/instances/launch").content.decode()
    assert re.search(r'name="groups"[^>]*value="default"[^>]*checked', page), page
    assert not SecurityGroup.objects.filter(is_default=True).exists()
    made = _port(demo)
    assert made.status_code == 302, made.content
    assert SecurityGroup.objects.get(is_default=True).ports.count() == 1


def _port(demo: Client) -> Any:
    project = Project.objects.get(name="demo", is_domain=False).pk
    network = networks.create(RequestContext.internal("test", project_id=project), name="n")
    fields = {
        "network": network.pk,
        "name": "p",
        "admin_state_up": "on",
        "port_security": "on",
        "groups": "default",
        "vnic_type": "normal",
    }
    return demo.post("/ports/create", fields)


def test_what_is_wrong_with_a_field_is_said_once(demo: Client) -> None:
    """At the field; a form in steps says above them which fields, for one may be in a step that is not open."""
    why = "Letters without accents, digits"
    for sent in ({}, SCRIPT):
        html = demo.post("/key-pairs/-/create", {"name": "é", "public_key": ""}, headers=sent).content.decode()
        assert html.count(why) == 1 and html.count('role="alert"') == 1
    steps = demo.post("/networks/create", {"name": "n", "cidr": "nonsense"}, headers=SCRIPT).content.decode()
    assert steps.count("This is not a network") == 1 and re.search(r'role="alert".*?href="#id_cidr"', steps, re.S)


def test_the_example_of_a_namespace_can_be_imported(admin: Client) -> None:
    shown = re.search(
        r'placeholder="([^"]*namespace[^"]*)"', admin.get(f"/metadata-definitions{APART}/import").content.decode()
    )
    assert shown is not None
    answer = admin.post(f"/metadata-definitions{APART}/import", {"text": unescape(shown[1])})
    assert answer.status_code == 302, answer.content
    assert Definition.objects.get(name="hw_disk_bus").namespace.namespace == "Example::Disk"


def test_sizes_have_units_that_fit(admin: Client) -> None:
    """A host's memory, whatever the unit in which it reports."""
    inventory = {"vcpus": 4, "memory_mib": 16 * 1024**2, "disk_gib": 40}
    Host.objects.create(name="h7", number=7, state="up", roles=["compute", "network"], inventory=inventory)
    page = admin.get("/hosts/h7").content.decode()
    card = page.partition('data-card="inventory"')[2].partition("</section>")[0]
    assert "16 TiB" in card and "40 GiB" in card and str(16 * 1024**2) not in page


def test_agents_and_roles_have_words_of_the_readers_language(admin: Client) -> None:
    Host.objects.create(name="h7", number=7, state="up", roles=["compute", "network"])
    admin.post("/language", {"language": "zh-hans"})
    told = {
        "/services/network": ("DHCP 代理", "DHCP agent"),
        "/services/processes": (">计算<", ">compute<"),
        "/hosts/h7": (">网络<", ">network<"),
    }
    for path, (word, name) in told.items():
        page = admin.get(path).content.decode()
        assert word in page and name not in page, path


def test_the_rail_counts_server_groups(demo: Client) -> None:
    project = Project.objects.get(name="demo", is_domain=False).pk
    ServerGroup.objects.create(name="g", project_id=project, user_id="u", policy="affinity")
    entry = re.search(r'data-panel="server-groups".*?</a>', demo.get("/").content.decode(), re.S)
    assert entry is not None and re.search(r'class="k"[^>]*>\s*1\s*<', entry[0])
