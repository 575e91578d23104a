"""The Identity dashboard without a browser: its verbs, who may use them, what is said at which field."""

import re
from typing import Any

import pytest
from django.test import Client

from identity.assignments import services as assignments
from identity.models import Domain as DomainRow
from identity.models import Group, Project, Role, User
from images.images.models import Image
from quota import services as quota

HX = {"HTTP_HX_REQUEST": "true"}


def project(name: str = "demo") -> Project:
    return Project.objects.get(name=name, is_domain=False)


def role(name: str) -> Role:
    return Role.objects.get(name=name, domain=None)


def errors_at(content: bytes) -> list[str]:
    """The fields under which an error stands."""
    found = re.findall(r'<div class="bad sm" id="id_([^"]+?)(?:-add|-narrow)?_error"', content.decode())
    return found


def test_quotas_are_kept_by_service(admin: Client) -> None:
    path = f"/projects/{project().pk}/quota"
    page = admin.get(path, **HX).content.decode()
    values = dict(re.findall(r'<input type="number" name="([^"]+)" value="([^"]+)"', page))
    assert values["compute.instances"] == "10" and "network.router" in values
    values |= {"compute.instances": "17", "network.router": "-1"}
    assert admin.post(path, values, **HX).status_code == 204
    assert quota.limits(project().pk, "compute")["instances"] == 17
    assert quota.limits(project().pk, "network")["router"] == -1
    usage = admin.get(f"/projects/{project().pk}/usage").content.decode()
    assert "of 17" in usage and "no limit" in usage


def test_a_quota_below_what_is_used_stands_at_its_field(admin: Client) -> None:
    path = f"/projects/{project('admin').pk}/quota"
    page = admin.get(path, **HX).content.decode()
    values = dict(re.findall(r'<input type="number" name="([^"]+)" value="([^"]+)"', page))
    Image.objects.create(name="used", project_id=project("admin").pk)
    answer = admin.post(path, {**values, "image.image_count_total": "0", "compute.cores": "3"}, **HX)
    assert answer.status_code == 422 and errors_at(answer.content) == ["image.image_count_total"]
    assert quota.limits(project("admin").pk, "compute")["cores"] != 3


def test_a_project_with_members_and_groups_in_one_go(admin: Client) -> None:
    group = Group.objects.create(name="ops", domain_id="default")
    demo, member, reader = User.objects.get(name="demo"), role("member"), role("reader")
    sent = {
        "name": "web", "description": "Shop", "domain_id": "default", "enabled": "on",
        "members-0-who": demo.pk, "members-0-roles": [member.pk, reader.pk],
        "groups-3-who": group.pk, "groups-3-roles": [reader.pk], "groups-4-who": "",
    }  # fmt: skip
    made = admin.post("/projects/create", sent, **HX)
    row = project("web")
    assert made.status_code == 204 and made["HX-Redirect"] == f"/projects/{row.pk}"
    key = {"on": "project", "object_id": row.pk}
    given = assignments.roles_given(**key, subject="user", subject_id=demo.pk)
    assert {one.name for one in given} == {"member", "reader"}
    assert [one.name for one in assignments.roles_given(**key, subject="group", subject_id=group.pk)] == ["reader"]


def test_what_was_typed_stays_and_the_error_stands_at_its_step(admin: Client) -> None:
    sent = {
        "name": "demo",
        "description": "kept",
        "domain_id": "default",
        "members-0-who": User.objects.get(name="demo").pk,
    }
    answer = admin.post("/projects/create", sent, **HX)
    page = answer.content.decode()
    assert answer.status_code == 422 and errors_at(answer.content) == ["members"]
    assert 'value="kept"' in page and re.search(r'id="step-members" checked', page)
    taken = admin.post("/projects/create", {"name": "demo", "domain_id": "default"}, **HX)
    assert errors_at(taken.content) == ["name"] and b'id="step-info" checked' in taken.content
    assert Project.objects.filter(name="demo", is_domain=False).count() == 1


