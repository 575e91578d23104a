"""Attempts to become more than one is: each is refused, and nothing has changed afterwards."""

from pathlib import Path
from typing import Any

import pytest

from authorization import rules
from identity import seeds
from identity.assignments import services as assignments
from identity.models import Domain, Group, Project, User
from tests.identity.conftest import ADMIN, DEMO, Api, SignIn, password_body, project, role, user

PASSWORD = "a manager's password"


@pytest.fixture
def manager(sign_in: SignIn, admin: Api) -> Api:
    """A manager of the domain `red`, signed in there. It has the user `rose` and the project `garden`."""
    red = admin.post("/domains", {"domain": {"name": "red"}})["domain"]["id"]
    boss = admin.post("/users", {"user": {"name": "boss", "domain_id": red, "password": PASSWORD}})["user"]["id"]
    admin.post("/users", {"user": {"name": "rose", "domain_id": red, "password": PASSWORD}})
    admin.post("/projects", {"project": {"name": "garden", "domain_id": red}})
    admin.put(f"/domains/{red}/users/{boss}/roles/{role('manager').pk}")
    return sign_in("boss", PASSWORD, {"domain": {"name": "red"}}, red)


def refused(api: Api, method: str, path: str, body: Any = None, **headers: str) -> None:
    response = api.call(method, path, body, **headers)
    assert response.status_code in (401, 403, 404), (method, path, response.status_code, response.content)


# ── Scope ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_gets_no_scope_without_a_role_there(demo: Api) -> None:
    scopes: list[Any] = [
        {"project": {"id": project("admin").pk}},
        {"project": {"id": project("service").pk}},
        {"project": {"name": "admin", "domain": {"id": "default"}}},
        {"project": {"id": "default"}},
        {"domain": {"id": "default"}},
        {"system": {"all": True}},
    ]
    for scope in scopes:
        body = {"identity": {"methods": ["token"], "token": {"id": demo.token}}, "scope": scope}
        refused(Api(), "post", "/auth/tokens", {"auth": body})
        whole = password_body("demo", DEMO, scope)
        refused(Api(), "post", "/auth/tokens", whole)


def test_a_new_token_lives_no_longer_than_the_one_it_came_from(demo: Api) -> None:
    def expires(token: str) -> str:
        return str(Api(token).get("/auth/tokens", x_subject_token=token)["token"]["expires_at"])

    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": demo.token}}, "scope": {"unscoped": {}}}}
    for _again in range(2):
        token = Api().call("post", "/auth/tokens", body, 201)["X-Subject-Token"]
        assert expires(token) == expires(demo.token)


# ── Headers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def forged() -> dict[str, str]:
    """What keystonemiddleware and proxies say about who asks."""
    admin = user("admin")
    return {
        "X_User_Id": admin.pk, "X_User_Name": "admin", "X_User_Domain_Id": "default", "X_Roles": "admin",
        "X_Role": "admin", "X_Project_Id": project("admin").pk, "X_Tenant_Id": project("admin").pk,
        "X_Domain_Id": "default", "X_Identity_Status": "Confirmed", "X_Service_Identity_Status": "Confirmed",
        "X_Service_Roles": "admin,service", "X_Is_Admin_Project": "True", "X_Forwarded_User": "admin",
        "X_Remote_User": "admin", "X_System_Scope": "all", "OpenStack_System_Scope": "all",
        "X_Forwarded_For": "127.0.0.1", "X_Forwarded_Proto": "https", "X_Real_Ip": "127.0.0.1",
    }  # fmt: skip


def test_headers_do_not_say_who_asks(seeded: None, demo: Api) -> None:
    refused(Api(), "get", "/users", **forged())
    refused(demo, "get", "/users", **forged())
    refused(demo, "post", "/users", {"user": {"name": "x"}}, **forged())
    shown = demo.get("/auth/tokens", x_subject_token=demo.token, **forged())["token"]
    assert shown["user"]["name"] == "demo" and shown["project"]["name"] == "demo"
    refused(demo, "get", "/users", X_Service_Token=demo.token)
    refused(Api(), "get", "/auth/projects", X_Service_Token=demo.token)
    refused(Api(), "get", "/users", Authorization=f"Bearer {demo.token}x")


