"""What people type, or call things, never becomes part of a script, and one request stays small."""

import shlex
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.test import Client

from compute.servers.models import Server
from identity.models import Project, User
from networking.networks.models import Network
from portal.showas import registry
from tests.portal.conftest import enter

FRAGMENT = {"HX-Request": "true"}


@pytest.mark.parametrize("name", ["\ue002$(touch x)", "$(touch x)", "`id`", "\ue001'; id #", "\ue000value:home\ue001"])
def test_a_name_is_one_word_of_the_command(demo: Client, name: str) -> None:
    answer = demo.post("/show-as?of=/instances/launch", {"name": name, "count": "1"}, headers=FRAGMENT)
    html = answer.content.decode()
    command = html.partition("<code>openstack")[2].partition("</code>")[0]
    words = shlex.split(command.replace("&#x27;", "'").replace("&quot;", '"').replace("\\\n", ""))
    assert name in words, words


def test_what_a_thing_is_called_already_is_no_place(demo: Client, make_servers: Callable[..., list[Server]]) -> None:
    name = "\ue000value:home\ue001"
    id = make_servers(metadata={name: "x"})[0].id
    answer = demo.post(f"/show-as?of=/instances/{id}/metadata", {"metadata": ""}, headers=FRAGMENT)
    html = answer.content.decode()
    assert f"openstack server unset --property {name} {id}" in html.replace("&#x27;", "") and "$HOME" not in html


@pytest.mark.parametrize(
    "of",
    [
        "/users/{id}/switch",
        "/users/switch/enable?ids={id}",
        "/hosts/fake1/enable",
        "/projects/{id}/quota",
        "/services",
        "/all-instances",
    ],
)
def test_the_forms_ask_what_the_page_asks(demo: Client, of: str) -> None:
    url = of.format(id=User.objects.get(name="admin").pk)
    answer = demo.post(f"/show-as?{urlencode({'of': url})}", headers=FRAGMENT)
    assert answer.headers.get("X-Status") in ("403", "404"), answer.content
    assert demo.get("/show-as", {"of": url}, headers=FRAGMENT).headers.get("X-Status") in ("403", "404")


def test_an_agent_of_a_host_is_the_operators_to_know(demo: Client, cloud_rows: None) -> None:
    project = Project.objects.get(name="demo", is_domain=False)
    network = Network.objects.create(name="own", project_id=project.pk, conntrack_zone=1, mtu=1450)
    answer = demo.post(f"/show-as?of=/networks/{network.pk}/agents/fake1/delete", headers=FRAGMENT)
    assert answer.headers.get("X-Status") == "403", answer.content


def test_a_launch_of_many_is_told_as_far_as_it_may_go(
    demo: Client, django_assert_max_num_queries: Callable[..., object]
) -> None:
    with django_assert_max_num_queries(200):  # type: ignore[attr-defined]
        answer = demo.post(
            "/show-as?of=/instances/launch", {"name": "a", "count": "99999", "floating": "new:x"}, headers=FRAGMENT
        )
    assert answer.status_code == 200 and answer.content.count(b"openstack server create") <= 100


@pytest.mark.parametrize("of", ["http://[", "/instances/xx/do/xx", "/instances/bulk/xx"])
def test_an_odd_address_is_none(demo: Client, of: str, make_servers: Callable[..., list[Server]]) -> None:
    assert demo.get("/show-as", {"of": of}).status_code in (200, 404)
    assert demo.post(f"/show-as?of={of}").status_code in (200, 400, 404)


def test_a_number_that_is_too_long_chooses_the_first(demo: Client) -> None:
    assert demo.get("/show-as", {"of": "/instances", "chosen": "9" * 5000}).status_code == 200


def test_the_recorder_leads_back_inside(demo: Client) -> None:
    where = {**FRAGMENT, "HX-Current-URL": "http://testserver//evil.example/x"}
    answer = demo.post("/recording", {"do": "start"}, headers=where)
    assert answer.headers["HX-Redirect"].startswith("/") and "evil" not in answer.headers["HX-Redirect"]
    assert demo.post("/recording", {"do": "stop"}, headers={**FRAGMENT, "HX-Current-URL": "http://["}).status_code < 400


def test_a_switch_leads_back_inside(cloud_rows: None) -> None:
    admin = enter("admin")
    where = {**FRAGMENT, "HX-Current-URL": "http://testserver//evil.example/x"}
    answer = admin.post(f"/users/{User.objects.get(name='demo').pk}/switch", headers=where)
    assert answer.headers["HX-Redirect"] == "/users"


def test_each_kind_of_a_family_can_be_told_again() -> None:
    """The recorder keeps kinds by their names: a script of server groups was empty."""
    assert {"server group.create", "network.create", "keypair.create"} <= registry.kinds().keys()
