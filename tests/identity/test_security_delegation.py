"""Acting for others: trusts, application credentials and OAuth tokens give what was given, once, and no longer."""

from typing import Any

import pytest

from identity.assignments import services as assignments
from identity.models import ApplicationCredential, Trust
from tests.identity.conftest import DEMO, Api, SignIn, password_body, project, role, user

PASSWORD = "a friend's password"


@pytest.fixture
def friend(admin: Api) -> str:
    """The id of a user without any role."""
    return str(admin.post("/users", {"user": {"name": "friend", "password": PASSWORD}})["user"]["id"])


def trust(api: Api, trustee: str, expect: int = 201, **more: Any) -> str:
    """Demo's roles on demo's project, for somebody else."""
    body = {
        "trustor_user_id": user("demo").pk, "trustee_user_id": trustee, "project_id": project("demo").pk,
        "impersonation": True, "roles": [{"name": "member"}], **more,
    }  # fmt: skip
    made = api.post("/OS-TRUST/trusts", {"trust": body}, expect)
    return str(made["trust"]["id"]) if expect == 201 else ""


def through(trust_id: str, name: str = "friend", password: str = PASSWORD, expect: int = 201) -> Api:
    body = password_body(name, password, {"OS-TRUST:trust": {"id": trust_id}})
    response = Api().call("post", "/auth/tokens", body, expect)
    return Api(response.get("X-Subject-Token", ""))


def app_cred(api: Api, **more: Any) -> tuple[str, Api]:
    """An application credential of demo's, and who signed in with it."""
    path = f"/users/{user('demo').pk}/application_credentials"
    made = api.post(path, {"application_credential": {"name": "robot", **more}})["application_credential"]
    identity = {
        "methods": ["application_credential"],
        "application_credential": {"id": made["id"], "secret": made["secret"]},
    }
    response = Api().call("post", "/auth/tokens", {"auth": {"identity": identity}}, 201)
    return made["id"], Api(response["X-Subject-Token"])


# ── Trusts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_trust_gives_no_more_than_the_trustor_has(demo: Api, friend: str) -> None:
    for roles in ([{"name": "admin"}], [{"name": "manager"}], [{"id": role("admin").pk}]):
        trust(demo, friend, 404, roles=roles)
    trust(demo, friend, 403, trustor_user_id=user("admin").pk)
    trust(demo, friend, 403, roles=[])
    assert not Trust.objects.exists()


def test_a_trust_is_for_its_trustee(demo: Api, friend: str, admin: Api) -> None:
    id = trust(demo, friend)
    admin.post("/users", {"user": {"name": "stranger", "password": PASSWORD}})
    through(id, "stranger", expect=403)
    through(id, "demo", DEMO, expect=403)
    through("0" * 32, expect=401)


def test_who_acts_through_a_trust_gets_out_of_it_nowhere(demo: Api, friend: str) -> None:
    acting = through(trust(demo, friend))
    me = user("demo").pk
    for scope in ({"project": {"id": project("demo").pk}}, {"unscoped": {}}, {"domain": {"id": "default"}}):
        body = {"auth": {"identity": {"methods": ["token"], "token": {"id": acting.token}}, "scope": scope}}
        assert Api().call("post", "/auth/tokens", body).status_code in (401, 403)
    path = f"/users/{me}/application_credentials"
    acting.call("post", path, {"application_credential": {"name": "out"}}, 403)
    acting.call("post", "/credentials", {"credential": {"type": "cert", "blob": "x", "user_id": me}}, 403)
    acting.call("post", f"/users/{me}/credentials/OS-EC2", {"tenant_id": project("demo").pk}, 403)
    acting.call("get", "/credentials", None, 403)
    acting.call("post", "/OS-OAUTH1/consumers", {"consumer": {}}, 403)
    trust(acting, friend, 403)  # not given to be given on
    assert not ApplicationCredential.objects.exists()


