"""Tokens: what they say, who may see them, and when they stop counting."""

import time

import pytest

from common.errors import Unauthorized
from identity import tokenkeys, tokens
from identity.assignments import services as assignments
from identity.assignments.effective import Scope
from identity.models import Trust
from tests.identity.conftest import ADMIN, DEMO, Api, SignIn, password_body, project, role, user


def test_a_password_gives_a_token_scoped_to_the_default_project(sign_in: SignIn) -> None:
    response = Api().call("post", "/auth/tokens", password_body("demo", DEMO), 201)
    token = response.json()["token"]
    assert token["project"]["name"] == "demo"
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}
    assert token["catalog"][0]["endpoints"]
    assert token["expires_at"].endswith("Z")
    assert len(response["X-Subject-Token"]) <= 255


@pytest.mark.parametrize("wrong", [("nobody", DEMO), ("demo", "wrong"), ("demo", "")])
def test_unknown_user_and_wrong_password_are_not_told_apart(seeded: None, wrong: tuple[str, str]) -> None:
    answer = Api().post("/auth/tokens", password_body(*wrong), 401)
    assert answer["error"]["message"] == "The request you have made requires authentication."


def test_an_unknown_user_costs_a_hash_too(seeded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from identity.auth import passwords

    checked = []
    real = passwords.check_password
    monkeypatch.setattr(
        passwords, "check_password", lambda given, stored: checked.append(stored) or real(given, stored)
    )
    Api().post("/auth/tokens", password_body("nobody", "x"), 401)
    assert checked and checked[0].startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_ten_wrong_passwords_lock_the_user(seeded: None) -> None:
    for _attempt in range(10):
        Api().post("/auth/tokens", password_body("demo", "wrong"), 401)
    Api().post("/auth/tokens", password_body("demo", DEMO), 401)
    Api().post("/auth/tokens", password_body("admin", ADMIN), 201)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"auth": {}},
        {"auth": {"identity": {"methods": ["password"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "demo"}}}}},
        {"auth": {"identity": {"methods": ["token"], "token": {}}}},
    ],
)
def test_a_malformed_request_is_400(seeded: None, broken: dict) -> None:
    Api().post("/auth/tokens", broken, 400)


def test_an_unknown_method_is_401(seeded: None) -> None:
    Api().post("/auth/tokens", {"auth": {"identity": {"methods": ["magic"], "magic": {}}}}, 401)


def test_every_scope_and_its_part_of_the_body(sign_in: SignIn) -> None:
    for scope, part in (
        ({"project": {"name": "admin", "domain": {"name": "Default"}}}, "project"),
        ({"domain": {"id": "default"}}, "domain"),
        ({"system": {"all": True}}, "system"),
    ):
        api = sign_in(scope=scope)
        token = api.get("/auth/tokens", x_subject_token=api.token)["token"]
        assert part in token and "catalog" in token and token["roles"]
    unscoped = sign_in(scope={"unscoped": {}})
    token = unscoped.get("/auth/tokens", x_subject_token=unscoped.token)["token"]
    assert "catalog" not in token and "roles" not in token and "project" not in token


def test_a_project_without_a_role_is_401(seeded: None) -> None:
    Api().post("/auth/tokens", password_body("demo", DEMO, {"project": {"id": project("admin").pk}}), 401)


def test_rescoping_keeps_the_chain_and_the_end(admin: Api) -> None:
    first = admin.get("/auth/tokens", x_subject_token=admin.token)["token"]
    body = {
        "auth": {
            "identity": {"methods": ["token"], "token": {"id": admin.token}},
            "scope": {"domain": {"id": "default"}},
        }
    }
    second = Api().post("/auth/tokens", body)["token"]
    assert second["audit_ids"][1] == first["audit_ids"][0]
    assert second["expires_at"] == first["expires_at"]
    assert set(second["methods"]) == {"password", "token"}


def test_a_revoked_token_is_unknown_at_once_and_so_are_those_made_from_it(admin: Api, sign_in: SignIn) -> None:
    first = sign_in(scope={"unscoped": {}})
    body = {
        "auth": {
            "identity": {"methods": ["token"], "token": {"id": first.token}},
            "scope": {"domain": {"id": "default"}},
        }
    }
    second = Api().call("post", "/auth/tokens", body, 201)["X-Subject-Token"]
    admin.delete("/auth/tokens", x_subject_token=first.token)
    for text in (first.token, second):
        admin.get("/auth/tokens", 404, x_subject_token=text)
        Api(text).get("/auth/projects", 401)