def test_remote_user_is_no_proof(seeded: None) -> None:
    body = {"auth": {"identity": {"methods": ["external"], "external": {}}, "scope": {"system": {"all": True}}}}
    refused(Api(), "post", "/auth/tokens", body, X_Remote_User="admin", Remote_User="admin")


# ── Roles ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_gives_themselves_a_role(demo: Api, admin: Api) -> None:
    me, own = user("demo").pk, project("demo").pk
    group = admin.post("/groups", {"group": {"name": "operators"}})["group"]["id"]
    for name in ("admin", "manager", "reader", "service"):
        for place in (f"projects/{own}", f"projects/{project('admin').pk}", "domains/default", "system"):
            refused(demo, "put", f"/{place}/users/{me}/roles/{role(name).pk}")
        refused(demo, "put", f"/OS-INHERIT/domains/default/users/{me}/roles/{role(name).pk}/inherited_to_projects")
    refused(demo, "put", f"/groups/{group}/users/{me}")
    refused(demo, "put", f"/roles/{role('member').pk}/implies/{role('manager').pk}")
    refused(demo, "delete", f"/projects/{own}/users/{me}/roles/{role('member').pk}")
    refused(demo, "patch", f"/users/{me}", {"user": {"enabled": True, "name": "admin2"}})


def test_nothing_implies_admin(admin: Api) -> None:
    admin.call("put", f"/roles/{role('member').pk}/implies/{role('admin').pk}", None, 403)
    admin.call("put", f"/roles/{role('reader').pk}/implies/{role('manager').pk}", None, 403)  # it would be a circle


def test_a_manager_gives_no_more_than_a_manager_has(manager: Api, admin: Api) -> None:
    red, garden = Domain.objects.get(name="red").pk, Project.objects.get(name="garden").pk
    boss, rose = user("boss").pk, user("rose").pk
    for name in ("admin", "service"):
        for subject in (boss, rose):
            refused(manager, "put", f"/domains/{red}/users/{subject}/roles/{role(name).pk}")
            refused(manager, "put", f"/projects/{garden}/users/{subject}/roles/{role(name).pk}")
            refused(manager, "put", f"/system/users/{subject}/roles/{role(name).pk}")
    manager.put(f"/projects/{garden}/users/{rose}/roles/{role('member').pk}")
    refused(manager, "put", f"/roles/{role('manager').pk}/implies/{role('admin').pk}")
    refused(manager, "post", "/roles", {"role": {"name": "admin", "domain_id": red}})


# ── Domains ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_manager_reaches_no_other_domain(manager: Api, admin: Api) -> None:
    red = Domain.objects.get(name="red").pk
    group = admin.post("/groups", {"group": {"name": "abroad"}})["group"]["id"]
    demo_user, demo_project, rose = user("demo").pk, project("demo").pk, user("rose").pk
    for path in (f"/users/{demo_user}", f"/projects/{demo_project}", f"/groups/{group}", "/domains/default"):
        refused(manager, "get", path)
        refused(manager, "delete", path)
    refused(manager, "patch", f"/users/{demo_user}", {"user": {"password": "taken over"}})
    refused(manager, "patch", f"/projects/{demo_project}", {"project": {"enabled": False}})
    refused(manager, "patch", "/domains/default", {"domain": {"enabled": False}})
    refused(manager, "post", "/users", {"user": {"name": "spy", "domain_id": "default"}})
    refused(manager, "post", "/groups", {"group": {"name": "spies", "domain_id": "default"}})
    refused(manager, "post", "/projects", {"project": {"name": "spying", "domain_id": "default"}})
    refused(manager, "post", "/projects", {"project": {"name": "own", "is_domain": True}})
    refused(manager, "put", f"/groups/{group}/users/{rose}")
    refused(manager, "put", f"/projects/{demo_project}/users/{rose}/roles/{role('reader').pk}")
    refused(manager, "put", f"/domains/default/users/{rose}/roles/{role('reader').pk}")
    refused(
        manager, "put", f"/projects/{Project.objects.get(name='garden').pk}/users/{demo_user}/roles/{role('reader').pk}"
    )
    for kind in ("users", "projects", "groups"):
        rows = manager.get(f"/{kind}")[kind] + manager.get(f"/{kind}?domain_id=default")[kind]
        assert {row["domain_id"] for row in rows} <= {red}
    assert manager.call("patch", f"/users/{rose}", {"user": {"domain_id": "default"}}).status_code in (400, 403)
    assert User.objects.get(pk=rose).domain_id == red