def test_members_are_exactly_the_lines(admin: Client) -> None:
    row, demo = project(), User.objects.get(name="demo")
    page = admin.get(f"/projects/{row.pk}/members", **HX).content.decode()
    assert f'value="{demo.pk}" selected' in page
    other = User.objects.get(name="admin")
    sent = {"holders-0-who": other.pk, "holders-0-roles": [role("reader").pk]}
    assert admin.post(f"/projects/{row.pk}/members", sent, **HX).status_code == 204
    key = {"on": "project", "object_id": row.pk, "subject": "user"}
    assert assignments.roles_given(**key, subject_id=demo.pk) == []
    assert [one.name for one in assignments.roles_given(**key, subject_id=other.pk)] == ["reader"]


# ── A domain's manager ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def acme(cloud_rows: None) -> DomainRow:
    """A domain with a project, a user and a group, and its manager `boss`."""
    row: DomainRow = DomainRow.objects.create(name="acme", is_domain=True)
    Project.objects.create(name="acme-web", domain=row, parent=row)
    Group.objects.create(name="acme-ops", domain=row)
    for name in ("boss", "acme-lin"):
        user = User(name=name, domain=row)
        user.set_password("boss's password")
        user.save()
    boss = User.objects.get(name="boss")
    assignments.grant(role("manager"), on="domain", object_id=row.pk, subject="user", subject_id=boss.pk)
    return row


@pytest.fixture
def boss(acme: DomainRow) -> Client:
    client = Client()
    answer = client.post("/sign-in", {"username": "boss", "password": "boss's password", "domain": "acme"})
    assert answer.status_code == 302, answer.content
    return client


def test_a_domains_manager_sees_that_domain_alone(boss: Client) -> None:
    panels = {one["panel"] for one in boss.get("/menu.json").json()["panels"]}
    assert {"projects", "users", "groups", "roles"} <= panels
    assert not panels & {"instances", "networks", "hosts", "identity-providers", "mappings", "credentials"}
    assert b"The domain acme" in boss.get("/").content
    for path, own, foreign in (
        ("/projects", "acme-web", "demo"), ("/users", "acme-lin", ">admin<"), ("/groups", "acme-ops", "none"),
    ):  # fmt: skip
        page = boss.get(path).content.decode()
        body = page.partition("<tbody>")[2].partition("</tbody>")[0]
        assert own in body and foreign not in body, path
    assert boss.get(f"/users/{User.objects.get(name='demo').pk}").status_code == 403
    assert boss.get(f"/projects/{project().pk}").status_code == 403


def test_a_domains_manager_makes_things_in_it(boss: Client, acme: DomainRow) -> None:
    made = boss.post("/users/create", {
        "name": "new", "domain_id": acme.pk, "password": "a long password", "again": "a long password", "enabled": "on",
    }, **HX)  # fmt: skip
    assert made.status_code == 204, made.content
    assert User.objects.get(name="new").domain_id == acme.pk
    elsewhere = {"name": "spy", "domain_id": "default", "password": "a long password", "again": "a long password"}
    assert boss.post("/users/create", elsewhere, **HX).status_code == 422
    assert not User.objects.filter(name="spy").exists()
    row = project("acme-web")
    sent = {"holders-0-who": User.objects.get(name="new").pk, "holders-0-roles": [role("admin").pk]}
    assert boss.post(f"/projects/{row.pk}/members", sent, **HX).status_code == 422  # admin is not theirs to give
    sent["holders-0-roles"] = [role("member").pk]
    assert boss.post(f"/projects/{row.pk}/members", sent, **HX).status_code == 204


def test_a_context_narrows_an_operators_lists(admin: Client, acme: DomainRow) -> None:
    assert admin.post(f"/domains/{acme.pk}/context", **HX).status_code == 204
    page = admin.get("/users").content.decode()
    assert "acme-lin" in page and 'data-status="domain-context"' in page
    assert ">demo<" not in page.partition("<tbody>")[2]
    assert f'value="{acme.pk}" selected' in admin.get("/groups/create", **HX).content.decode()
    admin.post("/domains/clear-context", **HX)
    assert ">demo<" in admin.get("/users").content.decode().partition("<tbody>")[2]


