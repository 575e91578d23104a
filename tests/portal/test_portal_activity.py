"""D20, I7: what was changed, by whom, from where and how it went is on a page that everybody of the project sees."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import reading
from audit.models import Event
from authorization import rules
from common.clock import now
from common.ids import new_ordered_id
from identity.models import Project, User
from networking.networks.models import Network
from networking.securitygroups.models import SecurityGroup
from portal.ui import deeds, recorded
from tests.portal import conftest as portal

NETWORKS = "service/network/networks"


def demo_project() -> str:
    return str(Project.objects.get(name="demo", is_domain=False).pk)


def net(name: str) -> Network:
    return Network.objects.create(
        name=name, project_id=demo_project(), conntrack_zone=Network.objects.count() + 7, mtu=1500
    )


def record(days: float = 0, **more: Any) -> Event:
    """Write a record of project demo."""
    at = now() - timedelta(days=days)
    values: dict[str, Any] = {
        "action": "update", "outcome": "success", "target_type": NETWORKS, "target_id": "t", "target_name": "blue",
        "initiator_id": "u", "initiator_name": "somebody", "project_id": demo_project(), **more,
    }  # fmt: skip
    row = Event(id=new_ordered_id(int(at.timestamp() * 1000)), event_time=at, **values)
    Event.objects.write([row])
    return row


def listed(client: Client, query: str = "", path: str = "/activity") -> list[str]:
    """The ids of the lines of a page."""
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.content
    return re.findall(r'<li data-id="([^"]+)"', answer.content.decode())


def sentences(page: str) -> list[str]:
    """What each line says was done, without its marks."""
    found = re.findall(r'data-field="what">(.*?)</span>\s*<span class="mut sm" data-field="who"', page, re.S)
    return [" ".join(re.sub(r"<[^>]*>", " ", one).split()) for one in found]


@pytest.fixture
def committed(transactional_db: None, cloud_rows: None) -> None:
    """A seeded cloud whose commits are real: records are written in a transaction's last moment."""


def test_what_a_form_changes_is_told_in_a_sentence(committed: None) -> None:
    """D20, I7: a network, a rule, a key: who, from where, what, on which page; the change of a name says both names."""
    client = portal.enter("demo")
    client.post("/networks/create", {"name": "blue", "admin_state_up": "on", "with_subnet": ""})
    network = Network.objects.get(name="blue")
    client.post(f"/networks/{network.pk}/edit", {"name": "green", "admin_state_up": "on"})
    client.post(reverse("key-pair-create"), {"name": "laptop", "public_key": ""})
    group = SecurityGroup.objects.create(name="web", project_id=demo_project())
    line = {"base": "", "ingress-0-protocol": "tcp", "ingress-0-ports": "22"}
    assert client.post(f"/security-groups/{group.pk}/rules", line).status_code == 302
    page = client.get("/activity").content.decode()
    found = sentences(page)
    assert found == [
        "Added a rule to security group web", "Created key pair laptop", "Renamed network blue", "Created network blue",
    ]  # fmt: skip
    assert f'href="/networks/{network.pk}"' in page and 'href="/key-pairs/laptop"' in page
    assert 'data-field="place">127.0.0.1<' in page and 'data-field="who">demo<' in page
    own = client.get(f"/networks/{network.pk}?tab=activity").content.decode()
    assert sentences(own) == ["Renamed network blue", "Created network blue"]
    assert re.search(r'<td class="mono">blue<td class="mono">green', own)
    assert "conntrack_zone" not in own and "segment" not in own  # which wire it is, only operators are told
    assert "conntrack_zone" in portal.enter("admin").get(f"/networks/{network.pk}?tab=activity").content.decode()


