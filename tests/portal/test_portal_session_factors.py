"""Second factors, lockout, and signing in again in place, without a browser."""

import html
import json
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from common.clock import now
from identity.assignments import services as assignments
from identity.auth import passwords
from identity.models import Credential, FailedTry, PortalSession, Project, Role, User
from identity.revocation import services as revocation
from identity.signin import services as signins
from identity.signin.mfa import recovery
from identity.signin.mfa import services as mfa
from tests.portal.conftest import PASSWORDS, enter
from tests.totp import code_of


def user(name: str = "demo") -> User:
    return User.objects.select_related("domain").get(name=name)


def set_up(client: Client) -> tuple[str, list[str]]:
    """The secret and the recovery codes that the page showed."""
    page = client.get("/settings/security/app").content.decode()
    found = re.search(r'data-copy="([A-Z2-7]{32})"', page)
    assert found
    answer = client.post("/settings/security/app", {"code": code_of(found.group(1), steps=-1)})
    codes = re.findall(r"<li>(\d{8})</li>", answer.content.decode())
    assert len(codes) == 10
    return found.group(1), codes


def half_way(name: str = "demo") -> Client:
    client = Client()
    answer = client.post("/sign-in", {"username": name, "password": PASSWORDS[name]})
    assert answer.status_code == 200 and b'name="code"' in answer.content
    assert client.get("/").status_code == 302  # not in yet
    return client


# ── Codes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_picture_says_what_the_text_says(demo: Client) -> None:
    page = demo.get("/settings/security/app").content.decode()
    assert re.search(r'<svg class="qr" viewBox="0 0 (\d+) \1"', page) and "<path d=" in page
    assert " style=" not in page


def test_a_code_is_asked_for_and_counts_once(demo: Client) -> None:
    secret, _codes = set_up(demo)
    assert Credential.objects.filter(user=user(), type="totp").count() == 1
    one, two = half_way(), half_way()
    code = code_of(secret)
    assert one.post("/sign-in", {"code": code, "next": "/networks"})["Location"] == "/networks"
    assert one.get("/networks").status_code == 200
    again = two.post("/sign-in", {"code": code})
    assert again.status_code == 401 and b"used before" in again.content


def test_five_wrong_codes_ask_for_the_password_again(demo: Client) -> None:
    secret, _codes = set_up(demo)
    client = half_way()
    for _try in range(5):
        assert client.post("/sign-in", {"code": "1"}).status_code == 401
    answer = client.post("/sign-in", {"code": code_of(secret)})
    assert answer.status_code == 401 and b'name="password"' in answer.content
    assert client.get("/").status_code == 302


def test_a_recovery_code_counts_once_and_new_ones_replace_it(demo: Client) -> None:
    _secret, codes = set_up(demo)
    assert half_way().post("/sign-in", {"code": codes[0]}).status_code == 302
    assert half_way().post("/sign-in", {"code": codes[0]}).status_code == 401
    assert recovery.left(user().pk) == 9
    fresh = re.findall(r"<li>(\d{8})</li>", demo.post("/settings/security/codes").content.decode())
    assert half_way().post("/sign-in", {"code": codes[1]}).status_code == 401
    assert half_way().post("/sign-in", {"code": fresh[1]}).status_code == 302


def test_removing_the_app_asks_for_the_password(demo: Client) -> None:
    set_up(demo)
    path = "/settings/security/app/remove"
    assert demo.post(path, {"current": "no"}).status_code == 401
    assert mfa.of_user(user()).totp
    assert demo.post(path, {"current": PASSWORDS["demo"]}).status_code == 302
    assert not mfa.of_user(user()).any and recovery.left(user().pk) == 0
    enter("demo")


