"""Projects, users, groups, roles, domains, credentials, and identity providers."""

import json

from tests.portal.showas.running import CLI, Ask
from tests.portal.showas.work import Case, Steps, Work, collector, deleted, listed
from tests.rest import IDENTITY

CASES: list[Case] = []
case = collector(CASES)
FEDERATION = f"{IDENTITY}/OS-FEDERATION"
RULES = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "sub"}]}]


def project(work: Work) -> str:
    return work.make(f"{IDENTITY}/projects", "project", {"name": work.name}, work.admin)


def user(work: Work) -> str:
    return work.make(f"{IDENTITY}/users", "user", {"name": work.name, "password": "long-enough-1"}, work.admin)


def group(work: Work) -> str:
    return work.make(f"{IDENTITY}/groups", "group", {"name": work.name}, work.admin)


def role(work: Work, end: str = "") -> str:
    return work.make(f"{IDENTITY}/roles", "role", {"name": work.name + end}, work.admin)


def domain(work: Work, enabled: bool = True) -> str:
    return work.make(f"{IDENTITY}/domains", "domain", {"name": work.name, "enabled": enabled}, work.admin)


def member(work: Work) -> str:
    return next(str(row["id"]) for row in work.get(f"{IDENTITY}/roles", "roles", work.admin) if row["name"] == "member")


def roles_of(work: Work, place: str) -> list[str]:
    return [str(row["id"]) for row in work.get(f"{IDENTITY}/{place}/roles", "roles")]


# ── Projects, users, groups ─────────────────────────────────────────────────────────────────────────────────────────


@case("project.create", "role.assign-project-user", "role.assign-project-group", account="admin")
def make_a_project(work: Work) -> Steps:
    who, several, what = user(work), group(work), member(work)
    typed = {
        "name": work.name, "description": "it's ours", "domain_id": "default", "enabled": True, "members-0-who": who, "members-0-roles": [what],
        "groups-0-who": several, "groups-0-roles": [what],
    }  # fmt: skip
    yield Ask("/projects/create", ("project.create", "role.assign-project-user", "role.assign-project-group"), typed)
    row = work.named(f"{IDENTITY}/projects", "projects")
    assert (row["description"], row["enabled"], row["domain_id"]) == ("it's ours", True, "default")
    assert roles_of(work, f"projects/{row['id']}/users/{who}") == [what]
    assert roles_of(work, f"projects/{row['id']}/groups/{several}") == [what]
    return row


@case("project.update", account="admin")
def change_a_project(work: Work) -> Steps:
    id = project(work)
    typed = {"name": f"{work.name}-b", "description": "other", "enabled": False}
    yield Ask(f"/projects/{id}/edit", ("project.update",), typed)
    row = work.get(f"{IDENTITY}/projects/{id}", "project")
    yield Ask(f"/projects/{id}/edit", ("project.update",), {"description": ""}, lacks=(CLI,))
    assert not work.get(f"{IDENTITY}/projects/{id}", "project")["description"]
    assert (row["name"], row["description"], row["enabled"]) == (f"{work.name}-b", "other", False)
    return row


@case(
    "role.assign-project-user", "role.unassign-project-user", "role.assign-project-group", "role.unassign-project-group",
    account="admin",
)  # fmt: skip
def give_and_take_roles_on_a_project(work: Work) -> Steps:
    place, who, several, first, second = project(work), user(work), group(work), role(work), role(work, "-b")
    for subject, id, page in (("user", who, "members"), ("group", several, "modify-groups")):
        path = f"projects/{place}/{subject}s/{id}"
        work.rest.ok("PUT", f"{IDENTITY}/{path}/roles/{first}")
        typed = {"holders-0-who": id, "holders-0-roles": [second]}
        kinds = (f"role.assign-project-{subject}", f"role.unassign-project-{subject}")
        yield Ask(f"/projects/{place}/{page}", kinds, typed)
        assert roles_of(work, path) == [second]
    return True


