"""What an answer gives away: unknown users, other people's ids, attributes that nobody may set."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import models

from identity.credentials.services import CREDENTIALS
from identity.domains.services import DOMAINS
from identity.groups.services import GROUPS
from identity.hashers import Argon2
from identity.models import User
from identity.oauth1.services import CONSUMERS
from identity.projects.services import PROJECTS
from identity.resource import Resource
from identity.roles.services import ROLES
from identity.users.services import USERS
from tests.identity.conftest import DEMO, Api, SignIn, password_body, project, user

NOBODY = "0123456789abcdef0123456789abcdef"

# ── Who there is ────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def verifications(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The hashes that a block verified a password against: what costs time."""
    done: list[str] = []
    verify = Argon2.verify

    def counted(self: Argon2, password: str, encoded: str) -> bool:
        done.append(encoded)
        return bool(verify(self, password, encoded))

    with monkeypatch.context() as patch:
        patch.setattr(Argon2, "verify", counted)
        yield done


def sign_ins(admin: Api) -> dict[str, dict[str, Any]]:
    """Reason → a body that does not sign anybody in."""
    domain = admin.post("/domains", {"domain": {"name": "closed"}})["domain"]["id"]
    for name, more in {"off": {"enabled": False}, "blank": {}, "inside": {"domain_id": domain}}.items():
        word = {} if name == "blank" else {"password": "right"}
        admin.post("/users", {"user": {"name": name, **word, **more}})
    admin.patch(f"/domains/{domain}", {"domain": {"enabled": False}})
    by_id = password_body("x", "wrong")
    by_id["auth"]["identity"]["password"]["user"] = {"id": NOBODY, "password": "wrong"}
    return {
        "a wrong password": password_body("demo", "wrong"),
        "an unknown name": password_body("nobody-here", "wrong"),
        "an unknown id": by_id,
        "an unknown domain": password_body("demo", "wrong", domain=NOBODY),
        "a disabled user": password_body("off", "right"),
        "a user without a password": password_body("blank", "wrong"),
        "a user of a disabled domain": password_body("inside", "right", domain=domain),
    }


def plain(response: Any) -> tuple[int, str, dict[str, str]]:
    """An answer without what no two answers share."""
    heads = {name: value for name, value in response.headers.items() if name != "X-Openstack-Request-Id"}
    return response.status_code, re.sub(r"req-[0-9a-f-]{36}", "req", response.content.decode()), heads


