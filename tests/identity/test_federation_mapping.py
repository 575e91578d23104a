"""The mapping engine: what rules make of claims, without any provider. Keystone's own cases, and what must not happen."""

from typing import Any

import pytest

from identity.federation import assertions, shadow
from identity.federation.rules import NotMapped, evaluate
from identity.models import Project, Protocol, User, UserProjectRole
from tests.identity.conftest import Api, role, user

WHO = {"type": "name"}


def mapped(local: Any, remote: Any, claims: Any, version: str = "1.0") -> Any:
    rules = [{"local": local if isinstance(local, list) else [local], "remote": remote}]
    return evaluate("m", rules, version, assertions.from_claims(claims))


def test_places_are_filled_in_the_order_of_what_keeps_values() -> None:
    remote = [{"type": "first"}, {"type": "kind", "any_one_of": ["staff"]}, {"type": "last"}, {"type": "mail"}]
    claims = {"first": "Ann", "kind": "staff", "last": "Lee", "mail": "a@b.c"}
    found = mapped({"user": {"name": "{0} {1}", "email": "{2}"}}, remote, claims)
    assert found.user == {"name": "Ann Lee", "email": "a@b.c", "type": "ephemeral"}


@pytest.mark.parametrize(
    "need, values, fits",
    [
        ({"any_one_of": ["a", "b"]}, ["b", "c"], True),
        ({"any_one_of": ["a"]}, ["b"], False),
        ({"not_any_of": ["a"]}, ["b"], True),
        ({"not_any_of": ["a"]}, ["a", "b"], False),
        ({"any_one_of": [".*@example.org$"], "regex": True}, ["x@example.org"], True),
        ({"any_one_of": [".*@example.org$"], "regex": True}, ["x@example.com"], False),
        ({"not_any_of": ["^evil"], "regex": True}, ["evil twin"], False),
        ({"any_one_of": ["a"]}, [], False),
    ],
)
def test_conditions(need: Any, values: list[str], fits: bool) -> None:
    remote = [WHO, {"type": "group", **need}]
    claims = {"name": "ann", "group": values}
    if fits:
        assert mapped({"user": {"name": "{0}"}}, remote, claims).user["name"] == "ann"
    else:
        with pytest.raises(NotMapped):
            mapped({"user": {"name": "{0}"}}, remote, claims)


@pytest.mark.parametrize(
    "need, names",
    [
        ({}, ["a", "b", "ops-x"]),
        ({"whitelist": ["a", "z"]}, ["a"]),
        ({"blacklist": ["a"]}, ["b", "ops-x"]),
        ({"whitelist": ["^ops-"], "regex": True}, ["ops-x"]),
        ({"blacklist": ["^ops-", "b"], "regex": True}, ["a"]),
        ({"whitelist": ["z"]}, []),
    ],
)
def test_lists_of_groups(need: Any, names: list[str]) -> None:
    local = [{"user": {"name": "{0}"}}, {"groups": "{1}", "domain": {"name": "Default"}}]
    found = mapped(local, [WHO, {"type": "group", **need}], {"name": "ann", "group": ["a", "b", "ops-x"]})
    assert [group["name"] for group in found.groups] == names
    assert all(group["domain"] == {"name": "Default"} for group in found.groups)


def test_group_ids_groups_by_name_and_the_first_user_wins() -> None:
    rules = [
        {"remote": [WHO], "local": [{"user": {"name": "{0}"}, "group": {"id": "g1"}}, {"group_ids": "['g2', 'g3']"}]},
        {"remote": [WHO], "local": [{"user": {"name": "second"}}, {"group": {"name": "{0}", "domain": {"id": "d"}}}]},
    ]
    found = evaluate("m", rules, "1.0", {"name": ["ann"]})
    assert found.user["name"] == "ann" and found.group_ids == ["g1", "g2", "g3"]
    assert found.groups == [{"name": "ann", "domain": {"id": "d"}}]


@pytest.mark.parametrize("name", ["a;admins", "['admins', 'x']", "{0.__class__}", "{1}", 'JSON:{"a"}x'])
def test_a_claim_cannot_smuggle_in_more_than_it_is(name: str) -> None:
    local = [{"user": {"name": "{0}"}}, {"group": {"name": "{0}", "domain": {"id": "d"}}}, {"group_ids": "{0}"}]
    found = mapped(local, [WHO], {"name": name})
    assert found.user["name"] == name
    assert found.groups == [{"name": name, "domain": {"id": "d"}}] and found.group_ids == [name]


def test_rules_that_cannot_be_filled_in_are_refused() -> None:
    for local in ({"user": {"name": "{1}"}}, {"groups": "{0}"}):
        with pytest.raises(NotMapped):
            mapped(local, [WHO], {"name": "ann"})