def test_another_projects_records_are_never_shown(demo: Client, admin: Client) -> None:
    """I7: whatever a filter asks for, on the page, in its live part, in the file, on a thing's page and on a request's."""
    theirs = record(project_id="other", target_name="zarquonic", request_id="req-theirs", target_id="a" * 32)
    mine = record(target_name="mine", request_id="req-mine", target_id="a" * 32)
    network = net("n")
    both = [record(target_id=network.pk), record(target_id=network.pk, project_id="other", target_name="zarquonic")]
    queries = ("", "project=other", f"object={'a' * 32}", "object=zarquonic", "person=somebody", "request=req-theirs",
               "state=failed", f"type={NETWORKS}", "live=1", f"object={network.pk}", "since=2000-01-01")  # fmt: skip
    for query in queries:
        answer = demo.get(f"/activity?{query}")
        page = answer.content.decode()
        assert answer.status_code == 200 and theirs.pk not in page and both[1].pk not in page, query
        assert "zarquonic" not in page.replace("object=zarquonic", "").replace('value="zarquonic"', "").replace(
            "<b>zarquonic</b>", ""
        )
        assert "zarquonic" not in demo.get(f"/activity?{query}&format=csv").content.decode(), query
    assert mine.pk in listed(demo) and mine.pk in listed(demo, f"object={'a' * 32}")
    assert listed(demo, "tab=activity", f"/networks/{network.pk}") == [both[0].pk]
    assert "zarquonic" not in demo.get("/requests/req-theirs").content.decode()
    assert mine.pk in demo.get("/requests/req-mine").content.decode()
    assert {theirs.pk, mine.pk} <= set(listed(admin)) and listed(admin, "project=other&object=zarquonic") == [
        both[1].pk,
        theirs.pk,
    ]


def test_filters_narrow_by_person_thing_day_request_and_failure(demo: Client) -> None:
    """I7: person, object (type, name or id), failed only, days, request; pages go by key and nothing is counted."""
    rows = [record(days=n, target_id=f"t{n}", target_name=f"n{n}", initiator_name=f"p{n % 2}", initiator_id=f"i{n % 2}",
                   request_id=f"req-{n}") for n in range(1, 95)]  # fmt: skip
    reason = {"reasonType": "HTTP", "reasonCode": "403", "policyId": "create_network"}
    refused = record(action="create", outcome="failure", target_id="", target_name="", body={"reason": reason})
    record(action="authenticate", target_type="service/security/account/user")
    record(action="read", outcome="failure")
    assert listed(demo, "object=n5") == listed(demo, "object=t5") == listed(demo, "request=req-5") == [rows[4].pk]
    assert len(listed(demo, "person=p1")) == 40 and listed(demo, "person=p1&object=n4") == []
    assert listed(demo, "state=failed") == [refused.pk]
    assert "The rule create_network does not allow it" in demo.get("/activity?state=failed").content.decode()
    day = (now() - timedelta(days=10)).date().isoformat()
    assert listed(demo, f"since={day}&until={day}") == [
        row.pk for row in rows if row.event_time.date().isoformat() == day
    ]
    assert (
        listed(demo, "type=service/network/routers") == []
        and len(listed(demo, "since=nonsense&until=2026-13-45")) == 40
    )
    with CaptureQueriesContext(connection) as asked:
        first = listed(demo)
    assert not any("COUNT" in one["sql"] and "audit_event" in one["sql"] for one in asked.captured_queries)
    second = listed(demo, f"before={first[-1]}")
    past = demo.get("/activity?before=00000000-0000-7000-8000-000000000000").content.decode()
    assert "Nothing matches" in past and 'data-action="newest"' in past  # D16: a page beyond the end leads back
    assert first[0] == refused.pk and not set(first) & set(second) and max(second) < min(first)


def test_the_file_has_what_is_filtered_and_runs_in_no_spreadsheet(demo: Client) -> None:
    """I7: a line a record with before and after; what begins like a formula is text."""
    record(target_name="=HYPERLINK(1)", initiator_name="+cmd", body={"before": {"name": "a"}, "after": {"name": "=b"}})
    record(target_name="other")
    answer = demo.get("/activity?object=%3DHYPERLINK(1)&format=csv")
    assert answer["Content-Type"].startswith("text/csv") and "activity.csv" in answer["Content-Disposition"]
    head, *lines = list(csv.reader(io.StringIO(answer.content.decode().removeprefix("\ufeff"))))
    assert len(lines) == 1
    told = dict(zip(head, lines[0], strict=True))
    assert told["User"] == "'+cmd" and told["Object"] == "'=HYPERLINK(1)" and told["Before"] == '{"name": "a"}'
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in lines[0])


def test_what_is_somebodys_own_is_for_them_and_for_managers(demo: Client, admin: Client) -> None:
    """I7: a credential of another person of the project is no line of mine; an operator's address is not told to members."""
    me = User.objects.get(name="demo").pk
    theirs = record(target_type="data/security/credential/application", initiator_id="x", target_name="robot")
    mine = record(target_type="data/security/credential/application", initiator_id=me, target_name="own")
    far = record(initiator_id="x", address="192.0.2.9", body={"scope": {"project_id": "admins"}})
    near = record(initiator_id="x", address="192.0.2.8", body={"scope": {"project_id": demo_project()}})
    seen = listed(demo)
    assert theirs.pk not in seen and {mine.pk, far.pk, near.pk} <= set(seen)
    page = demo.get("/activity").content.decode()
    assert "192.0.2.9" not in page and "192.0.2.8" in page
    assert theirs.pk in listed(admin) and "192.0.2.9" in admin.get("/activity").content.decode()