@case(
    "role.assign-domain-user", "role.unassign-domain-user", "role.assign-domain-group", "role.unassign-domain-group",
    account="admin",
)  # fmt: skip
def give_and_take_roles_on_a_domain(work: Work) -> Steps:
    place, who, several, first, second = domain(work, False), user(work), group(work), role(work), role(work, "-b")
    for subject, id, page in (("user", who, "members"), ("group", several, "modify-groups")):
        path = f"domains/{place}/{subject}s/{id}"
        work.rest.ok("PUT", f"{IDENTITY}/{path}/roles/{first}")
        typed = {"holders-0-who": id, "holders-0-roles": [second]}
        kinds = (f"role.assign-domain-{subject}", f"role.unassign-domain-{subject}")
        yield Ask(f"/domains/{place}/{page}", kinds, typed)
        assert roles_of(work, path) == [second]
    return True


@case("user.create", "role.assign-project-user", account="admin")
def make_a_user(work: Work) -> Steps:
    place, what = project(work), member(work)
    typed = {
        "name": work.name, "domain_id": "default", "description": "it's me", "email": "a@b.example", "password": "long enough 1",
        "again": "long enough 1", "default_project_id": place, "role": what, "enabled": True, "lock_password": True,
    }  # fmt: skip
    yield Ask("/users/create", ("user.create", "role.assign-project-user"), typed, {"PASSWORD": "long enough 1"})
    row = work.named(f"{IDENTITY}/users", "users")
    row = work.get(f"{IDENTITY}/users/{row['id']}", "user")
    assert (row["email"], row["default_project_id"], row["options"]) == ("a@b.example", place, {"lock_password": True})
    assert roles_of(work, f"projects/{place}/users/{row['id']}") == [what]
    return row


@case("user.update", account="admin")
def change_a_user(work: Work) -> Steps:
    id = user(work)
    typed = {"name": f"{work.name}-b", "description": "other", "email": "c@d.example", "lock_password": True}
    yield Ask(f"/users/{id}/edit", ("user.update",), typed)
    row = work.get(f"{IDENTITY}/users/{id}", "user")
    assert (row["name"], row["description"], row["email"]) == (f"{work.name}-b", "other", "c@d.example")
    assert row["options"] == {"lock_password": True}
    yield Ask(f"/users/{id}/edit", ("user.update",), {"lock_password": False})
    assert not work.get(f"{IDENTITY}/users/{id}", "user")["options"].get("lock_password")
    yield Ask(f"/users/{id}/switch", ("user.update",))
    assert work.get(f"{IDENTITY}/users/{id}", "user")["enabled"] is False
    yield Ask(f"/users/switch/enable?ids={id}", ("user.update",), {"ids": id})
    assert work.get(f"{IDENTITY}/users/{id}", "user")["enabled"] is True
    return row


@case("user.update", account="admin")
def set_the_password_of_a_user(work: Work) -> Steps:
    id = user(work)
    typed = {"password": "much longer 2", "again": "much longer 2"}
    yield Ask(f"/users/{id}/password", ("user.update",), typed, {"PASSWORD": "much longer 2"})
    who = {"id": id, "password": "much longer 2"}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": who}}}}
    assert work.rest.ask("POST", f"{IDENTITY}/auth/tokens", body, token="").status == 201
    return True


@case("group.create", account="admin")
def make_a_group(work: Work) -> Steps:
    yield Ask(
        "/groups/create", ("group.create",), {"name": work.name, "description": "it's us", "domain_id": "default"}
    )
    row = work.named(f"{IDENTITY}/groups", "groups")
    assert row["description"] == "it's us"
    return row


@case("group.update", account="admin")
def change_a_group(work: Work) -> Steps:
    id = group(work)
    yield Ask(f"/groups/{id}/edit", ("group.update",), {"name": f"{work.name}-b", "description": "other"})
    row = work.get(f"{IDENTITY}/groups/{id}", "group")
    yield Ask(f"/groups/{id}/edit", ("group.update",), {"description": ""}, lacks=(CLI,))
    assert not work.get(f"{IDENTITY}/groups/{id}", "group")["description"]
    assert (row["name"], row["description"]) == (f"{work.name}-b", "other")
    return row


