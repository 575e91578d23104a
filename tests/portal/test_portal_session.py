"""Signing in and out, languages, headers, and what strangers see."""

import pytest
from django.test import Client

from tests.portal.conftest import PASSWORDS


@pytest.mark.parametrize(
    "form", [{"username": "demo", "password": "no"}, {"username": "nobody", "password": "no"}], ids=["wrong", "unknown"]
)
def test_a_wrong_password_and_an_unknown_user_get_the_same_sentence(cloud_rows: None, form: dict[str, str]) -> None:
    answer = Client().post("/sign-in", form)
    assert answer.status_code == 401
    assert b"User name or password is wrong." in answer.content
    assert answer["X-Openstack-Request-Id"].encode()[:16] in answer.content


def test_a_page_leads_to_sign_in_and_back(cloud_rows: None) -> None:
    client = Client()
    away = client.get("/networks?q=x")
    assert away.status_code == 302 and away["Location"] == "/sign-in?next=/networks%3Fq%3Dx"
    answer = client.post("/sign-in", {"username": "demo", "password": PASSWORDS["demo"], "next": "/networks?q=x"})
    assert answer["Location"] == "/networks?q=x"


def test_next_never_leaves_the_cloud(cloud_rows: None) -> None:
    form = {"username": "demo", "password": PASSWORDS["demo"], "next": "https://evil.example/"}
    assert Client().post("/sign-in", form)["Location"] == "/"


def test_pages_carry_a_strict_policy_and_no_inline_script_or_style(demo: Client) -> None:
    answer = demo.get("/instances")
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe-inline" not in policy and "default-src 'none'" in policy
    text = answer.content.decode()
    assert " style=" not in text and "<style" not in text and "onclick" not in text
    assert "<script>" not in text


def test_the_language_stays_chosen(demo: Client) -> None:
    demo.post("/language", {"language": "zh-hans", "next": "/instances"})
    text = demo.get("/instances").content.decode()
    assert '<html lang="zh-hans"' in text
    fresh = Client()
    fresh.post("/sign-in", {"username": "demo", "password": PASSWORDS["demo"]})
    assert '<html lang="zh-hans"' in fresh.get("/instances").content.decode()


def test_signing_out_ends_the_session(demo: Client) -> None:
    assert demo.get("/").status_code == 200
    demo.post("/sign-out")
    assert demo.get("/").status_code == 302


def test_a_post_without_its_token_is_refused(cloud_rows: None) -> None:
    assert Client(enforce_csrf_checks=True).post("/sign-in", {"username": "demo", "password": "x"}).status_code == 403


def test_a_password_changes_only_with_the_present_one(demo: Client) -> None:
    form = {"current": "no", "new": "a long new one", "again": "a long new one"}
    assert demo.post("/settings/password", form).status_code == 401
    done = demo.post("/settings/password", {**form, "current": PASSWORDS["demo"]})
    assert done.status_code == 302
    assert Client().post("/sign-in", {"username": "demo", "password": "a long new one"}).status_code == 302
