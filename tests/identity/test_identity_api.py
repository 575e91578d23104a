"""The v3 API: each resource's life, its errors, its links and filters."""

import re
from typing import Any

import pytest

from identity.models import Credential, Project, UserProjectRole
from identity.projects import services as projects
from identity.urls import _v3
from networking.securitygroups.models import SecurityGroup
from tests.identity.conftest import DEMO, V3, Api, SignIn, password_body, project, role, user


def test_versions() -> None:
    from rest_framework.test import APIClient

    many = APIClient().get("/api/identity/")
    assert many.status_code == 300
    assert many.json()["versions"]["values"][0]["status"] == "stable"
    one = APIClient().get(V3).json()["version"]
    assert one["links"][0]["href"].startswith("http://testserver/api/identity/v3")


def test_no_token_is_401_with_a_challenge(seeded: None) -> None:
    response = Api().call("get", "/users", None, 401)
    assert response["WWW-Authenticate"].startswith("Keystone uri=")
    assert response.json()["error"]["title"] == "Unauthorized"


def test_an_unknown_route_is_404_in_keystone_s_envelope(admin: Api) -> None:
    assert admin.get("/nothing", 404)["error"]["code"] == 404


@pytest.mark.parametrize(
    ("path", "name", "first", "change"),
    [
        ("/regions", "region", {"description": "north"}, {"description": "south"}),
        ("/services", "service", {"type": "t", "name": "n"}, {"name": "m", "enabled": False}),
        ("/policies", "policy", {"type": "application/json", "blob": "{}"}, {"blob": "[]"}),
        ("/groups", "group", {"name": "g"}, {"description": "d"}),
        ("/roles", "role", {"name": "r"}, {"name": "s"}),
        ("/users", "user", {"name": "u", "password": "p", "email": "a@b"}, {"email": "c@d", "enabled": False}),
        ("/projects", "project", {"name": "p", "tags": ["a"]}, {"description": "d", "tags": ["b", "c"]}),
        ("/domains", "domain", {"name": "d"}, {"enabled": False}),
        ("/OS-OAUTH1/consumers", "consumer", {"description": "c"}, {"description": "d"}),
    ],
)
def test_the_life_of_each_resource(admin: Api, demo: Api, path: str, name: str, first: Any, change: Any) -> None:
    demo.post(path, {name: first}, 403)
    made = admin.post(path, {name: first})[name]
    own = f"{path}/{made['id']}"
    assert made["links"]["self"].endswith(own)
    assert {key: made[key] for key in first if key != "password"} == {k: v for k, v in first.items() if k != "password"}
    assert "password" not in made
    assert admin.get(own)[name]["id"] == made["id"]
    listed = admin.get(path)
    assert made["id"] in [row["id"] for row in listed[name + "s" if name != "policy" else "policies"]]
    assert listed["links"]["next"] is None and listed["links"]["self"].endswith(path)
    assert {key: admin.patch(own, {name: change})[name][key] for key in change} == change
    demo.patch(own, {name: change}, 403)
    demo.delete(own, 403)
    admin.delete(own)
    admin.get(own, 404)
    admin.delete(own, 404)


def test_names_are_unique_and_checked(admin: Api) -> None:
    admin.post("/projects", {"project": {"name": "demo"}}, 409)
    admin.post("/users", {"user": {"name": "demo"}}, 409)
    admin.post("/domains", {"domain": {"name": "Default"}}, 409)
    admin.post("/roles", {"role": {"name": "admin"}}, 409)
    for name in ("", " ", "x" * 65):
        admin.post("/domains", {"domain": {"name": name}}, 400)
    admin.post("/users", {"user": {"name": "x", "enabled": "yes"}}, 400)
    admin.post("/users", {"user": "x"}, 400)
    admin.post("/users", None, 400)


def test_unknown_attributes_are_kept_and_ids_cannot_be_chosen(admin: Api) -> None:
    made = admin.post("/users", {"user": {"name": "x", "id": "mine", "office": "3.14", "password_expires_at": "x"}})[
        "user"
    ]
    assert made["id"] != "mine"
    assert made["office"] == "3.14"
    assert made["password_expires_at"] is None


