"""7: operators read all records, managers those of their project or domain, others none; kept, exported, append-only."""

import csv
import io
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from audit import cadf, registry
from audit.models import Event
from audit.registry import Audited
from authorization.context import RequestContext
from common import purging
from common.clock import now
from common.errors import Forbidden, NotFound
from common.ids import new_ordered_id
from identity import audits
from identity.models import Project, Role, User, UserProjectRole
from portal.ui import recorded as words
from tests.portal import conftest as portal

cloud_rows, demo, admin = portal.cloud_rows, portal.demo, portal.admin


def record(days: float = 0, **more: Any) -> Event:
    at = now() - timedelta(days=days)
    values: dict[str, Any] = {
        "action": "update", "outcome": "success", "target_type": "service/compute/servers", "target_id": "t", "target_name": "web",
        "initiator_name": "somebody", **more,
    }  # fmt: skip
    row = Event(id=new_ordered_id(int(at.timestamp() * 1000)), event_time=at, **values)
    Event.objects.write([row])
    return row


def actor(*roles: str, **scope: Any) -> RequestContext:
    return RequestContext(user_id="u", roles=frozenset(roles), **scope)


def test_who_reads_what(db: None) -> None:
    """7: never another project's, whatever id is asked for; members and readers nothing."""
    a, b = record(project_id="a", domain_id="d"), record(project_id="b", domain_id="e")
    none = record()
    manager = actor("manager", "member", "reader", project_id="a", project_domain_id="d")
    assert list(audits.visible(manager)) == [a]
    assert audits.find(manager, a.pk) == a
    for other in (b.pk, none.pk, "nothing"):
        with pytest.raises(NotFound):
            audits.find(manager, other)
    assert list(audits.visible(actor("manager", domain_id="d"))) == [a]
    assert set(audits.visible(actor("admin", project_id="x"))) == {a, b, none}
    assert set(audits.visible(actor("reader", system=True))) == {a, b, none}
    for who in (actor("member", "reader", project_id="a"), actor("reader", domain_id="d"), actor("manager"), actor()):
        with pytest.raises(Forbidden):
            audits.visible(who)


def test_a_manager_has_the_page_and_a_member_has_not(demo: Client, admin: Client) -> None:
    """7: the panel is there for whom it answers; a manager's list holds no other project's record or name."""
    project = Project.objects.get(name="demo", is_domain=False)
    mine = record(project_id=project.pk, target_name="mine")
    theirs = record(project_id="other", target_name="zarquonic")
    assert demo.get("/audit").status_code == 403
    assert demo.get(f"/audit/{mine.pk}").status_code == 403
    assert "audit" not in {panel["panel"] for panel in demo.get("/menu.json").json()["panels"]}
    permission = Role.objects.get(name="manager", domain=None).permission
    UserProjectRole.objects.create(user=User.objects.get(name="demo"), permission=permission, content_object=project)
    from identity.revocation import services as revocation

    revocation.touch()
    revocation.read_soon()
    manager = portal.enter("demo")
    page = manager.get("/audit").content.decode()
    assert "mine" in page and "zarquonic" not in page
    assert manager.get(f"/audit/{theirs.pk}").status_code == 404
    assert b"CADF" not in manager.get(f"/audit/{mine.pk}").content
    assert "zarquonic" not in manager.get("/audit?format=csv").content.decode()
    for query in ("project=other", "q=t", "target=zarquonic", "user=somebody"):
        assert theirs.pk not in manager.get(f"/audit?{query}").content.decode()
    assert "zarquonic" in admin.get("/audit").content.decode()


def test_filters_and_pages_by_key(admin: Client, django_assert_max_num_queries: Any) -> None:
    """7: time, user, project, action, outcome, target; the table is never counted."""
    rows = [
        record(days=n, target_id=f"t{n}", target_name=f"web{n}", project_id="p" if n % 2 else "q") for n in range(1, 95)
    ]
    record(0, action="delete", outcome="failure", initiator_id="who", initiator_name="who", target_name="gone")

    def listed(query: str) -> list[str]:
        page = admin.get(f"/audit?{query}").content.decode()
        return [part.split('"')[0] for part in page.split('<tr data-id="')[1:]]

    day = (now() - timedelta(days=10)).date().isoformat()
    assert listed(f"from={day}&to={day}") == [row.pk for row in rows if row.event_time.date().isoformat() == day]
    assert len(listed("project=p")) == 40 and len(listed("user=who")) == len(listed("action=delete")) == 1
    assert len(listed("outcome=failure")) == len(listed("target=gone")) == len(listed("q=gone")) == 1
    assert listed("target=t5") == [rows[4].pk]
    assert len(listed("from=nonsense&to=2026-13-45")) == 40
    with django_assert_max_num_queries(40) as asked:
        first = listed("")
    assert not any("COUNT" in one["sql"] and "audit_event" in one["sql"] for one in asked)
    second = listed(f"before={first[-1]}")
    assert not set(first) & set(second) and max(second) < min(first)