@case("group.add-user", "group.remove-user", account="admin")
def put_a_user_into_a_group(work: Work) -> Steps:
    id, who = group(work), user(work)
    path = f"{IDENTITY}/groups/{id}/users/{who}"
    yield Ask(f"/groups/{id}/add", ("group.add-user",), {"users": [who]})
    assert not work.is_gone(path)
    yield Ask(f"/groups/{id}/remove", ("group.remove-user",), {"users": [who]})
    assert work.is_gone(path)
    return True


# ── Roles, domains ──────────────────────────────────────────────────────────────────────────────────────────────────


@case("role.create", account="admin")
def make_a_role(work: Work) -> Steps:
    yield Ask("/roles/create", ("role.create",), {"name": work.name, "description": "it's read only"})
    row = work.named(f"{IDENTITY}/roles", "roles")
    assert row["description"] == "it's read only"
    return row


@case("role.update", account="admin")
def change_a_role(work: Work) -> Steps:
    id = role(work)
    yield Ask(f"/roles/{id}/edit", ("role.update",), {"name": f"{work.name}-b", "description": "other"})
    row = work.get(f"{IDENTITY}/roles/{id}", "role")
    yield Ask(f"/roles/{id}/edit", ("role.update",), {"description": ""}, lacks=(CLI,))
    assert not work.get(f"{IDENTITY}/roles/{id}", "role")["description"]
    assert (row["name"], row["description"]) == (f"{work.name}-b", "other")
    return row


@case("role.imply", "role.unimply", account="admin")
def let_a_role_include_another(work: Work) -> Steps:
    id, first, second = role(work), role(work, "-b"), role(work, "-c")
    work.rest.ok("PUT", f"{IDENTITY}/roles/{id}/implies/{first}")
    yield Ask(f"/roles/{id}/implied", ("role.imply", "role.unimply"), {"roles": [second]})
    found = work.get(f"{IDENTITY}/roles/{id}/implies", "role_inference")["implies"]
    assert [row["id"] for row in found] == [second]
    return True


@case("domain.create", account="admin")
def make_a_domain(work: Work) -> Steps:
    yield Ask("/domains/create", ("domain.create",), {"name": work.name, "description": "it's far", "enabled": False})
    row = work.named(f"{IDENTITY}/domains", "domains")
    assert (row["description"], row["enabled"]) == ("it's far", False)
    return row


@case("domain.update", account="admin")
def change_a_domain(work: Work) -> Steps:
    id = domain(work)
    yield Ask(f"/domains/{id}/edit", ("domain.update",), {"name": f"{work.name}-b", "description": "other"})
    yield Ask(f"/domains/{id}/switch", ("domain.update",))
    row = work.get(f"{IDENTITY}/domains/{id}", "domain")
    yield Ask(f"/domains/{id}/edit", ("domain.update",), {"description": ""}, lacks=(CLI,))
    assert not work.get(f"{IDENTITY}/domains/{id}", "domain")["description"]
    assert (row["name"], row["description"], row["enabled"]) == (f"{work.name}-b", "other", False)
    return row


deleted(CASES, "project.delete", "/projects/{id}/delete", IDENTITY + "/projects/{id}", project, "admin", typed="NAME")
deleted(CASES, "user.delete", "/users/{id}/delete", IDENTITY + "/users/{id}", user, "admin")
deleted(CASES, "group.delete", "/groups/{id}/delete", IDENTITY + "/groups/{id}", group, "admin")
deleted(CASES, "role.delete", "/roles/{id}/delete", IDENTITY + "/roles/{id}", role, "admin")
deleted(
    CASES, "domain.delete", "/domains/{id}/delete", IDENTITY + "/domains/{id}", lambda work: domain(work, False), "admin",
    typed="NAME",
)  # fmt: skip
for _kind, _make in (("project", project), ("user", user), ("group", group), ("role", role), ("domain", domain)):
    _on = "&enabled=True" if _kind in ("project", "user", "domain") else ""
    listed(CASES, f"{_kind}.list", f"/{_kind}s", _make, "admin", narrowed=f"name={{name}}{_on}")


# ── Credentials ─────────────────────────────────────────────────────────────────────────────────────────────────────


