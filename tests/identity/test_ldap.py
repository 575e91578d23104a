"""A domain whose people live in an LDAP directory: Debian's slapd, asked over the network."""

import hashlib
import logging
import socket
from collections.abc import Iterator
from typing import Any

import ldap3
import pytest

from identity.assignments import services as assignments
from identity.ldap import connection, people
from identity.models import DirectoryId, DomainOption, User
from tests.identity.conftest import DEMO, Api, SignIn, password_body, project, role
from tests.identity.directory import GROUPS, MANAGER_PASSWORD, PASSWORD, PEOPLE, READER_PASSWORD, Slapd

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    found = Slapd(tmp_path_factory.mktemp("slapd"))
    yield found
    found.stop()


@pytest.fixture
def slapd(server: Slapd) -> Slapd:
    server.reset()
    return server


@pytest.fixture
def domain(admin: Api, slapd: Slapd) -> str:
    """A domain "staff" in the directory."""
    id = admin.post("/domains", {"domain": {"name": "staff"}})["domain"]["id"]
    admin.call("put", f"/domains/{id}/config", {"config": slapd.options()}, 201)
    return str(id)


def configure(admin: Api, domain: str, **options: Any) -> None:
    admin.patch(f"/domains/{domain}/config/ldap", {"config": {"ldap": options}})


def names(admin: Api, domain: str, what: str = "users", more: str = "") -> set[str]:
    return {one["name"] for one in admin.get(f"/{what}?domain_id={domain}{more}")[what]}


def ids(admin: Api, domain: str) -> dict[str, str]:
    return {one["name"]: one["id"] for one in admin.get(f"/users?domain_id={domain}")["users"]}


# ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_users_are_listed_and_shown_with_keystone_s_ids(admin: Api, domain: str) -> None:
    found = {one["name"]: one for one in admin.get(f"/users?domain_id={domain}")["users"]}
    assert set(found) == {"ann", "bea", "cid"}
    assert found["ann"]["id"] == hashlib.sha256(f"{domain}userann".encode()).hexdigest()
    assert found["ann"]["email"] == "ann@example.org" and found["ann"]["domain_id"] == domain
    assert (found["ann"]["enabled"], found["cid"]["enabled"]) == (True, False)
    assert admin.get(f"/users/{found['bea']['id']}")["user"]["name"] == "bea"
    assert names(admin, domain, more="&name=bea") == {"bea"}
    assert names(admin, domain, more="&name__contains=a") == {"ann", "bea"}
    assert "ann" not in names(admin, "default")


def test_groups_and_their_members(admin: Api, domain: str) -> None:
    (group,) = admin.get(f"/groups?domain_id={domain}")["groups"]
    assert group["name"] == "ops" and group["description"] == "Operations"
    assert group["id"] == hashlib.sha256(f"{domain}groupops".encode()).hexdigest()
    assert {one["name"] for one in admin.get(f"/groups/{group['id']}/users")["users"]} == {"ann", "bea"}
    mine = ids(admin, domain)
    assert [one["id"] for one in admin.get(f"/users/{mine['ann']}/groups")["groups"]] == [group["id"]]
    admin.call("head", f"/groups/{group['id']}/users/{mine['ann']}", None, 204)
    admin.call("head", f"/groups/{group['id']}/users/{mine['cid']}", None, 404)


def test_what_the_directory_changes_is_seen(admin: Api, domain: str, slapd: Slapd) -> None:
    mine = ids(admin, domain)
    with slapd.manager() as manager:
        assert manager.modify(f"uid=ann,{PEOPLE}", {"mail": [(ldap3.MODIFY_REPLACE, ["new@example.org"])]})
        assert manager.delete(f"uid=bea,{PEOPLE}")
    assert admin.get(f"/users/{mine['ann']}")["user"]["email"] == "new@example.org"
    admin.get(f"/users/{mine['bea']}", 404)
    assert names(admin, domain) == {"ann", "cid"}
    assert User.objects.filter(pk=mine["bea"], enabled=False).exists()  # its roles wait for its return
    with slapd.manager() as manager:
        more = {"uid": "bea", "cn": "Bea", "sn": "Ray", "employeeType": "TRUE"}
        assert manager.add(f"uid=bea,{PEOPLE}", ["inetOrgPerson"], more)
    assert admin.get(f"/users?domain_id={domain}&name=bea")["users"][0]["id"] == mine["bea"]