def test_a_member_of_a_project_sees_none_of_it(demo: Client) -> None:
    for path in ("/projects", "/users", "/groups", "/roles", "/domains", "/identity-providers", "/mappings"):
        assert demo.get(path).status_code == 403, path
    assert demo.get(f"/projects/{project().pk}").status_code == 200  # one's own
    assert (
        demo.post(
            "/users/create", {"name": "x", "password": "12345678", "again": "12345678", "domain_id": "default"}, **HX
        ).status_code
        == 422
    )


# ── Lists ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_lists_are_narrowed_by_fields(admin: Client) -> None:
    demo = User.objects.get(name="demo")
    for query, rows in ((f"id={demo.pk}", 1), ("name=DEM", 1), ("enabled=False", 0), ("enabled=True&name=demo", 1)):
        page = admin.get(f"/users?{query}").content.decode()
        assert len(re.findall(r"<tr data-id=", page)) == rows, query


def test_a_list_as_a_file_holds_every_row_and_no_secret(admin: Client) -> None:
    User.objects.create(name="=cmd()", domain_id="default")
    answer = admin.get("/users?format=csv&name=cmd")
    assert answer["Content-Type"].startswith("text/csv") and b"attachment" in answer["Content-Disposition"].encode()
    text = answer.content.decode("utf-8-sig")
    assert text.splitlines()[0] == "Name,Enabled,Description,E-mail,Domain,ID,Age"
    assert "\n'=cmd()," in text.replace("\r", "")
    sent = {"user_id": User.objects.get(name="demo").pk, "type": "totp", "blob": "JBSWY3DPEHPK3PXP", "project_id": ""}
    assert admin.post("/credentials/create", sent, **HX).status_code == 204
    assert "JBSWY3DPEHPK3PXP" not in admin.get("/credentials?format=csv").content.decode()


def test_columns_that_are_put_away_stay_away(admin: Client) -> None:
    sent = {"of": "users", "all": "enabled e-mail id", "shown": ["enabled", "id"], "next": "/users"}
    assert admin.post("/columns", sent).status_code == 302
    head = admin.get("/users").content.decode().partition("<thead>")[2].partition("</thead>")[0]
    assert "E-mail" not in head and "Enabled" in head
    admin.post("/language", {"language": "zh-hans"})
    assert "电子邮件" not in admin.get("/users").content.decode().partition("<thead>")[2].partition("</thead>")[0]
    assert admin.post("/columns", {**sent, "next": "https://elsewhere.example.org/"})["Location"] == "/"


def test_several_at_once_say_what_went_wrong(admin: Client) -> None:
    users = [User.objects.create(name=name, domain_id="default") for name in ("one", "two")]
    ids = [user.pk for user in users]
    assert admin.post("/users/switch/disable", {"ids": [*ids, "nobody"]}, **HX).status_code == 204
    assert not User.objects.filter(pk__in=ids, enabled=True).exists()
    assert b"Could not find user: nobody" in admin.get("/users").content
    own = User.objects.get(name="admin").pk
    assert admin.post("/users/switch/disable", {"ids": [own]}, **HX).status_code == 204
    assert User.objects.get(pk=own).enabled and b"admin is you" in admin.get("/users").content
    path = f"/users/delete?ids={','.join(ids)}"
    assert b"Type 2 to confirm" in admin.get(path, **HX).content
    assert admin.post(path, {"typed": "1"}, **HX).status_code == 422
    assert admin.post(path, {"typed": "2"}, **HX).status_code == 204
    assert not User.objects.filter(pk__in=ids).exists()


# ── Settings, mappings, credentials ─────────────────────────────────────────────────────────────────────────────────