def own(work: Work) -> str:
    work.project  # noqa: B018
    rows = work.get(f"{IDENTITY}/users?name={work.rest.account}", "users", work.admin)
    return str(rows[0]["id"])


def appcred(work: Work) -> str:
    path = f"{IDENTITY}/users/{own(work)}/application_credentials"
    return work.make(path, "application_credential", {"name": work.name})


def credential(work: Work) -> str:
    body = {"type": "cert", "blob": "x", "user_id": own(work)}
    return work.make(f"{IDENTITY}/credentials", "credential", body, work.admin)


@case("appcred.create")
def make_an_application_credential(work: Work) -> Steps:
    typed = {
        "name": work.name, "description": "it's for CI", "secret": "s3cret 'of' mine", "expires_on": "2999-12-31", "expires_at": "10:20",
        "unrestricted": True, "access_rules-0-service": "compute", "access_rules-0-method": "GET", "access_rules-0-path": "/v2.1/servers",
    }  # fmt: skip
    yield Ask("/application-credentials/create", ("appcred.create",), typed, {"SECRET": "s3cret 'of' mine"})
    path = f"{IDENTITY}/users/{own(work)}/application_credentials"
    row = work.named(path, "application_credentials")
    assert (row["unrestricted"], row["expires_at"][:16], len(row["roles"])) == (True, "2999-12-31T10:20", 1)
    rule = row.pop("access_rules")[0]
    assert (rule["service"], rule["method"], rule["path"]) == ("compute", "GET", "/v2.1/servers")
    way = {"id": row["id"], "secret": "s3cret 'of' mine"}
    body = {"auth": {"identity": {"methods": ["application_credential"], "application_credential": way}}}
    assert work.rest.ask("POST", f"{IDENTITY}/auth/tokens", body, token="").status == 201
    return [row, rule["path"]]


@case("appcred.delete")
def delete_an_application_credential(work: Work) -> Steps:
    id = appcred(work)
    yield Ask(f"/application-credentials/{id}/delete", ("appcred.delete",))
    assert work.is_gone(f"{IDENTITY}/users/{own(work)}/application_credentials/{id}")
    return True


listed(CASES, "appcred.list", "/application-credentials", lambda work: appcred(work) and work.name)


@case("credential.create", account="admin")
def make_a_credential(work: Work) -> Steps:
    who, place = user(work), project(work)
    typed = {"user_id": who, "type": "cert", "blob": f"it's {work.name}", "project_id": place}
    yield Ask("/credentials/create", ("credential.create",), typed, {"BLOB": f"it's {work.name}"})
    row = next(row for row in work.get(f"{IDENTITY}/credentials?user_id={who}", "credentials"))
    work.goes(f"{IDENTITY}/credentials/{row['id']}")
    assert (row["blob"], row["type"], row["project_id"]) == (f"it's {work.name}", "cert", place)
    return {name: value for name, value in row.items() if name not in ("id", "links")}


@case("credential.update", account="admin")
def change_a_credential(work: Work) -> Steps:
    id, place, who = credential(work), project(work), own(work)
    page, blob = f"/credentials/{id}/edit", {"BLOB": "it's new"}
    yield Ask(page, ("credential.update",), {"blob": "it's new", "user_id": who}, blob)
    assert work.get(f"{IDENTITY}/credentials/{id}", "credential")["blob"] == "it's new"
    yield Ask(page, ("credential.update",), {"project_id": place, "user_id": who}, blob, lacks=(CLI,))
    row = work.get(f"{IDENTITY}/credentials/{id}", "credential")
    assert (row["blob"], row["project_id"], row["type"]) == ("it's new", place, "cert")
    return {name: value for name, value in row.items() if name not in ("id", "links")}


deleted(CASES, "credential.delete", "/credentials/{id}/delete", IDENTITY + "/credentials/{id}", credential, "admin")
listed(CASES, "credential.list", "/credentials", credential, "admin")


# ── Identity providers ──────────────────────────────────────────────────────────────────────────────────────────────


def provider(work: Work) -> str:
    path = f"{FEDERATION}/identity_providers/{work.name}"
    return work.make(path, "identity_provider", {"enabled": True}, work.admin, "PUT")


