"""How long a session lives, who ends it, and what it keeps of a browser."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from common.clock import now
from identity.models import PortalSession, User
from identity.revocation import services as revocation
from identity.signin import services as signins
from tests.portal.conftest import PASSWORDS, enter


def row_of(client: Client) -> PortalSession:
    return PortalSession.objects.get(pk=client.session.session_key)


def seen(client: Client, ago: timedelta) -> PortalSession:
    """The client's session as if last used so long ago."""
    row = row_of(client)
    PortalSession.objects.filter(pk=row.pk).update(
        seen_at=row.seen_at - ago, expire_date=row.expire_date - ago, ends_at=row.ends_at - ago
    )
    return row_of(client)


def test_a_session_slides_with_use_but_not_for_every_request(demo: Client, django_assert_max_num_queries: Any) -> None:
    fresh = row_of(demo)
    demo.get("/settings")
    assert row_of(demo).expire_date == fresh.expire_date
    old = seen(demo, timedelta(minutes=90))
    demo.get("/settings")
    slid = row_of(demo)
    assert slid.seen_at > old.seen_at and slid.expire_date > old.expire_date


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(demo: Client) -> None:
    old = seen(demo, timedelta(minutes=90))
    demo.get("/notices?count=1", HTTP_HX_REQUEST="true", HTTP_X_BACKGROUND="1")
    demo.get("/sign-in/state")
    assert row_of(demo).seen_at == old.seen_at


def test_an_idle_session_ends_and_one_in_use_ends_at_last(demo: Client, settings: Any) -> None:
    seen(demo, timedelta(seconds=settings.SESSION_IDLE_SECONDS + 1))
    assert demo.get("/").status_code == 302
    other = enter("demo")
    for _hour in range(settings.SESSION_COOKIE_AGE // 3600 - 1):
        seen(other, timedelta(hours=1))
        assert other.get("/settings").status_code == 200
    seen(other, timedelta(minutes=61))
    assert other.get("/settings").status_code == 302


@pytest.mark.parametrize("end", ["disabled", "password", "everywhere"])
def test_a_session_ends_at_once_with_its_user(demo: Client, admin: Client, end: str) -> None:
    user = User.objects.get(name="demo")
    if end == "disabled":
        admin.post(f"/users/{user.pk}/switch")
    elif end == "password":
        form = {"current": PASSWORDS["demo"], "new": "a long new one", "again": "a long new one"}
        enter("demo").post("/settings/password", form)
    else:
        signins.end_everywhere(user.pk)
    assert demo.get("/").status_code == 302
    assert not PortalSession.objects.filter(user=user).exists()
    User.objects.filter(pk=user.pk).update(enabled=True)
    revocation.touch()
    assert demo.get("/").status_code == 302  # it does not come back


def test_the_cookie_is_kept_from_scripts_and_other_sites(demo: Client) -> None:
    cookie = next(value for name, value in demo.cookies.items() if name.startswith("stackling_") and "csrf" not in name)
    assert cookie["httponly"] and cookie["samesite"] == "Lax"


def test_a_secure_address_gets_a_secure_cookie(cloud_rows: None, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    client = enter("demo")
    assert client.cookies[settings.SESSION_COOKIE_NAME]["secure"]


def test_the_key_of_a_session_is_new_after_signing_in(cloud_rows: None) -> None:
    client = Client()
    session = client.session
    session["planted"] = "1"
    session.save()
    planted = session.session_key
    client.post("/sign-in", {"username": "demo", "password": PASSWORDS["demo"]})
    assert client.session.session_key != planted
    assert not PortalSession.objects.filter(pk=planted).exists()


def test_old_sessions_are_forgotten(demo: Client) -> None:
    PortalSession.objects.update(expire_date=now() - timedelta(days=2))
    signins.prune()
    assert not PortalSession.objects.exists()


def test_a_form_with_an_old_token_is_told_so_in_our_own_words(cloud_rows: None) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/sign-in", {"username": "demo", "password": "x"})
    assert answer.status_code == 403 and b"Open the page again" in answer.content
    toast = client.post("/sign-in", HTTP_HX_REQUEST="true")
    assert "Open the page again" in toast["HX-Trigger"]


@pytest.mark.parametrize("path", ["/sign-in", "/settings/security", "/settings/security/app", "/no-such-page"])
def test_headers_of_pages(demo: Client, path: str) -> None:
    client = Client() if path == "/sign-in" else demo
    answer = client.get(path)
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "'unsafe-eval'" not in policy
    assert "frame-ancestors 'none'" in policy or "frame-ancestors 'self'" in policy
    assert "base-uri 'none'" in policy and "form-action 'self'" in policy
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY" and answer["X-Content-Type-Options"] == "nosniff"
    if answer.status_code == 200:
        assert "no-store" in answer["Cache-Control"] and answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert " style=" not in answer.content.decode() and "<script>" not in answer.content.decode()