# ── Administrators ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_manager_lays_no_hand_on_an_administrator(manager: Api, admin: Api) -> None:
    """Who may set passwords in a domain could else sign in as an administrator who lives there."""
    red, rose = Domain.objects.get(name="red"), user("rose")
    own = manager.post("/groups", {"group": {"name": "rulers", "domain_id": red.pk}})["group"]["id"]
    manager.put(f"/groups/{own}/users/{rose.pk}")
    assignments.grant(role("admin"), on="domain", object_id=red.pk, subject="group", subject_id=own)
    refused(manager, "patch", f"/users/{rose.pk}", {"user": {"password": "taken over"}})
    refused(manager, "delete", f"/users/{rose.pk}")
    refused(manager, "put", f"/groups/{own}/users/{user('boss').pk}")
    refused(manager, "delete", f"/groups/{own}/users/{rose.pk}")
    refused(manager, "delete", f"/groups/{own}")
    assert rose.check_password(PASSWORD) and Group.objects.filter(pk=own).exists()
    assignments.revoke(role("admin"), on="domain", object_id=red.pk, subject="group", subject_id=own)
    manager.patch(f"/users/{rose.pk}", {"user": {"description": "may be changed again"}})


def test_the_last_administrator_stays(admin: Api, sign_in: SignIn) -> None:
    me = user("admin").pk
    admin.call("delete", f"/users/{me}", None, 409)
    admin.call("patch", f"/users/{me}", {"user": {"enabled": False}}, 409)
    other = admin.post("/users", {"user": {"name": "second", "password": PASSWORD}})["user"]["id"]
    admin.put(f"/system/users/{other}/roles/{role('admin').pk}")
    admin.patch(f"/users/{other}", {"user": {"enabled": False}})
    admin.call("delete", f"/users/{me}", None, 409)  # the other one cannot sign in
    admin.patch(f"/users/{other}", {"user": {"enabled": True}})
    admin.delete(f"/users/{me}")
    sign_in("second", PASSWORD, {"system": {"all": True}}).get("/users")


@pytest.fixture
def lone(admin: Api) -> str:
    """An administrator by one row only, on the system; nobody else is one. Returns the id."""
    me = user("admin")
    for on, object_id in (("domain", "default"), ("project", project("admin").pk)):  # the caller's own at last
        admin.delete(f"/{on}s/{object_id}/users/{me.pk}/roles/{role('admin').pk}")
    return str(me.pk)


def is_refused_for_the_last(answer: Any) -> None:
    assert "Give somebody else the role admin first." in answer.json()["error"]["message"]


def test_the_last_role_of_the_last_administrator_stays(admin: Api, sign_in: SignIn, lone: str) -> None:
    grant = f"/system/users/{lone}/roles/{role('admin').pk}"
    system = sign_in("admin", ADMIN, {"system": {"all": True}})
    is_refused_for_the_last(system.call("delete", grant, None, 409))
    is_refused_for_the_last(system.call("delete", f"/roles/{role('admin').pk}", None, 409))
    system.get("/users")  # nothing of it was done
    other = system.post("/users", {"user": {"name": "second", "password": PASSWORD}})["user"]["id"]
    system.put(f"/system/users/{other}/roles/{role('admin').pk}")
    system.delete(grant)
    second = sign_in("second", PASSWORD, {"system": {"all": True}})
    is_refused_for_the_last(second.call("delete", grant.replace(lone, other), None, 409))


