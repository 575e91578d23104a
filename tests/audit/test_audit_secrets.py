"""7: tokens, tickets, signatures in addresses, passwords and user data are in no record, wherever they were sent."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from audit import cadf, context, scrub
from audit.models import Event
from authorization.context import RequestContext
from identity.models import Project, User
from tests.audit.conftest import AUTH, password
from tests.openstackapi.asking import ADMIN, Asker
from tests.simulated import Cloud

IDENTITY, COMPUTE, IMAGE, NETWORK = "/api/identity/v3", "/api/compute/v2.1", "/api/image/v2", "/api/network/v2.0"
MARK = "zarquonic"


def every_record() -> str:
    return json.dumps([cadf.as_dict(row) for row in Event.objects.all()])


def test_no_secret_of_any_kind_is_in_a_record(world: Cloud, askers: Callable[[], dict[str, Asker]]) -> None:
    """7: a marker in each place where a secret is sent; then every record is read."""
    admin = askers()["admin"]
    mine = User.objects.get(name="admin").pk
    made = admin.make(f"{IDENTITY}/users", {"user": {"name": "u", "password": f"{MARK}-1"}})
    for body in ({"password": f"{MARK}-2"}, {"name": "v", "extra_password": f"{MARK}-3"}):
        assert admin.ask("patch", f"{IDENTITY}/users/{made['id']}", json.dumps({"user": body})).status_code == 200
    own = json.dumps({"user": {"original_password": f"{MARK}-2", "password": f"{MARK}-4"}})
    assert Asker("").ask("post", f"{IDENTITY}/users/{made['id']}/password", own).status_code == 204
    admin.make(f"{IDENTITY}/credentials", {"credential": {"type": "cert", "blob": f"{MARK}-5", "user_id": mine}})
    chosen = {"application_credential": {"name": "c", "secret": f"{MARK}-6"}}
    admin.make(f"{IDENTITY}/users/{mine}/application_credentials", chosen)
    made_secret = admin.make(
        f"{IDENTITY}/users/{mine}/application_credentials", {"application_credential": {"name": "d"}}
    )["secret"]
    ec2 = admin.make(f"{IDENTITY}/users/{mine}/credentials/OS-EC2", {"tenant_id": _project(admin)})["secret"]
    domain = {"config": {"ldap": {"url": "ldap://127.0.0.1", "user": "cn=x", "password": f"{MARK}-7"}}}
    admin.ask("put", f"{IDENTITY}/domains/default/config", json.dumps(domain))
    image = admin.make(f"{IMAGE}/images", {
        "name": "i", "disk_format": "raw", "container_format": "bare", "my_secret": f"{MARK}-8",
        "source": f"https://user:{MARK}-9@example.org/image?X-Amz-Signature={MARK}-10",
    })  # fmt: skip
    assert (
        admin.ask("put", f"{IMAGE}/images/{image['id']}/file", b"\0" * 512, "application/octet-stream").status_code
        == 204
    )
    key = admin.ask("post", f"{COMPUTE}/os-keypairs", json.dumps({"keypair": {"name": "k"}})).json()["keypair"][
        "private_key"
    ]
    network = admin.make(f"{NETWORK}/networks", {"network": {"name": "n"}})
    admin.make(f"{NETWORK}/subnets", {"subnet": {"network_id": network["id"], "cidr": "10.9.0.0/24", "ip_version": 4}})
    server = {
        "name": "s", "imageRef": image["id"], "flavorRef": "tiny", "networks": [{"uuid": network["id"]}], "key_name": "k",
        "user_data": base64.b64encode(f"#!/bin/sh {MARK}-11".encode()).decode(), "adminPass": f"{MARK}-12",
        "metadata": {"db_password": f"{MARK}-13", "link": f"https://example.org/?sig={MARK}-14"},
        "personality": [{"path": "/x", "contents": base64.b64encode(f"{MARK}-15".encode()).decode()}],
    }  # fmt: skip
    found = admin.make(f"{COMPUTE}/servers", {"server": server})
    world.settle()
    for action in (
        {"changePassword": {"adminPass": f"{MARK}-16"}},
        {"rebuild": {"imageRef": image["id"], "adminPass": f"{MARK}-17"}},
    ):
        admin.ask("post", f"{COMPUTE}/servers/{found['id']}/action", json.dumps(action))
    Asker("").ask("post", AUTH, password("admin", f"{MARK}-18"))
    Asker("").ask("post", AUTH, password(f"{MARK}-19", "x"))
    Asker("").ask("post", AUTH, json.dumps({"auth": {"identity": {"methods": [f"{MARK}-20"], f"{MARK}-20": {}}}}))
    for one in (0, 1):
        admin.ask(
            "get",
            f"{COMPUTE}/servers/{found['id']}?token={MARK}-21",
            headers={"User-Agent": f"x https://a/?sig={MARK}-{one}"},
        )
    whole = every_record()
    assert Event.objects.count() > 15
    encoded = base64.b64encode(MARK.encode()).decode()[:9]
    secrets = [MARK, encoded, admin.token, made_secret, ec2, ADMIN, key.split("\n")[2]]
    assert [text[:30] for text in secrets if text in whole] == []
    assert whole.count(scrub.HIDDEN) > 5 and scrub.CHANGED in whole


def _project(asker: Asker) -> str:
    answer = asker.ask("get", AUTH, headers={"X-Subject-Token": asker.token})
    return str(answer.json()["token"]["project"]["id"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("https://user:word@host:8443/p?sig=1#frag", "https://host:8443/p?***"),
        ("see https://h/a?token=b and http://c:d@e", "see https://h/a?*** and http://e"),
        ("https://[broken", "https://[broken"),
        ('url="https://u:word@h/p"', 'url="https://h/p"'),
        ("dsn=postgres://u:word@h/db", "dsn=postgres://h/db"),
        ('{"broker": "amqp://u:word@h:5672/"}', '{"broker": "amqp://h:5672/"}'),
        ("a\nhttps://u:wo,r/d@h\tb", "a\nhttps://h\tb"),
        ("https://u:x@h,https://u:word@h2", "https://h2"),
        (
            {"DB_PASS": "x", "wifi-psk": "x", "PGPWD": "x"},
            dict.fromkeys(("DB_PASS", "wifi-psk", "PGPWD"), scrub.HIDDEN),
        ),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", scrub.HIDDEN),
        ({"a": {"API-Key": "x", "b": 1}}, {"a": {"API-Key": scrub.HIDDEN, "b": 1}}),
        ([{"password": ""}], [{"password": ""}]),
        ("x" * 2000, "x" * scrub.LONGEST + "…"),
        ({"a": {"b": {"c": {"d": 1}}}}, {"a": {"b": {"c": {"d": 1}}}}),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, {"a": {"b": {"c": {"d": "…"}}}}),
        (list(range(100)), list(range(scrub.MOST))),
        ("a\0b\ud800", "ab?"),
    ],
)
def test_values_are_short_and_bare(value: Any, shown: Any) -> None:
    """7: what a record holds of a value."""
    assert scrub.plain(value) == shown


def test_a_record_is_small_whatever_was_sent(transactional_db: None) -> None:
    """7: a megabyte of properties is no megabyte of records; what was left out is told by its length."""
    with context.acting(RequestContext(user_id="u", user_name="user\0")):
        Project.objects.create(
            pk="p", name="p", extra={f"n{n}": {f"m{m}": "x" * 900 for m in range(60)} for n in range(60)}
        )
    (row,) = Event.objects.all()
    assert len(json.dumps(row.body)) < scrub.LARGEST + 2000
    assert row.body["after"]["name"] == "p" and "characters" in row.body["after"]["extra"]
    assert row.initiator_name == "user"