def test_domains_of_users_and_projects_by_schema_version() -> None:
    local = {
        "user": {"name": "{0}"},
        "projects": [{"name": "p", "roles": [{"name": "member"}]}],
        "domain": {"name": "d"},
    }
    old, new = (mapped(local, [WHO], {"name": "ann"}, version) for version in ("1.0", "2.0"))
    assert "domain" not in old.user and "domain" not in old.projects[0]
    assert new.user["domain"] == new.projects[0]["domain"] == {"name": "d"}


def test_projects_as_json_of_the_provider() -> None:
    local = {"user": {"name": "{0}"}, "projects_json": "{1}"}
    projects = '[{"name": "p", "domain": {"id": "d"}, "roles": [{"name": "member"}]}]'
    found = mapped(local, [WHO, {"type": "projects"}], {"name": "ann", "projects": projects}, "3.0")
    assert found.projects == [{"name": "p", "domain": {"id": "d"}, "roles": [{"name": "member"}]}]
    for bad in ("[", '[{"name": "p"}]', '[{"name": "p", "roles": [], "is_domain": true}]'):
        with pytest.raises(NotMapped):
            mapped(local, [WHO, {"type": "projects"}], {"name": "ann", "projects": bad}, "3.0")


@pytest.mark.parametrize(
    "rules, version",
    [
        ([], "1.0"),
        ([{"remote": [], "local": []}], "1.0"),
        ([{"remote": [WHO], "local": [{"user": {"name": "{0}", "type": "strange"}}]}], "1.0"),
        ([{"remote": [WHO], "local": [{"shell": "rm"}]}], "1.0"),
        ([{"remote": [{"type": "a", "any_one_of": ["x"], "not_any_of": ["y"]}], "local": []}], "1.0"),
        ([{"remote": [{"type": "a", "any_one_of": ["("], "regex": True}], "local": []}], "1.0"),
        ([{"remote": [WHO], "local": [{"projects_json": "{0}"}]}], "2.0"),
        ([{"remote": [WHO], "local": [{"user": {"name": "{0}"}}]}], "4.0"),
    ],
)
def test_rules_that_are_no_rules_are_400(admin: Api, rules: Any, version: str) -> None:
    admin.put("/OS-FEDERATION/mappings/m", {"mapping": {"rules": rules, "schema_version": version}}, 400)


def test_a_client_may_send_no_version_and_the_id_again(admin: Api) -> None:
    rules = [{"remote": [WHO], "local": [{"user": {"name": "{0}"}}]}]
    made = admin.put("/OS-FEDERATION/mappings/m", {"mapping": {"id": "m", "rules": rules, "schema_version": None}}, 201)
    assert made["mapping"]["id"] == "m"
    assert made["mapping"]["schema_version"] == "1.0"
    admin.patch("/OS-FEDERATION/mappings/m", {"mapping": {"schema_version": "2.0"}})
    kept = admin.patch("/OS-FEDERATION/mappings/m", {"mapping": {"rules": rules, "schema_version": None}})
    assert kept["mapping"]["schema_version"] == "2.0"


# ── Users, projects, roles ──────────────────────────────────────────────────────────────────────────────────────────


def protocol(admin: Api, rules: Any, version: str = "1.0") -> Protocol:
    admin.put("/OS-FEDERATION/identity_providers/idp", {"identity_provider": {"enabled": True}}, 201)
    admin.put("/OS-FEDERATION/mappings/m", {"mapping": {"rules": rules, "schema_version": version}}, 201)
    admin.put("/OS-FEDERATION/identity_providers/idp/protocols/mapped", {"protocol": {"mapping_id": "m"}}, 201)
    return shadow.find_protocol("idp", "mapped")


def come(protocol: Protocol, **claims: Any) -> User:
    return shadow.user_of(Protocol.objects.get(pk=protocol.pk), assertions.from_claims(claims), "")


def test_a_local_user_is_the_one_who_is_here(admin: Api) -> None:
    local = {"user": {"name": "{0}", "type": "local", "domain": {"id": "default"}}}
    found = protocol(admin, [{"remote": [WHO], "local": [local]}])
    assert come(found, name="demo") == user("demo")
    with pytest.raises(NotMapped):
        come(found, name="nobody")
    User.objects.filter(name="demo").update(enabled=False)
    with pytest.raises(NotMapped):
        come(found, name="demo")