def test_pages_filters_and_scopes(admin: Api, domain: str, slapd: Slapd) -> None:
    with slapd.manager() as manager:
        for number in range(25):
            person = {"uid": f"u{number:02}", "cn": "x", "sn": "x", "employeeType": "TRUE"}
            assert manager.add(f"uid=u{number:02},{PEOPLE}", ["inetOrgPerson"], person)
        assert manager.add(f"ou=below,{PEOPLE}", ["organizationalUnit"], {"ou": "below"})
        deep = {"uid": "deep", "cn": "x", "sn": "x", "employeeType": "TRUE"}
        assert manager.add(f"uid=deep,ou=below,{PEOPLE}", ["inetOrgPerson"], deep)
    configure(admin, domain, page_size=7)
    assert len(names(admin, domain)) == 28
    configure(admin, domain, query_scope="sub")
    assert "deep" in names(admin, domain)
    configure(admin, domain, user_filter="(uid=a*)")
    assert names(admin, domain) == {"ann"}


@pytest.mark.parametrize(
    "options, enabled",
    [
        ({"user_enabled_invert": True}, {"cid"}),
        ({"user_enabled_attribute": None}, {"ann", "bea", "cid"}),
        ({"user_enabled_attribute": None, "user_enabled_default": "False"}, set()),
        ({"user_enabled_attribute": "title", "user_enabled_mask": 2, "user_enabled_default": "512"}, {"ann", "bea"}),
        ({"user_enabled_emulation": True, "user_enabled_emulation_dn": f"cn=ops,{GROUPS}"}, {"ann", "bea"}),
    ],
)
def test_the_ways_to_say_who_is_enabled(
    admin: Api, domain: str, slapd: Slapd, options: dict[str, Any], enabled: set[str]
) -> None:
    with slapd.manager() as manager:
        assert manager.modify(f"uid=cid,{PEOPLE}", {"title": [(ldap3.MODIFY_ADD, ["514"])]})
    configure(admin, domain, **options)
    found = admin.get(f"/users?domain_id={domain}")["users"]
    assert {one["name"] for one in found if one["enabled"]} == enabled


def test_members_may_be_ids_and_attributes_may_be_the_operator_s_own(admin: Api, domain: str, slapd: Slapd) -> None:
    with slapd.manager() as manager:
        assert manager.add(
            f"cn=unix,{GROUPS}", ["posixGroup"], {"cn": "unix", "gidNumber": "1", "memberUid": ["ann", "ghost"]}
        )
    own = {"group_objectclass": "posixGroup", "group_member_attribute": "memberUid", "group_members_are_ids": True}
    configure(admin, domain, **own, user_additional_attribute_mapping=["cn:full_name"])
    (group,) = admin.get(f"/groups?domain_id={domain}")["groups"]
    assert {one["name"] for one in admin.get(f"/groups/{group['id']}/users")["users"]} == {"ann"}
    assert admin.get(f"/users/{ids(admin, domain)['ann']}")["user"]["full_name"] == "Ann Lee"


# ── Signing in ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bind_signs_in_and_groups_give_roles(admin: Api, domain: str, sign_in: SignIn) -> None:
    (group,) = admin.get(f"/groups?domain_id={domain}")["groups"]
    assignments.grant(
        role("member"), on="project", object_id=project("demo").pk, subject="group", subject_id=group["id"]
    )
    scope = {"project": {"id": project("demo").pk}}
    ann = sign_in("ann", PASSWORD, scope, domain)
    token = ann.get("/auth/tokens", x_subject_token=ann.token)["token"]
    assert {one["name"] for one in token["roles"]} == {"member", "reader"}
    assert token["user"]["domain"] == {"id": domain, "name": "staff"}
    Api().post("/auth/tokens", password_body("ann", "wrong", None, domain), 401)
    Api().post("/auth/tokens", password_body("cid", PASSWORD, None, domain), 401)  # disabled
    Api().post("/auth/tokens", password_body("nobody", PASSWORD, None, domain), 401)
    assert sign_in("demo", DEMO)  # other domains do not notice