def mapping(work: Work, end: str = "") -> str:
    return work.make(f"{FEDERATION}/mappings/{work.name}{end}", "mapping", {"rules": RULES}, work.admin, "PUT")


def protocol(work: Work) -> str:
    mapping(work)
    path = f"{FEDERATION}/identity_providers/{provider(work)}/protocols/openid"
    return work.make(path, "protocol", {"mapping_id": work.name}, work.admin, "PUT")


@case("provider.create", account="admin")
def make_an_identity_provider(work: Work) -> Steps:
    typed = {
        "id": work.name, "remote_ids": f"https://{work.name}.example/a\nhttps://{work.name}.example/b", "description": "it's theirs",
        "authorization_ttl": 60, "enabled": True, "domain_id": "",
    }  # fmt: skip
    yield Ask("/identity-providers/-/create", ("provider.create",), typed)
    path = f"{FEDERATION}/identity_providers/{work.name}"
    work.goes(path)
    row = work.get(path, "identity_provider")
    work.goes(f"{IDENTITY}/domains/{row['domain_id']}")
    work.admin.ok("PATCH", f"{IDENTITY}/domains/{row['domain_id']}", {"domain": {"enabled": False}})
    assert (row["authorization_ttl"], row["enabled"], len(row["remote_ids"])) == (60, True, 2)
    return row


@case("provider.update", account="admin")
def change_an_identity_provider(work: Work) -> Steps:
    id = provider(work)
    path = f"{FEDERATION}/identity_providers/{id}"
    typed = {"remote_ids": f"https://{work.name}.example/c", "description": "other", "authorization_ttl": 5}
    yield Ask(f"/identity-providers/{id}/edit", ("provider.update",), typed)
    yield Ask(f"/identity-providers/{id}/switch", ("provider.update",))
    row = work.get(path, "identity_provider")
    assert (row["description"], row["authorization_ttl"], row["enabled"]) == ("other", 5, False)
    assert row["remote_ids"] == [f"https://{work.name}.example/c"]
    return row


deleted(
    CASES,
    "provider.delete",
    "/identity-providers/{id}/delete",
    FEDERATION + "/identity_providers/{id}",
    provider,
    "admin",
)
listed(CASES, "provider.list", "/identity-providers", provider, "admin")


@case("mapping.create", "mapping.update", account="admin")
def make_and_change_a_mapping(work: Work) -> Steps:
    path = f"{FEDERATION}/mappings/{work.name}"
    typed = {"id": work.name, "rules": json.dumps(RULES), "schema_version": "1.0"}
    yield Ask("/mappings/-/create", ("mapping.create",), typed)
    work.goes(path)
    assert work.get(path, "mapping")["rules"] == RULES
    new = [{"local": [{"user": {"name": "it's {0}"}}], "remote": [{"type": "name"}]}]
    yield Ask(f"/mappings/{work.name}/edit", ("mapping.update",), {"rules": json.dumps(new), "schema_version": "1.0"})
    row = work.get(path, "mapping")
    assert row["rules"] == new
    return row


deleted(CASES, "mapping.delete", "/mappings/{id}/delete", FEDERATION + "/mappings/{id}", mapping, "admin")
listed(CASES, "mapping.list", "/mappings", mapping, "admin")


@case("protocol.create", "protocol.update", "protocol.delete", account="admin")
def make_change_and_delete_a_protocol(work: Work) -> Steps:
    id, first, second = provider(work), mapping(work), mapping(work, "-b")
    path = f"{FEDERATION}/identity_providers/{id}/protocols/openid"
    yield Ask(f"/identity-providers/{id}/protocols/create", ("protocol.create",), {"id": "openid", "mapping_id": first})
    work.goes(path)
    made = work.get(path, "protocol")
    assert made["mapping_id"] == first
    yield Ask(f"/identity-providers/{id}/protocols/openid/edit", ("protocol.update",), {"mapping_id": second}, ends=1)
    row = work.get(path, "protocol")
    assert row["mapping_id"] == second
    yield Ask(f"/identity-providers/{id}/protocols/openid/delete", ("protocol.delete",))
    assert work.is_gone(path)
    return [made, row]