def test_filters_and_pages(admin: Api) -> None:
    for n in range(5):
        admin.post("/users", {"user": {"name": f"many{n}", "enabled": n != 3}})
    assert [one["name"] for one in admin.get("/users?name=many2")["users"]] == ["many2"]
    assert len(admin.get("/users?name__contains=many")["users"]) == 5
    assert [one["name"] for one in admin.get("/users?enabled=False&name__startswith=many")["users"]] == ["many3"]
    seen: list[str] = []
    address = "/users?name__startswith=many&limit=2"
    while address:
        page = admin.get(address)
        seen += [one["name"] for one in page["users"]]
        following = page["links"]["next"]
        address = following.split(V3, 1)[1] if following else ""
    assert sorted(seen) == [f"many{n}" for n in range(5)]


def test_project_trees(admin: Api) -> None:
    top = admin.post("/projects", {"project": {"name": "top"}})["project"]
    low = admin.post("/projects", {"project": {"name": "low", "parent_id": top["id"]}})["project"]
    assert (top["parent_id"], low["parent_id"], low["domain_id"]) == ("default", top["id"], "default")
    shown = admin.get(f"/projects/{top['id']}?subtree_as_ids&parents_as_ids")["project"]
    assert shown["subtree"] == {low["id"]: None}
    assert shown["parents"] == {"default": None}
    admin.delete(f"/projects/{top['id']}", 403)
    admin.patch(f"/projects/{top['id']}", {"project": {"enabled": False}}, 403)
    admin.patch(f"/projects/{low['id']}", {"project": {"enabled": False}})
    admin.patch(f"/projects/{top['id']}", {"project": {"enabled": False}})
    admin.patch(f"/projects/{low['id']}", {"project": {"enabled": True}}, 403)
    admin.post("/projects", {"project": {"name": "more", "parent_id": top["id"]}}, 400)
    admin.patch(f"/projects/{low['id']}", {"project": {"domain_id": "other"}}, 400)


def test_depth_has_an_end(admin: Api) -> None:
    above = "default"
    for n in range(projects.MAX_DEPTH):
        above = admin.post("/projects", {"project": {"name": f"deep{n}", "parent_id": above}})["project"]["id"]
    admin.post("/projects", {"project": {"name": "deeper", "parent_id": above}}, 403)


def test_a_project_that_owns_things_goes_only_by_the_word_cascade(admin: Api) -> None:
    """A8: refused with 409 and a list; nothing but `true` is a yes."""
    made = admin.post("/projects", {"project": {"name": "full"}})["project"]["id"]
    group = SecurityGroup.objects.create(project_id=made, name="web")
    for query in ("", "?cascade", "?cascade=", "?cascade=1", "?cascade=false", "?cascade=yes", "?Cascade=true"):
        error = admin.delete(f"/projects/{made}{query}", 409).json()["error"]
        assert error["code"] == 409 and "1 security group (web)" in error["message"]
    admin.delete(f"/projects/{made}?cascade=true")
    admin.get(f"/projects/{made}", 404)
    assert not SecurityGroup.objects.filter(pk=group.pk).exists()


def test_a_domain_goes_with_all_it_holds_once_disabled(admin: Api) -> None:
    domain = admin.post("/domains", {"domain": {"name": "d"}})["domain"]["id"]
    admin.post("/projects", {"project": {"name": "p", "domain_id": domain}})
    one = admin.post("/users", {"user": {"name": "u", "domain_id": domain, "password": "p"}})["user"]["id"]
    admin.delete(f"/domains/{domain}", 403)
    admin.patch(f"/domains/{domain}", {"domain": {"enabled": False}})
    Api().post("/auth/tokens", password_body("u", "p", domain=domain), 401)
    admin.delete(f"/domains/{domain}")
    admin.get(f"/users/{one}", 404)
    assert not Project.objects.filter(domain_id=domain).exists()


def test_tags(admin: Api) -> None:
    path = f"/projects/{project('demo').pk}/tags"
    assert admin.put(path, {"tags": ["b", "a"]}, 200)["tags"] == ["a", "b"]
    admin.put(f"{path}/c", None, 201)
    admin.call("head", f"{path}/c", None, 204)
    assert [one["name"] for one in admin.get("/projects?tags=a,c")["projects"]] == ["demo"]
    assert "demo" not in [one["name"] for one in admin.get("/projects?not-tags-any=a")["projects"]]
    admin.put(path, {"tags": ["a,b"]}, 400)
    admin.delete(f"{path}/c")
    admin.get(f"{path}/c", 404)