def test_someone_nobody_listed_can_sign_in_and_an_empty_password_never_does(domain: str) -> None:
    assert not DirectoryId.objects.exists()
    Api().post("/auth/tokens", password_body("ann", "", None, domain), 401)
    Api().post("/auth/tokens", password_body("ann", PASSWORD, None, domain), 201)
    assert User.objects.get(name="ann").password == ""


@pytest.mark.parametrize("name", ["*", "ann)(uid=*", "ann*", "a\\6en", ")(|(uid=*))", "(", "\\"])
def test_a_name_is_never_a_filter(admin: Api, domain: str, name: str) -> None:
    Api().post("/auth/tokens", password_body(name, PASSWORD, None, domain), 401)
    assert admin.call("get", f"/users?domain_id={domain}", None, 200)
    found = admin.call("get", "/users", None, 200)
    assert found
    assert people.refresh_named(domain, "user", name) is None


def test_leaving_a_group_takes_its_roles_at_the_next_look(
    admin: Api, domain: str, slapd: Slapd, sign_in: SignIn
) -> None:
    (group,) = admin.get(f"/groups?domain_id={domain}")["groups"]
    assignments.grant(
        role("member"), on="project", object_id=project("demo").pk, subject="group", subject_id=group["id"]
    )
    scope = {"project": {"id": project("demo").pk}}
    ann, bea = sign_in("ann", PASSWORD, scope, domain), sign_in("bea", PASSWORD, scope, domain)
    with slapd.manager() as manager:
        gone = {"member": [(ldap3.MODIFY_DELETE, [f"uid=ann,{PEOPLE}"])]}
        assert manager.modify(f"cn=ops,{GROUPS}", gone)
        assert manager.delete(f"uid=bea,{PEOPLE}")
    people.look_at(domain)
    ann.get("/auth/projects", 401)
    bea.get("/auth/projects", 401)


def test_a_local_account_is_not_taken_over_by_an_entry_of_its_name(admin: Api, slapd: Slapd) -> None:
    id = admin.post("/domains", {"domain": {"name": "mixed"}})["domain"]["id"]
    body = {"user": {"name": "ann", "domain_id": id, "password": "ann's own"}}
    local = admin.post("/users", body)["user"]["id"]
    admin.call("put", f"/domains/{id}/config", {"config": slapd.options()}, 201)
    Api().post("/auth/tokens", password_body("ann", PASSWORD, None, id), 401)
    Api().post("/auth/tokens", password_body("ann", "ann's own", None, id), 201)
    assert {one["id"] for one in admin.get(f"/users?domain_id={id}&name=ann")["users"]} == {local}


# ── What cannot be done ─────────────────────────────────────────────────────────────────────────────────────────────


def test_writing_is_403_as_in_keystone(admin: Api, domain: str) -> None:
    ann = ids(admin, domain)["ann"]
    (group,) = admin.get(f"/groups?domain_id={domain}")["groups"]
    for method, path, body in (
        ("post", "/users", {"user": {"name": "new", "domain_id": domain}}),
        ("patch", f"/users/{ann}", {"user": {"email": "x@y.z"}}),
        ("delete", f"/users/{ann}", None),
        ("post", "/groups", {"group": {"name": "new", "domain_id": domain}}),
        ("patch", f"/groups/{group['id']}", {"group": {"description": "x"}}),
        ("delete", f"/groups/{group['id']}", None),
        ("put", f"/groups/{group['id']}/users/{ann}", None),
        ("delete", f"/groups/{group['id']}/users/{ann}", None),
        ("post", f"/users/{ann}/password", {"user": {"original_password": PASSWORD, "password": "x"}}),
    ):
        answer = admin.call(method, path, body, 403)
        assert answer.json()["error"]["message"] == "LDAP does not support write operations", path