def test_who_may_not_read_the_project_is_refused_with_a_sentence(demo: Client, request: pytest.FixtureRequest) -> None:
    """I7: by a rule, as everywhere: without a role that reads, the page says which rule it is."""
    from django.conf import settings

    settings.POLICY_FILE.write_text('"audit:list_activity": "role:nobody"\n')
    rules._table.reset()
    request.addfinalizer(rules._table.reset)
    answer = demo.get("/activity")
    assert answer.status_code == 403 and b"audit:list_activity" in answer.content
    network = net("n")
    page = demo.get(f"/networks/{network.pk}").content.decode()
    assert "tab=activity" not in page


def test_a_page_costs_the_same_queries_for_one_line_and_for_forty(demo: Client) -> None:
    """I7: names, links and ends are looked up a query a kind."""

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            listed(demo)
        return sum("identity_epoch" not in one["sql"] for one in asked)  # read anew by time, not by page

    made = [net(f"n{n}") for n in range(40)]
    record(target_id=made[0].pk)
    listed(demo)
    few = queries()
    for one in made:
        record(target_id=one.pk, target_name=one.name)
    assert queries() == few


def test_a_rare_thing_is_found_in_windows(demo: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """I7: a page looks at no more than so many records, says how far it looked, and goes on from there."""
    rare = record(days=50, target_name="rare")
    for n in range(30):
        record(days=n, target_name="often")
    monkeypatch.setattr(reading, "LOOK", 5)
    assert listed(demo, "object=rare") == []
    page = demo.get("/activity?object=rare").content.decode()
    assert "looked back to" in page
    older = re.search(r'before=([^"&]+)"[^>]*data-action="older"', page.replace("\n", " "))
    assert older is not None
    assert listed(demo, f"object=rare&before={older[1]}") == [rare.pk]
    assert len(listed(demo, "object=often")) == 29  # and a sign-in: five windows of six


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_raw_action_or_type_is_shown(language: str) -> None:
    """I7: each action and each type that can be recorded has its words, in both languages."""
    from django.utils import translation

    from audit import registry
    from compute.servers.lifecycle import states
    from operations import flows

    actions = {
        "create",
        "update",
        "delete",
        *(f"update/{verb.action}" for verb in states.VERBS.values() if verb.action),
        *(f"update/{flow.name.rpartition('.')[2]}" for flow in flows.all_flows() if flow.name.startswith("volume")),
    }
    actions -= {"update/create", "update/delete"}
    types = {spec.type for spec in registry.declared()[0].values() if spec.type}
    with translation.override(language):
        for action in sorted(actions):
            words = str(deeds.DEEDS[action].done)
            assert "%(kind)s" in words and "%(name)s" in words, action
            assert language == "en" or words != deeds_in_english(action), action
        for kind in sorted(types):
            row = Event(action="update", outcome="success", target_type=kind, target_id="1", target_name="x")
            assert kind in recorded.types(), kind
            assert str(recorded.kind(row)) != kind.rpartition("/")[2], kind


def deeds_in_english(action: str) -> str:
    from django.utils import translation

    with translation.override("en"):
        return str(deeds.DEEDS[action].done)


def test_the_overview_tells_what_was_done_to_everything(committed: None) -> None:
    """Not of instances alone, and of the session's project alone, an operator's too."""
    client = portal.enter("demo")
    client.post("/networks/create", {"name": "blue", "admin_state_up": "on"})
    client.post(reverse("key-pair-create"), {"name": "laptop", "public_key": ""})
    shown = re.search(r'data-card="activity">(.*?)</section>', client.get("/").content.decode(), re.S)
    assert shown is not None
    told = [
        " ".join(re.sub(r"<[^>]*>", " ", one).split())
        for one in re.findall(r'<td class="fit nm">(.*?)<td', shown[1], re.S)
    ]
    assert told == ["Created key pair laptop", "Created network blue"]
    other = portal.enter("admin").get("/").content.decode()
    assert 'data-card="activity"' in other and "laptop" not in other