def test_all_failed_sign_ins_look_and_cost_the_same(admin: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = sign_ins(admin)
    Api().call("post", "/auth/tokens", password_body("nobody-there", "wrong"), 401)  # the hash of nobody is made once
    answers, costs = {}, {}
    for reason, body in bodies.items():
        with verifications(monkeypatch) as done:
            answers[reason] = plain(Api().call("post", "/auth/tokens", body))
        costs[reason] = [re.sub(r"\$[^$]*\$[^$]*$", "", one) for one in done]
    assert {answer[0] for answer in answers.values()} == {401}
    assert len({str(answer) for answer in answers.values()}) == 1, answers
    assert all(cost == costs["a wrong password"] and len(cost) == 1 for cost in costs.values()), costs


def test_so_do_failed_changes_of_a_password(admin: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"user": {"original_password": "wrong", "password": "new"}}
    Api().call("post", f"/users/{NOBODY}/password", body, 401)
    found = []
    for id in (user("demo").pk, NOBODY):
        with verifications(monkeypatch) as done:
            found.append((plain(Api().call("post", f"/users/{id}/password", body)), len(done)))
    assert found[0] == found[1] and found[0][0][0] == 401


def test_application_credentials_are_not_told_apart(demo: Api) -> None:
    me = user("demo").pk
    made = demo.post(f"/users/{me}/application_credentials", {"application_credential": {"name": "robot"}})
    id = made["application_credential"]["id"]
    ways: list[dict[str, Any]] = [
        {"id": id, "secret": "wrong"},
        {"id": NOBODY, "secret": "wrong"},
        {"name": "robot", "user": {"id": me}, "secret": "wrong"},
        {"name": "nothing", "user": {"id": me}, "secret": "wrong"},
        {"name": "robot", "user": {"id": NOBODY}, "secret": "wrong"},
    ]
    answers = set()
    for way in ways:
        identity = {"methods": ["application_credential"], "application_credential": way}
        answers.add(str(plain(Api().call("post", "/auth/tokens", {"auth": {"identity": identity}}, 401))))
    assert len(answers) == 1


# ── Ids ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_other_people_s_things_look_like_nothing(demo: Api, admin: Api) -> None:
    """For an id that is somebody else's, and for one that is nobody's, the same answer."""
    me, boss = user("demo").pk, user("admin").pk
    made = admin.post(f"/users/{boss}/application_credentials", {"application_credential": {"name": "tool"}})
    tool = made["application_credential"]["id"]
    blob = {"credential": {"type": "cert", "blob": "secret", "user_id": boss}}
    credential = admin.post("/credentials", blob)["credential"]["id"]
    group = admin.post("/groups", {"group": {"name": "theirs"}})["group"]["id"]
    paths = {
        "/users/%s": boss,
        "/users/%s/groups": boss,
        "/users/%s/projects": boss,
        "/users/%s/application_credentials": boss,
        "/users/%s/access_rules": boss,
        "/users/%s/credentials/OS-EC2": boss,
        "/projects/%s": project("admin").pk,
        "/projects/%s/tags": project("admin").pk,
        "/groups/%s": group,
        "/groups/%s/users": group,
        "/credentials/%s": credential,
        f"/users/{boss}/application_credentials/%s": tool,
    }
    for path, id in paths.items():
        real, unreal = (plain(demo.call("get", path % one)) for one in (id, NOBODY))
        assert real[0] in (403, 404), (path, real)
        assert (real[0], real[1].replace(id, "ID")) == (unreal[0], unreal[1].replace(NOBODY, "ID")), path
    assert demo.call("get", f"/users/{me}/application_credentials/{tool}").status_code in (403, 404)
    assert demo.call("delete", f"/users/{me}/application_credentials/{tool}").status_code in (403, 404)
    admin.get(f"/users/{boss}/application_credentials/{tool}")


# ── Attributes ──────────────────────────────────────────────────────────────────────────────────────────────────────

KINDS: list[tuple[Resource[Any], dict[str, Any]]] = [
    (USERS, {"name": "guinea"}),
    (PROJECTS, {"name": "guinea"}),
    (DOMAINS, {"name": "guinea", "enabled": False}),
    (GROUPS, {"name": "guinea"}),
    (ROLES, {"name": "guinea"}),
    (CONSUMERS, {"description": "guinea"}),
    (CREDENTIALS, {"type": "cert", "blob": "guinea"}),
]


def junk(field: "models.Field[Any, Any]") -> Any:
    """A value that the column could take."""
    if isinstance(field, models.BooleanField):
        return True
    if isinstance(field, models.IntegerField):
        return 999_999
    if isinstance(field, models.DateTimeField):
        return "2099-01-01T00:00:00Z"
    return {"junk": 1} if isinstance(field, models.JSONField) else "f" * 32


@pytest.mark.parametrize(("kind", "first"), KINDS, ids=[kind.name for kind, _first in KINDS])
def test_columns_that_are_not_the_client_s_stay_as_they_are(
    kind: Resource[Any], first: dict[str, Any], admin: Api
) -> None:
    """Every column that the wire does not let a client set is sent, in a POST and in a PATCH."""
    if kind is CREDENTIALS:
        first = {**first, "user_id": user("admin").pk}
    path = kind.path or f"/{kind.plural}"
    settable = {
        one.source if isinstance(one.source, str) else one.name
        for one in kind.fields.fields
        if one.create or one.update
    }
    columns = [f for f in kind.model._meta.concrete_fields if f.name not in settable and f.attname not in settable]
    clean = admin.post(path, {kind.name: {**first, "name": "clean"} if "name" in first else first})[kind.name]["id"]
    usual = kind.model._default_manager.get(pk=clean)
    for field in columns:
        if getattr(usual, field.attname) == junk(field):
            continue  # a domain is a domain
        for name in {field.name, field.attname} - {"extra", "id"}:
            body = {**first, name: junk(field)}
            response = admin.call("post", path, {kind.name: body})
            assert response.status_code in (201, 400), (name, response.content)
            if response.status_code == 201:
                made = kind.model._default_manager.get(pk=response.json()[kind.name]["id"])
                assert getattr(made, field.attname) != junk(field), f"a POST set {name}"
                made.delete()
            before = getattr(kind.model._default_manager.get(pk=clean), field.attname)
            response = admin.call("patch", f"{path}/{clean}", {kind.name: {name: junk(field)}})
            assert response.status_code in (200, 400, 403), (name, response.content)
            after = getattr(kind.model._default_manager.get(pk=clean), field.attname)
            assert after == before, f"a PATCH set {name}"


def test_nobody_writes_what_their_own_account_is(demo: Api, sign_in: SignIn) -> None:
    me = user("demo")
    before = User.objects.filter(pk=me.pk).values().get()
    for name, value in {
        "enabled": True, "options": {"ignore_lockout_failure_attempts": True}, "domain_id": "default", "password": "new",
        "is_superuser": True, "email": "x@y", "roles": [{"name": "admin"}], "default_project_id": project("admin").pk,
    }.items():  # fmt: skip
        demo.call("patch", f"/users/{me.pk}", {"user": {name: value}}, 403)
    assert User.objects.filter(pk=me.pk).values().get() == before
    sign_in("demo", DEMO)


def test_a_credential_stays_its_owner_s(demo: Api, admin: Api) -> None:
    me, boss = user("demo").pk, user("admin").pk
    made = demo.post("/credentials", {"credential": {"type": "cert", "blob": "mine", "user_id": me}})["credential"]
    demo.call("patch", f"/credentials/{made['id']}", {"credential": {"user_id": boss}}, 403)
    demo.call("post", "/credentials", {"credential": {"type": "totp", "blob": "ABCDEFGH", "user_id": boss}}, 403)
    for name in ("trust_id", "app_cred_id", "access_token_id"):
        blob = json.dumps({"access": "a", "secret": "0123456789abcdef", name: "c"})
        key = {"type": "ec2", "blob": blob, "user_id": me, "project_id": project("demo").pk}
        demo.call("post", "/credentials", {"credential": key}, 400)
    key = {**key, "blob": '{"access": "a", "secret": "0123456789abcdef"}'}
    id = demo.post("/credentials", {"credential": key})["credential"]["id"]
    demo.call("patch", f"/credentials/{id}", {"credential": {"blob": blob}}, 400)