def test_the_last_administrator_by_a_group_stays_in_it(admin: Api, sign_in: SignIn, lone: str) -> None:
    system = sign_in("admin", ADMIN, {"system": {"all": True}})
    group = system.post("/groups", {"group": {"name": "rulers"}})["group"]["id"]
    system.put(f"/groups/{group}/users/{lone}")
    system.put(f"/system/groups/{group}/roles/{role('admin').pk}")
    system.delete(f"/system/users/{lone}/roles/{role('admin').pk}")
    for path in (
        f"/groups/{group}/users/{lone}",
        f"/groups/{group}",
        f"/system/groups/{group}/roles/{role('admin').pk}",
    ):
        is_refused_for_the_last(system.call("delete", path, None, 409))
    other = system.post("/users", {"user": {"name": "second", "password": PASSWORD}})["user"]["id"]
    system.put(f"/groups/{group}/users/{other}")
    system.delete(f"/groups/{group}/users/{lone}")
    assert Group.objects.get(pk=group).users.get().pk == other


def test_the_place_of_the_last_administrator_stays(admin: Api, sign_in: SignIn, lone: str) -> None:
    """A project that goes takes its assignments along; in a domain that is disabled nobody can sign in."""
    system = sign_in("admin", ADMIN, {"system": {"all": True}})
    place = system.post("/projects", {"project": {"name": "seat"}})["project"]["id"]
    system.put(f"/projects/{place}/users/{lone}/roles/{role('admin').pk}")
    system.delete(f"/system/users/{lone}/roles/{role('admin').pk}")
    there = sign_in("admin", ADMIN, {"project": {"id": place}})
    is_refused_for_the_last(there.call("delete", f"/projects/{place}", None, 409))
    is_refused_for_the_last(there.call("patch", "/domains/default", {"domain": {"enabled": False}}, 409))
    assert sign_in("admin", ADMIN, {"project": {"id": place}}).get(f"/projects/{place}")


def test_seeding_gives_a_cloud_without_administrators_one_again(admin: Api, sign_in: SignIn, lone: str) -> None:
    """What no API does, a directory or an identity provider that takes accounts away may."""
    assignments.revoke(role("admin"), on="system", object_id="all", subject_id=lone)
    User.objects.filter(pk=lone).update(enabled=False)
    assert "an administrator again: admin" in (seeds.seed() or "")
    sign_in("admin", ADMIN, {"system": {"all": True}}).get("/users")
    assert seeds.seed() is None


# ── The operator's rules ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "identity:list_users: '@'\nidentity:create_user: [not text]\n",
        "identity:list_users: '@'\n  broken: : yaml\n",
        "- identity:list_users\n",
        "identity:list_users: 'role:reader or or'\n",
        "identity:list_users: !!python/object/apply:os.system ['true']\n",
    ],
)
def test_a_rules_file_that_is_not_whole_changes_nothing(text: str, demo: Api, admin: Api, settings: Any) -> None:
    Path(settings.POLICY_FILE).write_text(text)
    rules._table.reset()
    demo.get("/users", 403)
    admin.get("/users")


def test_a_rule_opens_what_it_names_and_no_more(demo: Api, settings: Any) -> None:
    Path(settings.POLICY_FILE).write_text("identity:list_users: '@'\nidentity:made_up: '@'\nadmin: 'role:nothing'\n")
    rules._table.reset()
    demo.get("/users")
    refused(demo, "post", "/users", {"user": {"name": "x"}})
    assert demo.get(f"/credentials?user_id={user('admin').pk}")["credentials"] == []
    assert ADMIN not in str(demo.get("/users"))