def test_a_directory_that_is_down_is_503_with_the_reason(admin: Api, domain: str, slapd: Slapd, caplog: Any) -> None:
    ann = ids(admin, domain)["ann"]
    Api().post("/auth/tokens", password_body("ann", PASSWORD, None, domain), 201)
    slapd.stop()
    with caplog.at_level(logging.DEBUG):
        for path in (f"/users?domain_id={domain}", f"/users/{ann}", f"/groups?domain_id={domain}"):
            answer = admin.call("get", path, None, 503)
            assert f"The directory of domain {domain} cannot be asked" in answer.json()["error"]["message"]
            assert answer["Retry-After"]
        Api().post("/auth/tokens", password_body("ann", PASSWORD, None, domain), 503)
        people.look_at(domain)
    assert admin.get("/users?domain_id=default")["users"]
    assert User.objects.get(pk=ann).enabled  # nobody is lost while it is down
    for secret in (PASSWORD, READER_PASSWORD, MANAGER_PASSWORD):
        assert secret not in caplog.text
    slapd.start()
    assert "ann" in names(admin, domain)


def test_a_directory_that_hangs_is_waited_for_once(admin: Api, domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER", 2)
    monkeypatch.setattr(connection, "QUIET", 60.0)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        configure(admin, domain, url=f"ldap://127.0.0.1:{mute.getsockname()[1]}")
        admin.call("get", f"/users?domain_id={domain}", None, 503)
        with monkeypatch.context() as never:
            never.setattr(connection, "_open_at", lambda *args: pytest.fail("asked again"))
            admin.call("get", f"/users?domain_id={domain}", None, 503)


def test_a_wrong_account_of_ours_is_a_sentence_and_no_password_in_it(admin: Api, domain: str) -> None:
    configure(admin, domain, password="not it")
    answer = admin.call("get", f"/users?domain_id={domain}", None, 503)
    assert "ldap.user and ldap.password" in answer.json()["error"]["message"] and b"not it" not in answer.content
    configure(admin, domain, password=READER_PASSWORD, url="ldapi:///run/x")
    answer = admin.call("get", f"/users?domain_id={domain}", None, 503)
    assert "url must be ldap:// or ldaps://" in answer.json()["error"]["message"]


def test_the_password_of_the_configuration_is_encrypted_and_not_shown(admin: Api, domain: str) -> None:
    stored = DomainOption.objects.get(domain_id=domain, option="password").value
    assert READER_PASSWORD not in stored
    assert "password" not in admin.get(f"/domains/{domain}/config")["config"]["ldap"]


def test_tls_is_checked(admin: Api, domain: str, slapd: Slapd) -> None:
    ca = str(slapd.folder / "ca.pem")
    for url, use_tls in ((f"ldaps://127.0.0.1:{slapd.tls_port}", False), (f"ldap://127.0.0.1:{slapd.port}", True)):
        configure(admin, domain, url=url, use_tls=use_tls, tls_cacertfile=None)
        admin.call("get", f"/users?domain_id={domain}", None, 503)
        configure(admin, domain, tls_cacertfile=ca)
        assert "ann" in names(admin, domain)
        Api().post("/auth/tokens", password_body("ann", PASSWORD, None, domain), 201)
        configure(admin, domain, tls_cacertfile=None, tls_req_cert="never")
        assert "ann" in names(admin, domain)
        configure(admin, domain, tls_req_cert="demand")


def test_a_second_server_answers_when_the_first_does_not(admin: Api, domain: str, slapd: Slapd) -> None:
    configure(admin, domain, url=f"ldap://127.0.0.1:9,ldap://127.0.0.1:{slapd.port}")
    assert "ann" in names(admin, domain)


def test_two_entries_of_one_name_and_one_that_moves(admin: Api, domain: str, slapd: Slapd) -> None:
    configure(admin, domain, user_name_attribute="cn")
    with slapd.manager() as manager:
        assert manager.delete(f"uid=bea,{PEOPLE}")
        heir = {"uid": "heir", "cn": "Bea Ray", "sn": "Ray", "employeeType": "TRUE"}
        before = ids(admin, domain)
        assert manager.add(f"uid=heir,{PEOPLE}", ["inetOrgPerson"], heir)
    after = ids(admin, domain)
    assert "Bea Ray" not in before and after["Bea Ray"] == hashlib.sha256(f"{domain}userheir".encode()).hexdigest()