def test_names_are_text_in_pages_and_files(admin: Client) -> None:
    """7: nothing that a user wrote runs in a page or a spreadsheet."""
    bad = "=HYPERLINK(1)<script>alert(1)</script>"
    row = record(
        target_name=bad,
        initiator_name="+cmd|' /C calc'!A0",
        body={"after": {"name": bad, "list": [bad]}, "agent": f"{bad}"},
    )
    for path in ("/audit", f"/audit/{row.pk}"):
        assert b"<script>alert" not in admin.get(path).content
    lines = list(csv.reader(io.StringIO(admin.get("/audit?format=csv").content.decode("utf-8-sig"))))
    out = StringIO()
    call_command("audit_export", format="csv", stdout=out)
    lines += list(csv.reader(io.StringIO(out.getvalue())))
    assert any(cell == f"'{bad}" for line in lines for cell in line)
    assert not [cell for line in lines for cell in line if cell[:1] in "=+-@\t\r" and cell]


def test_the_export_is_cadf(db: None) -> None:
    """7: one JSON a line, oldest first, of a time and a project."""
    old = record(days=40, project_id="p")
    new = record(
        project_id="p", request_id="req-1", body={"eventType": "activity", "before": {"a": 1}, "after": {"a": 2}}
    )
    record(project_id="q")
    out = StringIO()
    call_command("audit_export", project="p", stdout=out)
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one["id"] for one in found] == [old.pk, new.pk]
    last = found[1]
    assert last["typeURI"] == cadf.TYPE_URI and last["tags"] == ["correlation_id?value=req-1"]
    assert (last["eventType"], last["action"], last["outcome"]) == ("activity", "update", "success")
    assert {one["name"]: one["content"] for one in last["attachments"]} == {"before": {"a": 1}, "after": {"a": 2}}
    assert last["target"]["typeURI"] == "service/compute/servers" and last["observer"]["typeURI"] == "service/compute"
    out = StringIO()
    call_command("audit_export", since=now().date().isoformat(), until=now().date().isoformat(), stdout=out)
    assert len(out.getvalue().splitlines()) == 2
    with pytest.raises(CommandError, match="no day"):
        call_command("audit_export", since="yesterday", stdout=out)


def test_records_go_after_their_days_and_not_before(db: None, settings: Any) -> None:
    """7: STACKLING_AUDIT_DAYS; no other purge, and no --older-than, takes a record away."""
    settings.AUDIT_DAYS = 30
    old, young = record(days=31), record(days=29)
    assert purging.run(days=0, only=["audit"]) == {"audit": 1}
    assert list(Event.objects.all()) == [young] and old.pk < young.pk


def test_every_action_and_outcome_has_a_word() -> None:
    """7: people read words, not types."""
    assert words.action(Event(action="update/shelve", target_type="x")) == "Shelve"
    assert words.action(Event(action="update/somethingNew", target_type="x")) == "somethingNew"
    assert words.kind(Event(target_type="service/portal/audit")) == "Audit"  # a page that was refused
    assert words.kind(Event(target_type="service/portal/vnc")) == "Console"
    assert words.kind(Event(target_type="service/portal/new-thing")) == "new-thing"
    recorded = {one.type for one in registry.declared()[0].values() if isinstance(one, Audited) and one.type}
    assert "service/compute/servers/remote-consoles/links" in recorded and recorded - set(words.types()) == set()
    denied = Event(outcome="failure", body={"reason": {"reasonCode": "403"}})
    assert words.outcome(denied).word == "Denied" and words.outcome(Event(outcome="pending")).kind == "off"