def test_grants_are_single_rows_and_can_be_checked(admin: Api) -> None:
    who, where, what = user("demo").pk, project("admin").pk, role("reader").pk
    path = f"/projects/{where}/users/{who}/roles/{what}"
    before = UserProjectRole.objects.count()
    admin.call("head", path, None, 404)
    admin.put(path)
    admin.put(path)
    assert UserProjectRole.objects.count() == before + 1
    admin.call("head", path, None, 204)
    assert [one["name"] for one in admin.get(f"/projects/{where}/users/{who}/roles")["roles"]] == ["reader"]
    admin.delete(path)
    admin.delete(path, 404)
    inherited = f"/OS-INHERIT/domains/default/users/{who}/roles/{what}/inherited_to_projects"
    admin.put(inherited)
    admin.call("head", inherited, None, 204)
    found = admin.get(f"/role_assignments?user.id={who}&effective&include_names")["role_assignments"]
    assert {one["scope"]["project"]["name"] for one in found} == {"admin", "demo", "service"}
    admin.delete(inherited)


def test_deleting_a_role_takes_its_assignments(admin: Api) -> None:
    made = admin.post("/roles", {"role": {"name": "brief"}})["role"]["id"]
    admin.put(f"/projects/{project('demo').pk}/users/{user('demo').pk}/roles/{made}")
    before = UserProjectRole.objects.count()
    admin.delete(f"/roles/{made}")
    assert UserProjectRole.objects.count() == before - 1


def test_implied_roles(admin: Api) -> None:
    made = admin.post("/roles", {"role": {"name": "boss"}})["role"]["id"]
    path = f"/roles/{made}/implies/{role('reader').pk}"
    assert admin.put(path, None, 201)["role_inference"]["implies"]["name"] == "reader"
    admin.put(f"/roles/{role('reader').pk}/implies/{made}", None, 403)
    admin.put(f"/roles/{made}/implies/{role('admin').pk}", None, 403)
    assert made in [row["prior_role"]["id"] for row in admin.get("/role_inferences")["role_inferences"]]
    admin.delete(path)
    admin.get(path, 404)


def test_endpoints_show_the_address_that_the_client_used(admin: Api) -> None:
    first = admin.get("/endpoints?interface=public")["endpoints"][0]
    assert first["url"].startswith("http://testserver/api/")
    service = first["service_id"]
    made = admin.post(
        "/endpoints", {"endpoint": {"interface": "public", "service_id": service, "url": "http://x/$(project_id)s"}}
    )
    assert made["endpoint"]["url"] == "http://x/$(project_id)s"
    admin.post(
        "/endpoints", {"endpoint": {"interface": "public", "service_id": service, "url": "http://x/$(secret)s"}}, 400
    )
    admin.post("/endpoints", {"endpoint": {"interface": "odd", "service_id": service, "url": "http://x"}}, 400)
    urls = [one["url"] for entry in admin.get("/auth/catalog")["catalog"] for one in entry["endpoints"]]
    assert f"http://x/{project('admin').pk}" in urls


def test_endpoint_filters_narrow_a_project_s_catalog(admin: Api, sign_in: SignIn) -> None:
    only = admin.get("/endpoints?interface=public")["endpoints"][0]["id"]
    path = f"/OS-EP-FILTER/projects/{project('demo').pk}/endpoints/{only}"
    admin.put(path)
    demo = sign_in("demo", DEMO)
    shown = [one["id"] for entry in demo.get("/auth/catalog")["catalog"] for one in entry["endpoints"]]
    assert shown == [only]
    admin.delete(path)


def test_credentials_are_encrypted_at_rest(admin: Api, demo: Api) -> None:
    body = {"user_id": user("demo").pk, "type": "cert", "blob": "very secret"}
    made = demo.post("/credentials", {"credential": body})["credential"]
    assert made["blob"] == "very secret"
    assert "very secret" not in Credential.objects.get(pk=made["id"]).encrypted_blob
    body["user_id"] = user("admin").pk
    demo.post("/credentials", {"credential": body}, 403)