def test_a_new_password_ends_the_tokens_made_with_the_old_one(demo: Api) -> None:
    demo.get("/auth/projects")
    sent = {"user": {"original_password": DEMO, "password": "another one"}}
    Api().post(f"/users/{user('demo').pk}/password", sent, 204)
    demo.get("/auth/projects", 401)
    Api().post("/auth/tokens", password_body("demo", "another one"), 201)


def test_own_password_needs_the_old_one(seeded: None) -> None:
    sent = {"user": {"original_password": "wrong", "password": "another one"}}
    Api().post(f"/users/{user('demo').pk}/password", sent, 401)


def test_disabling_the_user_the_project_or_taking_the_role_ends_tokens(admin: Api, sign_in: SignIn) -> None:
    demo_id, project_id = user("demo").pk, project("demo").pk
    for undo, path, body in (
        (True, f"/users/{demo_id}", {"user": {"enabled": False}}),
        (True, f"/projects/{project_id}", {"project": {"enabled": False}}),
        (False, "", {}),
    ):
        api = sign_in("demo", DEMO)
        api.get("/auth/projects")
        if undo:
            admin.patch(path, body)
        else:
            admin.delete(f"/projects/{project_id}/users/{demo_id}/roles/{role('member').pk}")
        api.get("/auth/projects", 401)
        if undo:
            kind = next(iter(body))
            admin.patch(path, {kind: {"enabled": True}})


def test_another_process_s_revocation_is_seen_within_a_second(demo: Api) -> None:
    from identity.models import ChangedFact, Epoch, Revocation

    demo.get("/auth/projects")
    audit = tokens.read(demo.token).audit_ids[0]
    Revocation.objects.create(kind="audit_id", subject=audit)  # as another process does: no local forgetting
    ChangedFact.objects.create(fact=f"audit_id:{audit}", number=10**9)
    Epoch.objects.filter(pk=1).update(changes=10**9)
    time.sleep(1.05)
    demo.get("/auth/projects", 401)


def test_tokens_outlive_a_rotation_of_keys_and_garbage_is_refused(demo: Api) -> None:
    tokenkeys.rotate()
    tokens._cache.clear()
    demo.get("/auth/projects")
    tokenkeys.rotate()
    assert tokens.read(demo.token)
    for text in ("", "gAAAAA", demo.token[:-4] + "AAAA", "x" * 5000):
        with pytest.raises(Unauthorized):
            tokens.actor_from_token(text, "req-1")


def test_a_token_without_rights_may_read_only_itself(admin: Api, demo: Api) -> None:
    demo.get("/auth/tokens", x_subject_token=demo.token)
    demo.get("/auth/tokens", 403, x_subject_token=admin.token)
    demo.delete("/auth/tokens", 403, x_subject_token=admin.token)
    assert admin.call("head", "/auth/tokens", None, 200, x_subject_token=demo.token).content == b""


def test_a_cached_token_costs_little(demo: Api) -> None:
    tokens.actor_from_token(demo.token)
    best = min(_seconds(demo.token) for _round in range(5))
    assert best < 50e-6, f"{best * 1e6:.0f} µs"


def _seconds(text: str) -> float:
    start = time.perf_counter()
    for _call in range(200):
        tokens.actor_from_token(text, "req-1")
    return (time.perf_counter() - start) / 200


# ── Application credentials ─────────────────────────────────────────────────────────────────────────────────────────


def _app_cred(api: Api, user_id: str, **more: object) -> dict:
    body = {"application_credential": {"name": "robot", **more}}
    return api.post(f"/users/{user_id}/application_credentials", body)["application_credential"]


def _with_app_cred(made: dict, expect: int = 201) -> Api:
    body = {"auth": {"identity": {"methods": ["application_credential"], "application_credential": {"id": made["id"], "secret": made["secret"]}}}}  # fmt: skip
    response = Api().call("post", "/auth/tokens", body, expect)
    return Api(response.get("X-Subject-Token", ""))


def test_an_application_credential_signs_in_and_cannot_make_more(demo: Api) -> None:
    made = _app_cred(demo, user("demo").pk)
    robot = _with_app_cred(made)
    token = robot.get("/auth/tokens", x_subject_token=robot.token)["token"]
    assert token["application_credential"]["restricted"] is True
    robot.post(f"/users/{user('demo').pk}/application_credentials", {"application_credential": {"name": "more"}}, 403)
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": robot.token}}}}
    Api().post("/auth/tokens", body, 403)
    assert (
        "secret"
        not in demo.get(f"/users/{user('demo').pk}/application_credentials/{made['id']}")["application_credential"]
    )
    demo.delete(f"/users/{user('demo').pk}/application_credentials/{made['id']}")
    robot.get("/auth/projects", 401)
    _with_app_cred(made, 401)