def test_a_trust_is_passed_on_as_often_as_it_says(demo: Api, friend: str, admin: Api) -> None:
    ids = [friend]
    for name in ("second", "third", "fourth"):
        ids.append(admin.post("/users", {"user": {"name": name, "password": PASSWORD}})["user"]["id"])
    first = trust(demo, ids[0], allow_redelegation=True, redelegation_count=2)
    acting = through(first)
    trust(acting, ids[1], 403, allow_redelegation=True, redelegation_count=3)
    second = trust(acting, ids[1], allow_redelegation=True)
    third = trust(through(second, "second"), ids[2], allow_redelegation=True)
    last = through(third, "third")
    trust(last, ids[3], 403)  # the count has come to its end
    last.get("/auth/projects")
    demo.delete(f"/OS-TRUST/trusts/{first}")
    assert not Trust.objects.filter(deleted_at=None).exists(), "the chain outlives its first link"
    for api in (acting, last):
        api.call("get", "/auth/projects", None, 401)


def test_a_trust_ends_with_the_trustor_s_role(demo: Api, friend: str) -> None:
    acting = through(trust(demo, friend))
    acting.get("/auth/projects")
    assignments.revoke(role("member"), on="project", object_id=project("demo").pk, subject_id=user("demo").pk)
    acting.call("get", "/auth/projects", None, 401)


def test_a_trust_can_be_used_up(demo: Api, friend: str) -> None:
    id = trust(demo, friend, remaining_uses=1)
    through(id)
    through(id, expect=401)


# ── Application credentials ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_restricted_credential_makes_no_other(demo: Api, friend: str) -> None:
    id, robot = app_cred(demo)
    me = user("demo").pk
    robot.call("post", f"/users/{me}/application_credentials", {"application_credential": {"name": "two"}}, 403)
    robot.call("delete", f"/users/{me}/application_credentials/{id}", None, 403)
    trust(robot, friend, 403)
    robot.call("post", "/credentials", {"credential": {"type": "cert", "blob": "x", "user_id": me}}, 403)
    robot.call("get", "/credentials", None, 403)
    for scope in ({"project": {"id": project("admin").pk}}, {"domain": {"id": "default"}}, {"system": {"all": True}}):
        body = {"auth": {"identity": {"methods": ["token"], "token": {"id": robot.token}}, "scope": scope}}
        assert Api().call("post", "/auth/tokens", body).status_code in (401, 403)


def test_an_unrestricted_one_gives_no_role_it_lacks(demo: Api) -> None:
    _id, robot = app_cred(demo, unrestricted=True, roles=[{"name": "reader"}])
    path = f"/users/{user('demo').pk}/application_credentials"
    for name in ("member", "admin"):
        body = {"application_credential": {"name": f"more-{name}", "roles": [{"name": name}]}}
        assert robot.call("post", path, body).status_code in (400, 403)
    robot.post(path, {"application_credential": {"name": "like-me"}})
    assert {one.name for one in ApplicationCredential.objects.get(name="like-me").roles.all()} == {"reader"}


def test_access_rules_hold_every_method_and_path(demo: Api) -> None:
    me, own = user("demo").pk, project("demo").pk
    rules = [{"service": "identity", "method": "GET", "path": f"/v3/users/{me}"}]
    _id, robot = app_cred(demo, access_rules=rules)
    robot.get(f"/users/{me}")
    for method, path in (
        ("get", "/auth/projects"), ("get", f"/users/{me}/projects"), ("get", f"/projects/{own}"), ("get", f"/users/{me}/../{me}"),
        ("patch", f"/users/{me}"), ("delete", f"/users/{me}"), ("post", "/users"), ("get", f"//users/{me}/groups"),
    ):  # fmt: skip
        assert robot.call(method, path).status_code in (401, 403, 404), (method, path)


def test_a_credential_ends_with_its_user_s_role(demo: Api) -> None:
    id, robot = app_cred(demo)
    robot.get("/auth/projects")
    assignments.revoke(role("member"), on="project", object_id=project("demo").pk, subject_id=user("demo").pk)
    robot.call("get", "/auth/projects", None, 401)
    assert not ApplicationCredential.objects.filter(pk=id).exists()


def test_what_was_given_ends_with_the_user(demo: Api, friend: str, admin: Api, sign_in: SignIn) -> None:
    acting, (_id, robot) = through(trust(demo, friend)), app_cred(demo)
    admin.patch(f"/users/{user('demo').pk}", {"user": {"enabled": False}})
    for api in (demo, acting, robot):
        api.call("get", "/auth/projects", None, 401)