def test_the_api_asks_for_the_code_only_when_told(demo: Client) -> None:
    set_up(demo)
    sent = {"user": {"name": "demo", "domain": {"id": "default"}, "password": PASSWORDS["demo"]}}
    body = {"auth": {"identity": {"methods": ["password"], "password": sent}}}

    def token() -> int:
        return (
            Client().post("/api/identity/v3/auth/tokens", json.dumps(body), content_type="application/json").status_code
        )

    assert token() == 201
    assert demo.post("/settings/security/strict", {"strict": "on"}).status_code == 302
    assert token() == 401
    assert half_way()  # the portal goes on with a code
    demo.post("/settings/security/app/remove", {"current": PASSWORDS["demo"]})
    assert token() == 201


def test_rules_that_nobody_can_meet_are_said(cloud_rows: None) -> None:
    row = user()
    row.options = {"multi_factor_auth_rules": [["password", "totp"]]}
    row.save()
    answer = Client().post("/sign-in", {"username": "demo", "password": PASSWORDS["demo"]})
    assert answer.status_code == 401 and b"password + totp" in answer.content


def test_a_key_needs_a_challenge_of_ours(demo: Client) -> None:
    options = Client().post("/sign-in/key").json()["publicKey"]
    assert options["userVerification"] == "required" and not options.get("allowCredentials")
    forged = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "clientExtensionResults": {},
              "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA", "userHandle": "AA"}}  # fmt: skip
    for credential in (json.dumps(forged), "{}", "[]", "no json"):
        answer = Client().post("/sign-in", {"credential": credential})
        assert answer.status_code == 401 and b"This key was not accepted" in answer.content


# ── Wrong tries ─────────────────────────────────────────────────────────────────────────────────────────────────────


def tries(name: str, count: int, password: str = "no") -> list[Any]:
    return [Client().post("/sign-in", {"username": name, "password": password}) for _try in range(count)]


def said(answer: Any) -> str:
    found = re.search(r'role="alert">.*?<div class="grow">(.*?)<div>', answer.content.decode(), re.S)
    return found.group(1) if found else ""


def test_a_pause_says_the_same_of_a_name_that_nobody_has(cloud_rows: None, settings: Any) -> None:
    settings.LOCKOUT_FAILURES, settings.LOCKOUT_SECONDS = 4, 120
    known, unknown = tries("demo", 6), tries("nobody", 6)
    assert [said(one) for one in known] == [said(one) for one in unknown]
    assert [one.status_code for one in known] == [401] * 6
    assert "3 tries are left" in said(known[0]) and "another 2 minutes" in said(known[4])
    for answers in (known, unknown):
        assert "Retry-After" not in answers[0] and 100 < int(answers[4]["Retry-After"]) <= 120
    right = tries("demo", 1, PASSWORDS["demo"])[0]
    assert right.status_code == 401 and "another 2 minutes" in said(right)


def test_naming_the_domain_otherwise_begins_no_new_count(cloud_rows: None) -> None:
    def both(name: str) -> list[str]:
        forms = [{"username": name, "password": "no", "domain": domain} for domain in ("Default", "default") * 4]
        return [said(Client().post("/sign-in", form)) for form in forms]

    assert both("demo") == both("nobody")


def test_a_pause_ends_and_the_count_begins_anew(cloud_rows: None, settings: Any) -> None:
    settings.LOCKOUT_FAILURES, settings.LOCKOUT_SECONDS = 3, 60
    tries("demo", 3)
    FailedTry.objects.update(failed_at=now() - timedelta(seconds=61))
    assert "2 tries are left" in said(tries("demo", 1)[0])
    assert tries("demo", 1, PASSWORDS["demo"])[0].status_code == 302
    assert FailedTry.objects.count() == 1  # what the source failed at, which other names count for too