def test_an_application_credential_has_no_role_that_its_user_lacks(demo: Api) -> None:
    body = {"application_credential": {"name": "robot", "roles": [{"name": "admin"}]}}
    demo.post(f"/users/{user('demo').pk}/application_credentials", body, 400)


def test_access_rules_are_enforced(demo: Api) -> None:
    rules = [{"service": "identity", "method": "GET", "path": "/v3/auth/*"}]
    robot = _with_app_cred(_app_cred(demo, user("demo").pk, access_rules=rules))
    robot.get("/auth/projects")
    robot.get(f"/projects/{project('demo').pk}", 403)
    robot.delete("/auth/projects", 403)


# ── Trusts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _trust(api: Api, **more: object) -> dict:
    body = {
        "trustor_user_id": user("admin").pk,
        "trustee_user_id": user("demo").pk,
        "project_id": project("admin").pk,
        "impersonation": True,
        "roles": [{"name": "reader"}],
        **more,
    }
    return api.post("/OS-TRUST/trusts", {"trust": body})["trust"]


def _with_trust(trust: dict, expect: int = 201) -> Api:
    scope = {"OS-TRUST:trust": {"id": trust["id"]}}
    response = Api().call("post", "/auth/tokens", password_body("demo", DEMO, scope), expect)
    return Api(response.get("X-Subject-Token", ""))


def test_a_trust_gives_only_its_roles_and_only_so_often(admin: Api) -> None:
    trust = _trust(admin, remaining_uses=1)
    acting = _with_trust(trust)
    token = acting.get("/auth/tokens", x_subject_token=acting.token)["token"]
    assert [role["name"] for role in token["roles"]] == ["reader"]
    assert token["user"]["name"] == "admin"
    acting.get("/users", 403)
    _with_trust(trust, 401)
    assert Trust.objects.get(pk=trust["id"]).remaining_uses == 0


def test_a_trust_ends_with_the_trustor_s_role_and_with_its_deletion(admin: Api) -> None:
    trust = _trust(admin)
    acting = _with_trust(trust)
    acting.get("/auth/projects")
    admin.delete(f"/OS-TRUST/trusts/{trust['id']}")
    acting.get("/auth/projects", 401)
    _with_trust(trust, 401)


def test_a_trustee_reads_no_secret_of_the_trustor(admin: Api) -> None:
    me = user("admin").pk
    made = admin.post(f"/users/{me}/credentials/OS-EC2", {"tenant_id": project("admin").pk})["credential"]
    acting = _with_trust(_trust(admin))
    acting.get(f"/users/{me}/credentials/OS-EC2", 403)
    acting.get(f"/users/{me}/credentials/OS-EC2/{made['access']}", 403)
    acting.get("/credentials", 403)
    acting.post(f"/users/{me}/application_credentials", {"application_credential": {"name": "mine"}}, 403)


def test_nobody_makes_a_trust_in_another_s_name(demo: Api) -> None:
    body = {
        "trustor_user_id": user("admin").pk,
        "trustee_user_id": user("demo").pk,
        "project_id": project("admin").pk,
        "impersonation": True,
        "roles": [{"name": "admin"}],
    }
    demo.post("/OS-TRUST/trusts", {"trust": body}, 403)


def test_another_s_trust_cannot_be_used(admin: Api, sign_in: SignIn) -> None:
    trust = _trust(admin)
    body = password_body("admin", ADMIN, {"OS-TRUST:trust": {"id": trust["id"]}})
    Api().post("/auth/tokens", body, 403)


# ── Roles ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_roles_of_a_token_follow_group_and_implied_roles(admin: Api) -> None:
    group = admin.post("/groups", {"group": {"name": "ops"}})["group"]
    admin.put(f"/groups/{group['id']}/users/{user('demo').pk}")
    assignments.grant(
        role("manager"), on="domain", object_id="default", subject="group", subject_id=group["id"], inherited=True
    )
    text, _token = tokens.issue(user("demo").pk, Scope("project", project("service").pk), ("password",))
    assert tokens.actor_from_token(text).roles == {"manager", "member", "reader"}