def test_an_ephemeral_user_is_never_a_local_one_of_that_name(admin: Api) -> None:
    rules = [{"remote": [WHO], "local": [{"user": {"name": "{0}", "domain": {"id": "default"}}}]}]
    found = come(protocol(admin, rules), name="admin")
    assert found != user("admin") and found.name.startswith("admin (") and found.domain_id == "default"
    assert not found.groups.exists() and found.password == ""
    Api().post("/auth/tokens", {"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": found.pk, "password": ""}}}}}, 401)  # fmt: skip


def test_another_provider_s_user_of_the_same_domain_and_id_is_not_taken_over(admin: Api) -> None:
    rules = [{"remote": [WHO], "local": [{"user": {"id": "{0}", "domain": {"id": "default"}}}]}]
    first = come(protocol(admin, rules), name="ann")
    admin.put("/OS-FEDERATION/identity_providers/other", {"identity_provider": {"enabled": True}}, 201)
    for provider in ("other", "idp"):
        path = f"/OS-FEDERATION/identity_providers/{provider}/protocols/second"
        admin.put(path, {"protocol": {"mapping_id": "m"}}, 201)
    with pytest.raises(NotMapped):
        come(shadow.find_protocol("other", "second"), name="ann")
    assert come(shadow.find_protocol("idp", "second"), name="ann") == first


def test_who_is_disabled_here_stays_outside(admin: Api) -> None:
    found = protocol(admin, [{"remote": [WHO], "local": [{"user": {"id": "{0}"}}]}])
    someone = come(found, name="ann")
    User.objects.filter(pk=someone.pk).update(enabled=False)
    with pytest.raises(NotMapped):
        come(found, name="ann")


def test_version_3_takes_the_roles_that_the_provider_no_longer_names(admin: Api) -> None:
    def rules(*roles: str) -> Any:
        projects = [{"name": "p", "roles": [{"name": name} for name in roles]}]
        return [{"remote": [WHO], "local": [{"user": {"name": "{0}"}, "projects": projects}]}]

    found = protocol(admin, rules("member", "manager"), "3.0")
    someone = come(found, name="ann")
    assert Project.objects.get(name="p").domain_id == found.provider.domain_id
    assert UserProjectRole.objects.filter(user=someone).count() == 2
    admin.patch("/OS-FEDERATION/mappings/m", {"mapping": {"rules": rules("member"), "schema_version": "3.0"}})
    come(found, name="ann")
    assert [row.permission_id for row in UserProjectRole.objects.filter(user=someone)] == [role("member").permission_id]


def test_an_unknown_role_or_group_id_makes_nothing(admin: Api) -> None:
    local = {"user": {"name": "{0}"}, "projects": [{"name": "p", "roles": [{"name": "wizard"}]}]}
    found = protocol(admin, [{"remote": [WHO], "local": [local]}])
    with pytest.raises(Exception, match="wizard"):
        come(found, name="ann")
    admin.patch("/OS-FEDERATION/mappings/m", {"mapping": {"rules": [{"remote": [WHO], "local": [{"user": {"name": "{0}"}, "group": {"id": "gone"}}]}]}})  # fmt: skip
    with pytest.raises(NotMapped):
        come(found, name="ann")
    assert not Project.objects.filter(name="p").exists() and not User.objects.filter(name="ann").exists()


# ── Addresses of providers ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.process
@pytest.mark.parametrize(
    "address, issuer, good",
    [
        ("93.184.216.34", "", True),
        ("93.184.216.34", "https://else.example", True),
        ("10.0.0.5", "https://id.example", True),
        ("10.0.0.5", "https://else.example", False),
        ("127.0.0.1", "https://id.example", False),
        ("169.254.169.254", "https://id.example", False),
        ("::1", "", False),
    ],
)
def test_where_a_provider_may_lead_us(db: None, monkeypatch: Any, address: str, issuer: str, good: bool) -> None:
    import socket

    from common import fetch
    from identity.federation import fetching

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 0, "", (address, 443))]
    monkeypatch.setattr(fetch.socket, "getaddrinfo", lambda *words, **more: found)
    monkeypatch.setattr(fetch, "_left", lambda url, until: 0.001)  # who may be asked is not there
    with pytest.raises(fetching.ProviderSilent if good else fetching.BadAddress):
        fetching.get_json("https://id.example/keys", issuer=issuer)


def test_plain_http_is_for_tests_on_loopback_only(settings: Any) -> None:
    from identity.federation import fetching

    fetching.check_address("http://127.0.0.1:1/")
    settings.TESTING = False
    for url in ("http://127.0.0.1:1/", "http://id.example/", "https://", "https://user@id.example/"):
        with pytest.raises(fetching.BadAddress):
            fetching.check_address(url)
    fetching.check_address("https://id.example/")