def test_a_paused_an_unknown_and_a_wrong_one_take_as_long(
    cloud_rows: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_nobody", None)  # made by the hasher of now, not by another test's
    hashed: list[str] = []
    real = passwords.check_password
    monkeypatch.setattr(passwords, "check_password", lambda *words: hashed.append(words[1][:30]) or real(*words))
    settings.LOCKOUT_FAILURES = 3
    tries("demo", 3)

    def took(name: str) -> float:
        begin = time.perf_counter()
        tries(name, 1)
        return time.perf_counter() - begin

    took("warm-up")
    rounds = [{name: took(name) for name in ("demo", "admin", "nobody")} for _round in range(6)]
    least = {name: min(one[name] for one in rounds) for name in rounds[0]}  # what others did meanwhile is left out
    # Without its Argon2 one of them would take a tenth; a processor that changes its speed makes up to twice.
    assert len(hashed) == 3 + 1 + 6 * 3 and len(set(hashed)) == 1  # one each, and all alike
    assert max(least.values()) < 2.5 * min(least.values()), least


# ── Again ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def end(client: Client) -> None:
    row = PortalSession.objects.get(pk=client.session.session_key)
    PortalSession.objects.filter(pk=row.pk).update(expire_date=row.seen_at)


def sealed(client: Client) -> str:
    found = re.search(r'data-page="([^"]+)"', client.get("/settings").content.decode())
    assert found
    return found.group(1)


def test_a_fragment_of_an_ended_session_asks_in_place(demo: Client) -> None:
    page = sealed(demo)
    end(demo)
    for method in (demo.get, demo.post):
        answer = method("/key-pairs/-/create", HTTP_HX_REQUEST="true")
        assert answer.status_code == 401 and answer["X-Sign-In"] == "again" and not answer.content
    dialog = demo.get("/sign-in/again", {"page": page}, HTTP_HX_REQUEST="true").content.decode()
    assert "Your session has ended" in dialog and 'name="username" value="demo"' in dialog
    wrong = demo.post("/sign-in/again", {"page": page, "password": "no"}, HTTP_HX_REQUEST="true")
    assert wrong.status_code == 401 and b"is wrong" in wrong.content
    done = demo.post("/sign-in/again", {"page": page, "password": PASSWORDS["demo"]}, HTTP_HX_REQUEST="true")
    assert done.status_code == 204 and done["X-Sign-In"] == "done"
    assert demo.get("/settings").status_code == 200


def test_it_goes_on_in_the_project_of_the_page(admin: Client) -> None:
    demo_project = Project.objects.get(name="demo", is_domain=False)
    assignments.grant(
        Role.objects.get(name="member", domain=None),
        on="project",
        object_id=demo_project.pk,
        subject_id=user("admin").pk,
    )
    admin.post("/project", {"project": demo_project.pk})
    page = sealed(admin)
    end(admin)
    admin.post("/sign-in/again", {"page": page, "password": PASSWORDS["admin"]}, HTTP_HX_REQUEST="true")
    assert admin.session["scope_id"] == demo_project.pk


def test_a_second_factor_is_asked_for_there_too(demo: Client) -> None:
    secret, _codes = set_up(demo)
    page = sealed(demo)
    end(demo)
    more = demo.post("/sign-in/again", {"page": page, "password": PASSWORDS["demo"]}, HTTP_HX_REQUEST="true")
    assert more.status_code == 200 and b'name="code"' in more.content and "X-Sign-In" not in more
    assert demo.get("/settings").status_code == 302
    done = demo.post("/sign-in/again", {"page": page, "code": code_of(secret)}, HTTP_HX_REQUEST="true")
    assert done["X-Sign-In"] == "done"


def test_a_seal_is_nobody_else_s_to_make(demo: Client) -> None:
    page = sealed(demo)
    end(demo)
    for forged in (page[:-1] + ("A" if page[-1] != "A" else "B"), "x", ""):
        answer = demo.post("/sign-in/again", {"page": forged, "password": PASSWORDS["demo"]}, HTTP_HX_REQUEST="true")
        assert answer.get("X-Sign-In") != "done" or not forged


def test_a_form_of_an_ended_session_is_kept_and_sent_again(demo: Client) -> None:
    end(demo)
    kept = demo.post("/networks/create", {"name": "typed <b>", "cidr": "10.9.0.0/24"})
    assert kept.status_code == 401
    held = re.search(r'name="held" value="([^"]*)"', kept.content.decode())
    assert held and b"demo" in kept.content
    whose = re.search(r'name="whose" value="([^"]+)"', kept.content.decode())
    assert whose
    form = {"held": html.unescape(held.group(1)), "whose": whose.group(1), "password": PASSWORDS["demo"]}
    again = demo.post("/sign-in/again", {**form, "next": "/networks/create"})
    text = again.content.decode()
    assert 'action="/networks/create"' in text and 'name="name" value="typed &lt;b&gt;"' in text
    assert "10.9.0.0/24" in text and "data-send-again" in text


def test_passwords_are_never_kept_in_a_page(demo: Client) -> None:
    end(demo)
    answer = demo.post("/settings/password", {"current": "secret-1", "new": "secret-2", "again": "secret-2"})
    assert answer.status_code == 401 and b"secret-" not in answer.content


def test_a_page_of_somebody_else_gets_nothing_done(demo: Client) -> None:
    answer = demo.post("/networks/create", {"name": "n"}, HTTP_HX_REQUEST="true", HTTP_X_SIGNED_IN=user("admin").pk)
    assert answer.status_code == 401 and answer["X-Sign-In"] == "other"


def test_sensitive_things_want_a_fresh_sign_in(demo: Client, settings: Any) -> None:
    settings.SESSION_RECENT_SECONDS = -1
    for path in ("/settings/security/app", "/settings/security/keys/add", "/settings/security/codes",
                 "/application-credentials/create"):  # fmt: skip
        asked = demo.get(path, HTTP_HX_REQUEST="true")
        assert asked.status_code == 401 and asked["X-Sign-In"] == "recent", path
        assert demo.get(path)["Location"] == f"/sign-in/again?next={path}"
        posted = demo.post(path, {"name": "x"})
        assert posted.status_code == 401 and b"fresh proof" in posted.content
    assert (
        b"Confirm that it is you" in demo.get("/sign-in/again", {"page": sealed(demo)}, HTTP_HX_REQUEST="true").content
    )
    settings.SESSION_RECENT_SECONDS = 900
    before = demo.session.session_key
    done = demo.post("/sign-in/again", {"next": "/settings/security/app", "password": PASSWORDS["demo"]})
    assert done["Location"] == "/settings/security/app" and demo.session.session_key != before


# ── One's own sessions ──────────────────────────────────────────────────────────────────────────────────────────────


def test_sessions_are_listed_and_ended_one_by_one(demo: Client) -> None:
    other = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"})
    other.post("/sign-in", {"username": "demo", "password": PASSWORDS["demo"]}, HTTP_X_FORWARDED_FOR="192.0.2.7")
    page = demo.get("/settings/security").content.decode()
    assert "Firefox 133" in page and "192.0.2.7" in page and page.count('data-status="here"') == 1
    assert demo.session.session_key not in page and other.session.session_key not in page
    one = re.search(r'action="(/settings/security/sessions/[0-9a-f]{16}/end)"', page)
    assert one
    demo.post(one.group(1))
    assert other.get("/").status_code == 302 and demo.get("/").status_code == 200


def test_nobody_ends_another_s_session(demo: Client, admin: Client) -> None:
    demo.post(f"/settings/security/sessions/{signins.name(admin.session.session_key or '')}/end")
    assert admin.get("/").status_code == 200


def test_signing_out_everywhere_ends_tokens_too(demo: Client) -> None:
    sent = {"user": {"name": "demo", "domain": {"id": "default"}, "password": PASSWORDS["demo"]}}
    body = {"auth": {"identity": {"methods": ["password"], "password": sent}}}
    token = Client().post("/api/identity/v3/auth/tokens", json.dumps(body), content_type="application/json")
    headers = {"HTTP_X_AUTH_TOKEN": token["X-Subject-Token"]}
    assert Client().get("/api/identity/v3/auth/projects", **headers).status_code == 200
    demo.post("/settings/security/sessions/everywhere")
    revocation.read_soon()
    assert Client().get("/api/identity/v3/auth/projects", **headers).status_code == 401
    assert demo.get("/").status_code == 302
