"""7: sign-ins, refusals and consoles are recorded, and nobody can make the table grow without bound."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit import context, records
from audit.models import Event
from authorization.context import RequestContext
from compute.consoles import opening
from compute.consoles.models import ConsoleTicket, digest
from identity.models import User
from tests.audit.conftest import AUTH, password
from tests.openstackapi.asking import ADMIN, Asker, furnish
from tests.simulated import Cloud

Events = Callable[..., list[Event]]
Askers = Callable[[], dict[str, Asker]]
COMPUTE, IDENTITY = "/api/compute/v2.1", "/api/identity/v3"


def methods(row: Event) -> list[str]:
    return list(row.body["credential"]["methods"])


def test_sign_ins_and_sign_outs(world: Cloud, askers: Askers, events: Events) -> None:
    """7: by password, token and application credential, at the API and the portal; token, session and all revoked."""
    both = askers()
    admin, demo = both["admin"], both["demo"]
    users = {name: User.objects.get(name=name).pk for name in ("admin", "demo")}
    nobody = Asker("")
    again = {"auth": {"identity": {"methods": ["token"], "token": {"id": demo.token}}}}
    assert nobody.ask("post", AUTH, json.dumps(again)).status_code == 201
    made = demo.make(
        f"{IDENTITY}/users/{users['demo']}/application_credentials", {"application_credential": {"name": "c"}}
    )
    secret = {"id": made["id"], "secret": made["secret"]}
    body = {"auth": {"identity": {"methods": ["application_credential"], "application_credential": secret}}}
    assert nobody.ask("post", AUTH, json.dumps(body)).status_code == 201
    client = Client(HTTP_USER_AGENT="a browser")
    assert client.post("/sign-in", {"username": "admin", "password": ADMIN}).status_code == 302
    assert client.post("/sign-out").status_code == 302
    assert admin.ask("delete", AUTH, headers={"X-Subject-Token": demo.token}).status_code == 204

    done = events(action="authenticate", outcome="success")
    assert [(row.initiator_name, methods(row)) for row in done] == [
        ("admin", ["password"]), ("demo", ["password"]), ("demo", ["password", "token"]),
        ("demo", ["application_credential"]), ("admin", ["password"]),
    ]  # fmt: skip
    assert all(row.address == "127.0.0.1" and row.project_id and row.domain_id == "default" for row in done)
    assert done[3].body["credential"]["application_credential_id"] == made["id"]
    assert done[4].body["agent"] == "a browser"
    assert [row.initiator_name for row in events(action="authenticate/logout")] == ["admin"]
    (revoked,) = events(action="revoke")
    assert (revoked.initiator_name, revoked.target_type) == ("admin", "data/security/credential/token")


def test_failed_sign_ins_are_counted_not_piled_up(world: Cloud, events: Events, settings: Any) -> None:
    """7: like failures of a minute are one record with a count; unknown names share one; the names are not kept."""
    settings.LOCKOUT_FAILURES = 10_000
    nobody = Asker("")
    for _time in range(4):
        assert nobody.ask("post", AUTH, password("admin", "wrong-one")).status_code == 401
    for name in ("the-password-typed-as-a-name", "another", "third"):
        assert nobody.ask("post", AUTH, password(name, "wrong-two")).status_code == 401
    assert Client().post("/sign-in", {"username": "admin", "password": "wrong-three"}).status_code == 401
    forged = {"auth": {"identity": {"methods": ["token"], "token": {"id": "gAAAAABforged"}}}}
    assert nobody.ask("post", AUTH, json.dumps(forged)).status_code == 401
    found = {(row.initiator_name, *methods(row)): row for row in events(outcome="failure")}
    assert {key: row.count for key, row in found.items()} == {
        ("admin", "password"): 5,
        ("", "password"): 3,
        ("", "token"): 1,
    }
    assert found["admin", "password"].target_id == User.objects.get(name="admin").pk
    whole = json.dumps([[row.body, row.target_name] for row in found.values()])
    assert not any(word in whole for word in ("wrong-", "typed-as", "gAAAAAB"))


def test_a_hundred_thousand_refusals_are_a_few_rows(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """7: whatever differs, a minute has at most OF_ALL lines, and a source OF_SOURCE; none is lost in the count."""
    monkeypatch.setattr(records, "_minute", lambda: 1_800_000_000_000)

    def refuse(address: str, who: str) -> None:
        with context.of(context.Context(address=address)) as about:
            records.refused("authenticate", target=("t", who, who), actor=RequestContext(user_id=who, user_name=who))
        records.close(about)

    for n in range(records.OF_SOURCE + 40):
        refuse("192.0.2.7", f"user{n}")
    assert Event.objects.count() == records.OF_SOURCE + 1
    assert sum(Event.objects.values_list("count", flat=True)) == records.OF_SOURCE + 40
    for n in range(70):
        refuse(f"2001:db8::{n:x}", "one")  # of one /64: one client
    assert Event.objects.count() == records.OF_SOURCE + 2
    for n in range(records.OF_ALL + 50):
        refuse(f"198.51.{n // 250}.{n % 250}", "one")
    assert Event.objects.count() <= records.OF_ALL + 1
    assert sum(Event.objects.values_list("count", flat=True)) == records.OF_SOURCE + 40 + 70 + records.OF_ALL + 50


def test_a_users_many_sign_ins_are_counted_too(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """7: a script that signs in a thousand times a minute does not fill the table."""
    monkeypatch.setattr(records, "_minute", lambda: 1_800_000_000_000)
    who = RequestContext(user_id="u", user_name="user", project_id="p", methods=("password",))
    for _time in range(records.OFTEN + 50):
        records.frequent("authenticate", target=("t", "u", "user"), actor=who)
    assert Event.objects.count() == records.OFTEN + 1
    assert sum(Event.objects.values_list("count", flat=True)) == records.OFTEN + 50


def test_what_is_denied_is_recorded_though_nothing_was_done(world: Cloud, askers: Askers, events: Events) -> None:
    """7: 403 by policy, at the API and on a page; another project's things that are hidden; with the rule; in one's own project."""
    both = askers()
    demo = both["demo"]
    furnish(both["admin"])
    before = Event.objects.count()
    for _time in range(3):
        assert demo.ask("get", f"{COMPUTE}/os-hypervisors").status_code == 403
    body = json.dumps({"flavor": {"name": "x", "vcpus": 1, "ram": 1, "disk": 1}})
    assert demo.ask("post", f"{COMPUTE}/flavors", body).status_code == 403
    assert demo.ask("get", f"{COMPUTE}/servers").status_code == 200
    client = Client()
    client.post("/sign-in", {"username": "demo", "password": "demo's password"})
    assert client.get("/hosts").status_code == 403
    found = events(outcome="failure")
    assert {(row.action, row.target_type, row.count) for row in found} == {
        ("read", "service/compute/os-hypervisors", 3), ("create", "service/compute/flavors", 1), ("read", "service/portal/hosts", 1),
    }  # fmt: skip
    for row in found:
        assert row.initiator_name == "demo" and row.project_id and row.body["reason"]["reasonCode"] == "403"
        assert row.body["reason"]["policyId"].startswith("os_compute_api:")
    assert Event.objects.count() == before + 3 + 1


def test_a_console_is_recorded_and_its_ticket_is_not(world: Cloud, askers: Askers, events: Events) -> None:
    """7: who asked for which console of which server, and that it was opened."""
    admin = askers()["admin"]
    furnish(admin)
    world.settle()
    server = events(target_type="service/compute/servers")[0].target_id
    asked = json.dumps({"remote_console": {"protocol": "vnc", "type": "novnc"}})
    answer = admin.ask(
        "post", f"{COMPUTE}/servers/{server}/remote-consoles", asked, headers={"OpenStack-API-Version": "compute 2.8"}
    )
    ticket = answer.json()["remote_console"]["url"].partition("token=")[2].partition("&")[0]
    opening.spend(ConsoleTicket.objects.get(pk=digest(ticket)))  # as the connection broker does
    rows = events(target_type="service/compute/servers/remote-consoles")
    assert [(row.action, row.outcome) for row in rows] == [("create", "pending"), ("create", "success")]
    assert {(row.target_id, row.initiator_name, row.body["after"]["type"]) for row in rows} == {
        (server, "admin", "vnc")
    }
    assert all(row.project_id and row.domain_id == "default" for row in rows) and rows[0].address == "127.0.0.1"
    assert len(ticket) > 40 and ticket[:40] not in json.dumps([row.body for row in rows])


def test_the_address_is_the_reverse_proxys_not_the_clients(world: Cloud, events: Events) -> None:
    """7: of X-Forwarded-For only what our reverse proxy wrote last counts, and no text in it gets further than the column."""
    headers = {"X-Forwarded-For": "6.6.6.6, 192.0.2.9"}
    Asker("").ask("post", AUTH, password("admin", ADMIN), headers=headers)
    assert [row.address for row in events(action="authenticate")] == ["192.0.2.9"]


def test_a_database_that_refuses_costs_the_record_not_the_answer(
    world: Cloud, askers: Askers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """7: a refusal is answered as ever when it cannot be recorded."""
    from django.db import OperationalError

    demo = askers()["demo"]

    def fails(row: Event) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(records, "count", fails)
    assert demo.ask("get", f"{COMPUTE}/os-hypervisors").status_code == 403


def test_a_read_asks_the_database_for_nothing_more(
    world: Cloud, askers: Askers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """7: 0 for reads: the same statements with and without a watcher."""
    from audit import changes
    from common import watched

    demo = askers()["demo"]
    counts = []
    for watcher in (changes.Watcher(), None, changes.Watcher()):
        watched.use(watcher)
        demo.ask("get", f"{COMPUTE}/servers/detail")
        with CaptureQueriesContext(connection) as asked:
            assert demo.ask("get", f"{COMPUTE}/servers/detail").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] == counts[2]