def test_own_credentials_are_ones_own(demo: Client, admin: Client) -> None:
    sent = {"type": "ec2", "blob": "", "project_id": project().pk}
    assert demo.post("/settings/credentials/create", sent, **HX).status_code == 204
    assert len(re.findall(rb"<tr data-id=", demo.get("/settings/credentials").content)) == 1
    assert len(re.findall(rb"<tr data-id=", admin.get("/settings/credentials").content)) == 0
    theirs = re.search(r'<tr data-id="([^"]+)"', admin.get("/credentials").content.decode())
    assert theirs
    admin.post("/settings/credentials/create", {"type": "totp", "blob": "JBSWY3DPEHPK3PXP", "project_id": ""}, **HX)
    mine = re.search(r'<tr data-id="([^"]+)"', admin.get("/settings/credentials").content.decode())
    assert mine and demo.get(f"/settings/credentials/{mine.group(1)}/edit", **HX).status_code == 403


def test_a_mapping_that_is_not_there_or_not_ones_own_is_a_sentence(admin: Client, demo: Client) -> None:
    """A refusal has no mapping to try: its page failed."""
    assert admin.get("/mappings/none").status_code == 404
    assert demo.get("/mappings/none").status_code == 403


def test_a_mapping_is_tried_on_an_assertion(admin: Client) -> None:
    rules = '[{"local": [{"user": {"name": "{0}"}, "group": {"id": "g1"}}], "remote": [{"type": "OIDC-sub"}]}]'
    for wrong in ("[{", '{"a": 1}', '[{"local": []}]'):
        answer = admin.post("/mappings/-/create", {"id": "m", "rules": wrong, "schema_version": "1.0"}, **HX)
        assert answer.status_code == 422 and errors_at(answer.content) == ["rules"], wrong
    assert (
        admin.post("/mappings/-/create", {"id": "m", "rules": rules, "schema_version": "1.0"}, **HX).status_code == 204
    )
    mapped = admin.post("/mappings/m/try", {"assertion": '{"sub": "lin"}'}, **HX).content.decode()
    assert 'data-status="mapped"' in mapped and "name: lin" in mapped and "g1" in mapped
    assert b'data-status="refused"' in admin.post("/mappings/m/try", {"assertion": '{"x": "lin"}'}, **HX).content
    assert b'data-status="invalid"' in admin.post("/mappings/m/try", {"assertion": "nonsense"}, **HX).content
    assert not User.objects.filter(name="lin").exists()


def test_a_client_secret_is_never_shown(admin: Client) -> None:
    provider = {"id": "company", "remote_ids": "https://id.example.org", "domain_id": "", "enabled": "on"}
    assert admin.post("/identity-providers/-/create", provider, **HX).status_code == 204
    sent = {"issuer": "https://127.0.0.1", "client_id": "web", "client_secret": "hush-hush", "scopes": "openid"}
    answer = admin.post("/identity-providers/company/openid", {**sent, "issuer": "http://id.example.org"}, **HX)
    assert answer.status_code == 422 and errors_at(answer.content) == ["issuer"]
    assert b"hush-hush" not in admin.get("/identity-providers/company").content


def test_log_lines_are_a_setting(demo: Client, make_servers: Any, settings: Any) -> None:
    server = make_servers(1)[0]
    (settings.CONSOLE_LOGS / f"{server.id}.log").write_text("".join(f"line {n}\n" for n in range(500)))
    now = {"language": "en", "zone": "UTC", "page_size": "40", "theme": "auto", "density": "normal"}
    assert demo.post("/settings", {**now, "log_lines": "50"}).status_code == 302
    told = demo.get(f"/instances/{server.id}/log/tail").json()
    assert (
        told["text"].startswith("line 450\n")
        and told["to"] == (settings.CONSOLE_LOGS / f"{server.id}.log").stat().st_size
    )
    assert len(demo.get(f"/instances/{server.id}/log/tail?download=1").content.splitlines()) == 500


def test_an_unknown_region_is_not_chosen(demo: Client) -> None:
    demo.post("/settings/region", {"region": "Nowhere", "next": "/"})
    assert b"region_name: RegionOne" in demo.get("/api-access/clouds.yaml").content
