"""Signing in through an identity provider: django-allauth's own, in a second process, asked over HTTP."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client as Browser

from identity.assignments import services as assignments
from identity.federation import oidc, shadow
from identity.models import Client, Group, MappedMembership, User
from identity.revocation import services as revocation
from tests.identity.conftest import Api, role, user
from tests.identity.oidc_peer import CLIENT, SECRET, WEBSSO, Peer

pytestmark = pytest.mark.process

RULES = [
    {
        "remote": [{"type": "preferred_username"}, {"type": "HTTP_OIDC_EMAIL"}, {"type": "groups"}],
        "local": [
            {"user": {"name": "{0}", "email": "{1}"}},
            {"groups": "{2}", "domain": {"id": "default"}},
        ],
    },
    {
        "remote": [{"type": "OIDC-groups", "any_one_of": ["admins"]}],
        "local": [{"projects": [{"name": "from the provider", "roles": [{"name": "manager"}]}]}],
    },
]
AUTH = "/OS-FEDERATION/identity_providers/peer/protocols/openid/auth"


@pytest.fixture(scope="module")
def jwt_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    peer = Peer(tmp_path_factory.mktemp("jwt"), "jwt")
    yield peer
    peer.close()


@pytest.fixture(scope="module")
def opaque_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    peer = Peer(tmp_path_factory.mktemp("opaque"), "opaque")
    yield peer
    peer.close()


def declare(admin: Api, peer: Peer, rules: Any = RULES, **more: Any) -> None:
    """Provider, mapping and protocol, as an operator declares them; and a group that has a role on demo."""
    oidc.forget()
    openid = {"issuer": peer.issuer, "client_id": CLIENT, "client_secret": SECRET, "label": "Example Org"}
    openid["scopes"] = "openid email profile groups"
    provider = {"enabled": True, "remote_ids": [peer.issuer], "openid": openid, **more}
    admin.put("/OS-FEDERATION/identity_providers/peer", {"identity_provider": provider}, 201)
    admin.put("/OS-FEDERATION/mappings/peer", {"mapping": {"rules": rules}}, 201)
    admin.put("/OS-FEDERATION/identity_providers/peer/protocols/openid", {"protocol": {"mapping_id": "peer"}}, 201)
    group = admin.post("/groups", {"group": {"name": "staff"}})["group"]
    project_id = admin.get("/projects?name=demo")["projects"][0]["id"]
    assignments.grant(role("member"), on="project", object_id=project_id, subject="group", subject_id=group["id"])


def with_bearer(text: str, expect: int = 201, path: str = AUTH) -> Any:
    return Api().call("post", path, None, expect, authorization=f"Bearer {text}")


def scoped(unscoped: str, project: str, domain: dict[str, str]) -> Api:
    body = {
        "identity": {"methods": ["token"], "token": {"id": unscoped}},
        "scope": {"project": {"name": project, "domain": domain}},
    }
    return Api(Api().call("post", "/auth/tokens", {"auth": body}, 201)["X-Subject-Token"])


def test_a_bearer_token_becomes_an_unscoped_token_then_a_scoped_one_that_works(admin: Api, jwt_peer: Peer) -> None:
    declare(admin, jwt_peer)
    answer = with_bearer(jwt_peer.tokens("alice")["access_token"])
    token = answer.json()["token"]
    assert token["methods"] == ["openid"] and "roles" not in token
    assert token["user"]["name"] == "alice" and len(token["user"]["id"]) == 64
    federation = token["user"]["OS-FEDERATION"]
    assert federation["identity_provider"] == {"id": "peer"} and federation["protocol"] == {"id": "openid"}
    assert federation["groups"] == [{"id": Group.objects.get(name="staff").pk}]
    assert User.objects.get(name="alice").email == "alice@example.org"
    unscoped = Api(answer["X-Subject-Token"])
    own = {"id": token["user"]["domain"]["id"]}
    assert {one["name"] for one in unscoped.get("/OS-FEDERATION/projects")["projects"]} == {"demo", "from the provider"}
    demo = scoped(unscoped.token, "demo", {"id": "default"})
    shown = demo.get("/auth/tokens", x_subject_token=demo.token)["token"]
    assert {one["name"] for one in shown["roles"]} == {"member", "reader"} and shown["catalog"]
    assert shown["expires_at"] == token["expires_at"] and shown["user"]["OS-FEDERATION"] == federation
    made = scoped(unscoped.token, "from the provider", own)
    assert "manager" in {one["name"] for one in made.get("/auth/tokens", x_subject_token=made.token)["token"]["roles"]}


def test_an_opaque_token_is_asked_about_at_the_provider(admin: Api, opaque_peer: Peer) -> None:
    declare(admin, opaque_peer)
    access = opaque_peer.tokens("bob")["access_token"]
    assert not oidc.is_jwt(access)
    token = with_bearer(access).json()["token"]
    assert token["user"]["name"] == "bob" and token["user"]["OS-FEDERATION"]["groups"]
    with_bearer("no such token", 401)


def test_the_second_sign_in_is_the_same_user_and_groups_follow(admin: Api, jwt_peer: Peer) -> None:
    declare(admin, jwt_peer)
    first = with_bearer(jwt_peer.tokens("alice")["id_token"])
    demo = scoped(first["X-Subject-Token"], "demo", {"id": "default"})
    demo.get("/auth/projects")
    only = [{"remote": [{"type": "preferred_username"}], "local": [{"user": {"name": "{0}"}}]}]
    admin.patch("/OS-FEDERATION/mappings/peer", {"mapping": {"rules": only}})
    second = with_bearer(jwt_peer.tokens("alice")["id_token"])
    assert first.json()["token"]["user"]["id"] == second.json()["token"]["user"]["id"]
    assert second.json()["token"]["user"]["OS-FEDERATION"]["groups"] == []
    demo.get("/auth/projects", 401)  # the token from the lost group counts no more


def test_groups_count_outside_of_federated_tokens_for_the_authorization_ttl_only(admin: Api, jwt_peer: Peer) -> None:
    from identity.assignments.effective import Scope, roles_on

    declare(admin, jwt_peer, authorization_ttl=10)
    with_bearer(jwt_peer.tokens("bob")["id_token"])
    bob = user("bob").pk
    scope = Scope("project", admin.get("/projects?name=demo")["projects"][0]["id"])
    assert set(roles_on(bob, scope).values()) == {"member", "reader"}
    (group,) = admin.get(f"/users/{bob}/groups")["groups"]
    assert group["name"] == "staff" and group["membership_expires_at"]
    held = admin.get(f"/role_assignments?user.id={bob}&effective")["role_assignments"]
    assert {one["scope"]["project"]["id"] for one in held} == {scope.id}
    assert MappedMembership.objects.get().until == pytest.approx(time.time() + 600, abs=30)
    MappedMembership.objects.update(until=int(time.time()) - 1)
    before = revocation.epoch(fresh=True)
    shadow.end_due()
    assert revocation.epoch(fresh=True) > before
    assert admin.get(f"/users/{bob}/groups")["groups"] == []
    assert admin.get(f"/role_assignments?user.id={bob}&effective")["role_assignments"] == []
    assert roles_on(bob, scope) == {} and set(roles_on(bob, scope, "peer").values()) == {"member", "reader"}


def test_disabling_the_provider_ends_its_tokens(admin: Api, jwt_peer: Peer) -> None:
    declare(admin, jwt_peer)
    text = jwt_peer.tokens("bob")["id_token"]
    api = Api(with_bearer(text)["X-Subject-Token"])
    api.get("/auth/projects")
    admin.patch("/OS-FEDERATION/identity_providers/peer", {"identity_provider": {"enabled": False}})
    api.get("/auth/projects", 401)
    with_bearer(text, 403)


def test_tokens_that_are_not_for_us_are_refused(admin: Api, jwt_peer: Peer) -> None:
    declare(admin, jwt_peer)
    text = jwt_peer.tokens("alice")["id_token"]
    head, payload, signature = text.split(".")
    with_bearer(f"{head}.{payload}.{signature[:-6]}AAAAAA", 401)
    with_bearer(f"{head}.{payload}.", 401)
    Api().call("post", AUTH, None, 401)
    with_bearer(text, 401, "/OS-FEDERATION/identity_providers/peer/protocols/saml2/auth")
    Client.objects.update(client_id="another")
    answer = with_bearer(text, 401).json()
    assert "not made for the client another" in answer["error"]["message"]
    Client.objects.update(audiences=[CLIENT])
    with_bearer(text)
    admin.patch("/OS-FEDERATION/identity_providers/peer", {"identity_provider": {"remote_ids": ["https://else"]}})
    with_bearer(text, 403)


def test_a_provider_that_is_down_is_503_and_plain_http_is_refused(admin: Api, jwt_peer: Peer) -> None:
    declare(admin, jwt_peer)
    text = jwt_peer.tokens("alice")["id_token"]
    Client.objects.update(issuer="http://127.0.0.1:9")
    answer = with_bearer(text, 503)
    assert "127.0.0.1:9 does not answer" in answer.json()["error"]["message"] and answer["Retry-After"]
    for issuer in ("http://example.org", "https://user@example.org", "ftp://example.org", "file:///etc/passwd"):
        body = {"identity_provider": {"openid": {"issuer": issuer}}}
        admin.call("patch", "/OS-FEDERATION/identity_providers/peer", body, 400)


def test_the_client_s_secret_is_never_shown_and_encrypted_at_rest(admin: Api, jwt_peer: Peer) -> None:
    declare(admin, jwt_peer)
    shown = admin.get("/OS-FEDERATION/identity_providers/peer")["identity_provider"]["openid"]
    assert shown["has_secret"] is True and "client_secret" not in shown
    assert SECRET not in Client.objects.get().encrypted_secret
    admin.patch("/OS-FEDERATION/identity_providers/peer", {"identity_provider": {"openid": {"label": "Other"}}})
    assert Client.objects.get().encrypted_secret  # what is not sent stays
    admin.patch("/OS-FEDERATION/identity_providers/peer", {"identity_provider": {"openid": None}})
    assert "openid" not in admin.get("/OS-FEDERATION/identity_providers/peer")["identity_provider"]


# ── Browsers ────────────────────────────────────────────────────────────────────────────────────────────────────────

DASHBOARD = "https://dashboard.example/auth/websso/"


def test_websso_posts_a_working_token_to_a_trusted_dashboard(admin: Api, jwt_peer: Peer, settings: Any) -> None:
    settings.TRUSTED_DASHBOARDS = [DASHBOARD]
    declare(admin, jwt_peer)
    browser = Browser()
    begun = browser.get("/api/identity/v3/auth/OS-FEDERATION/websso/openid", {"origin": DASHBOARD})
    assert begun.status_code == 302 and begun["Location"].startswith(jwt_peer.issuer)
    for part in ("code_challenge_method=S256", "state=", "nonce="):
        assert part in begun["Location"]
    back = jwt_peer.authorize("alice", begun["Location"])
    assert back.startswith(f"http://testserver{WEBSSO}?")
    page = browser.get(back.removeprefix("http://testserver"))
    text = page.content.decode()
    assert page.status_code == 200 and f'action="{DASHBOARD}"' in text
    assert "form-action https://dashboard.example" in page["Content-Security-Policy"]
    token = text.split('name="token" value="')[1].split('"')[0]
    assert {one["name"] for one in Api(token).get("/OS-FEDERATION/projects")["projects"]} >= {"demo"}
    assert browser.get(back.removeprefix("http://testserver")).status_code == 401  # a state counts once


def test_websso_refuses_strangers_and_a_return_to_another_browser(admin: Api, jwt_peer: Peer, settings: Any) -> None:
    settings.TRUSTED_DASHBOARDS = [DASHBOARD]
    declare(admin, jwt_peer)
    assert Browser().get(WEBSSO).status_code == 400
    assert Browser().get(WEBSSO, {"origin": "https://evil.example/"}).status_code == 401
    begun = Browser().get(WEBSSO, {"origin": DASHBOARD})
    back = jwt_peer.authorize("alice", begun["Location"])
    assert Browser().get(back.removeprefix("http://testserver")).status_code == 401
    browser = Browser()
    state = browser.get(WEBSSO, {"origin": DASHBOARD})["Location"].split("state=")[1].split("&")[0]
    refused = browser.get(WEBSSO, {"state": state, "error": "access_denied", "error_description": "not today"})
    assert refused.status_code == 401 and "not today" in refused.json()["error"]["message"]


# ── Operators ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_sets_shows_and_takes_away_the_client(admin: Api, monkeypatch: Any, capsys: Any) -> None:
    from django.core.management import CommandError, call_command

    admin.put("/OS-FEDERATION/identity_providers/idp", {"identity_provider": {"enabled": True}}, 201)
    monkeypatch.setenv("OIDC_CLIENT_SECRET", SECRET)
    set_to = {"issuer": "https://id.example.org", "client_id": "cloud", "audience": ["cli"], "label": "Example"}
    call_command("identity_provider_client", "idp", **set_to)
    shown = capsys.readouterr().out
    assert "https://id.example.org" in shown and "['cli']" in shown and SECRET not in shown
    call_command("identity_provider_client", "idp", label="Other", keep_secret=True)
    assert Client.objects.get().label == "Other" and Client.objects.get().encrypted_secret
    call_command("identity_provider_client", "idp", delete=True)
    with pytest.raises(CommandError, match="no client yet"):
        call_command("identity_provider_client", "idp")
    with pytest.raises(CommandError, match="https"):
        call_command("identity_provider_client", "idp", issuer="http://id.example.org", client_id="cloud")


def test_only_admins_set_clients(demo: Api, admin: Api) -> None:
    admin.put("/OS-FEDERATION/identity_providers/idp", {"identity_provider": {"enabled": True}}, 201)
    body = {"identity_provider": {"openid": {"issuer": "https://evil.example", "client_id": "x"}}}
    demo.patch("/OS-FEDERATION/identity_providers/idp", body, 403)
