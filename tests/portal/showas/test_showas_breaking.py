"""What people type, or call things, never becomes part of a script, and one request stays small."""

import shlex
from collections.abc import Callable

import pytest
from django.test import Client

from compute.servers.models import Server
from identity.models import User
from portal.showas import registry
from tests.portal.conftest import enter

FRAGMENT = {"HX-Request": "true"}


@pytest.mark.parametrize("name", ["\ue002$(touch x)", "$(touch x)", "`id`", "\ue001'; id #"])
def test_a_name_is_one_word_of_the_command(demo: Client, name: str) -> None:
    answer = demo.post("/show-as?of=/instances/launch", {"name": name, "count": "1"}, headers=FRAGMENT)
    html = answer.content.decode()
    command = html.partition("<code>openstack")[2].partition("</code>")[0]
    words = shlex.split(command.replace("&#x27;", "'").replace("&quot;", '"').replace("\\\n", ""))
    kept = name.replace("\ue001", "").replace("\ue000", "")
    assert kept in words, words


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