def test_ec2_pairs(demo: Api, admin: Api) -> None:
    path = f"/users/{user('demo').pk}/credentials/OS-EC2"
    made = demo.post(path, {"tenant_id": project("demo").pk})["credential"]
    assert [one["access"] for one in demo.get(path)["credentials"]] == [made["access"]]
    other = f"/users/{user('admin').pk}/credentials/OS-EC2"
    demo.get(other, 403)
    demo.delete(f"{path}/{made['access']}")
    demo.get(f"{path}/{made['access']}", 404)


def test_revocation_events_are_listed(admin: Api, demo: Api, sign_in: SignIn) -> None:
    demo.get("/OS-REVOKE/events", 403)
    second = sign_in("demo", DEMO)
    second.delete("/auth/tokens", x_subject_token=second.token)
    events = admin.get("/OS-REVOKE/events")["events"]
    assert any("audit_id" in event for event in events)


BROKEN: tuple[Any, ...] = (None, {"x": 1}, [1], {"user": [], "project": 3, "auth": [], "trust": {}, "limits": [{}]})


def _addresses() -> list[str]:
    return ["/" + re.sub(r"<str:\w+>", "0" * 32, str(one.pattern)) for one in _v3]


def test_no_route_answers_a_stranger(seeded: None) -> None:
    for path in _addresses():
        for method in ("get", "post", "put", "patch", "delete"):
            status = Api().call(method, path).status_code
            assert status in (400, 401, 405), (method, path, status)


def test_no_route_fails_on_unknown_ids_and_broken_bodies(admin: Api) -> None:
    for path in _addresses():
        for method in ("get", "post", "put", "patch", "delete"):
            for body in BROKEN if method in ("post", "put", "patch") else (None,):
                assert admin.call(method, path, body).status_code < 500, (method, path, body)


# ── Escalation ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_raises_themselves(demo: Api) -> None:
    me, mine = user("demo").pk, project("demo").pk
    admin_role = role("admin").pk
    demo.put(f"/projects/{mine}/users/{me}/roles/{admin_role}", None, 403)
    demo.put(f"/domains/default/users/{me}/roles/{admin_role}", None, 403)
    demo.put(f"/system/users/{me}/roles/{admin_role}", None, 403)
    demo.patch(f"/users/{me}", {"user": {"default_project_id": project("admin").pk}}, 403)
    demo.patch(f"/users/{user('admin').pk}", {"user": {"password": "mine"}}, 403)
    demo.put(f"/roles/{role('member').pk}/implies/{role('manager').pk}", None, 403)
    assert "roles" not in demo.get(f"/users/{me}")["user"]


def test_headers_that_middleware_would_set_mean_nothing(demo: Api) -> None:
    demo.get("/users", 403, x_roles="admin", x_identity_status="Confirmed", x_user_id=user("admin").pk, x_is_admin="1")
    Api().get("/users", 401, x_roles="admin", remote_user="admin")


def test_a_domain_manager_rules_their_domain_only(admin: Api, sign_in: SignIn) -> None:
    domain = admin.post("/domains", {"domain": {"name": "d"}})["domain"]["id"]
    boss = admin.post("/users", {"user": {"name": "boss", "domain_id": domain, "password": "p"}})["user"]["id"]
    admin.put(f"/domains/{domain}/users/{boss}/roles/{role('manager').pk}")
    api = sign_in("boss", "p", {"domain": {"id": domain}}, domain=domain)
    inside = api.post("/projects", {"project": {"name": "p", "domain_id": domain}})["project"]["id"]
    api.post("/projects", {"project": {"name": "q", "domain_id": "default"}}, 403)
    worker = api.post("/users", {"user": {"name": "w", "domain_id": domain, "password": "p"}})["user"]["id"]
    api.put(f"/projects/{inside}/users/{worker}/roles/{role('member').pk}")
    api.put(f"/projects/{inside}/users/{worker}/roles/{role('admin').pk}", None, 403)
    api.put(f"/projects/{project('admin').pk}/users/{boss}/roles/{role('member').pk}", None, 403)
    assert {one["name"] for one in api.get("/users")["users"]} == {"boss", "w"}
