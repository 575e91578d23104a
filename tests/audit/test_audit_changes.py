"""7: every change is recorded in its own transaction, with what it was before and after."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from audit import changes, context, merging, registry
from audit.models import Event
from audit.scrub import is_secret
from authorization.context import RequestContext
from authorization.share_levels import LEVELS
from common.clock import now
from compute.flavors.models import Flavor
from compute.servers.models import Server
from identity.models import Project, ProjectTag, Role, User
from images.images.models import Image
from sharing import services as sharing
from sharing import shareable
from sharing.models import UserShare
from tests.openstackapi.asking import Asker, furnish
from tests.simulated import Cloud

IDENTITY, COMPUTE, NETWORK = "/api/identity/v3", "/api/compute/v2.1", "/api/network/v2.0"
Events = Callable[..., list[Event]]
Askers = Callable[[], dict[str, Asker]]
WHO = RequestContext(user_id="u", user_name="user", project_id="p")
AUDITED, NOT_AUDITED = registry.declared()
#: Columns that are named like a secret and are none.
PLAIN = {
    ("identity.ApplicationCredential_access_rules", "applicationcredential_id"),
    ("identity.ApplicationCredential_roles", "applicationcredential_id"),
    ("identity.IdentityProvider", "authorization_ttl"),
    ("identity.User", "password_expires_at"),
}


def test_every_model_says_whether_it_is_audited() -> None:
    """7: a new table needs its line in the tables.py of its app."""
    ours = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if not model._meta.proxy and not model._meta.label.startswith("tests.")
    }
    assert ours - AUDITED.keys() - NOT_AUDITED.keys() == set(), (
        "say in the tables.py of its app what is recorded of these"
    )
    assert (AUDITED.keys() | NOT_AUDITED.keys()) - ours == set(), "these are no more"
    assert not AUDITED.keys() & NOT_AUDITED.keys()
    assert all(len(why) > 5 for why in NOT_AUDITED.values())


@pytest.mark.parametrize("label", sorted(AUDITED))
def test_what_is_said_of_a_model_is_so(label: str) -> None:
    """7: columns that are named exist, and what is named like a secret is said to be one."""
    spec, columns = AUDITED[label], {one.attname for one in apps.get_model(label)._meta.concrete_fields}
    assert spec.secret <= columns and spec.skip <= columns and spec.shown.keys() <= columns
    if not spec.part_of:
        assert spec.is_operation or (spec.type and (spec.name in columns | {""}))
    else:
        assert spec.by in columns and spec.value in columns | {""} and spec.part and AUDITED[spec.part_of].type
    looks = {name for name in columns if is_secret(name) or name.endswith(("_blob", "_key", "key_data"))}
    unsaid = {name for name in looks - spec.secret - spec.skip if (label, name) not in PLAIN}
    assert not unsaid, f"secret, skip or PLAIN? {unsaid}"


def test_a_change_says_who_what_and_both_states(world: Cloud, askers: Askers, events: Events) -> None:
    """7: create, update with fields before and after, delete; who, from where, by which token, in whose project."""
    admin = askers()["admin"]
    made = admin.make(f"{IDENTITY}/projects", {"project": {"name": "place", "description": "old"}})
    path = f"{IDENTITY}/projects/{made['id']}"
    assert admin.ask("patch", path, json.dumps({"project": {"description": "new"}})).status_code == 200
    assert admin.ask("delete", path).status_code == 204
    found = events(target_id=made["id"])
    assert [(row.action, row.outcome) for row in found] == [
        ("create", "success"),
        ("update", "success"),
        ("delete", "success"),
    ]
    created, changed, deleted = found
    assert created.body["after"]["name"] == "place" and "before" not in created.body
    assert (changed.body["before"], changed.body["after"]) == ({"description": "old"}, {"description": "new"})
    assert deleted.body["before"]["description"] == "new" and "after" not in deleted.body
    user = User.objects.get(name="admin")
    assert {(row.initiator_id, row.initiator_name, row.address) for row in found} == {(user.pk, "admin", "127.0.0.1")}
    assert all(row.project_id == made["id"] and row.target_type == "data/security/project" for row in found)
    assert changed.body["credential"]["token"] and changed.request_id.startswith("req-")
    assert admin.token not in json.dumps([row.body for row in found])


def test_all_that_can_be_made_is_recorded(world: Cloud, askers: Askers, events: Events) -> None:
    """7: the same mechanism sees every app's tables."""
    furnish(askers()["admin"])
    kinds = {row.target_type for row in events(action="create")}
    assert kinds >= {
        *(f"service/network/{name}" for name in ("networks", "subnets", "ports", "routers", "floatingips", "subnetpools")),
        *(f"service/compute/{name}" for name in ("servers", "os-keypairs", "os-server-groups", "os-aggregates")),
        *("service/storage/image/images", "data/security/account/user", "data/security/role", "data/security/group"),
    }  # fmt: skip
    port = events(target_type="service/network/ports", target_name="spare")[0]
    assert len(port.body["after"]["fixed_ips"]) == len(port.body["after"]["security_groups"]) == 1


def test_a_role_is_given_and_taken_on_its_project(world: Cloud, askers: Askers, events: Events) -> None:
    """7: who may do what is a change of the project, with the role by name."""
    admin = askers()["admin"]
    project, role = Project.objects.get(name="demo", is_domain=False), Role.objects.get(name="manager")
    user = User.objects.get(name="demo")
    path = f"{IDENTITY}/projects/{project.pk}/users/{user.pk}/roles/{role.pk}"
    assert admin.ask("put", path).status_code == 204
    assert admin.ask("delete", path).status_code == 204
    given, taken = events(target_id=project.pk, action="update")
    grant = {"role": "manager", "user_id": user.pk}
    assert given.body["after"]["role_assignments"][0].items() >= grant.items()
    assert taken.body["before"]["role_assignments"][0].items() >= grant.items()
    assert given.project_id == project.pk and given.target_name == "demo"


def test_what_is_rolled_back_leaves_no_record(transactional_db: None, events: Events) -> None:
    """7: in the change's own transaction: with it or not at all, also for a savepoint."""
    with context.acting(WHO):
        with pytest.raises(RuntimeError), transaction.atomic():
            Project.objects.create(pk="a", name="a")
            raise RuntimeError
        with transaction.atomic():
            Project.objects.create(pk="b", name="b")
            with pytest.raises(RuntimeError), transaction.atomic():
                Project.objects.create(pk="c", name="c")
                raise RuntimeError
        Project.objects.create(pk="d", name="d")  # without a transaction of its own
    assert [row.target_id for row in events()] == ["b", "d"]


def test_a_change_that_cannot_be_recorded_does_not_happen(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """7: fail closed; and the connection is good afterwards."""
    monkeypatch.setattr(merging, "_event", lambda *about: 1 / 0)
    with context.acting(WHO), pytest.raises(DatabaseError):
        Project.objects.create(pk="a", name="a")
    assert not Project.objects.filter(pk="a").exists() and not connection.in_atomic_block
    Project.objects.create(pk="b", name="b")  # the cloud's own work is nobody's change
    assert Project.objects.filter(pk="b").exists()


def test_every_way_of_writing_is_seen(transactional_db: None, events: Events) -> None:
    """7: save, update with expressions, bulk_create, bulk_update, relations, and what a deletion takes along."""
    with context.acting(WHO):
        flavor = Flavor.objects.create(pk="f", name="f", vcpus=1, ram=64, disk=1)
        Flavor.objects.filter(pk="f").update(ram=2 * 64, description="more")
        Flavor.objects.filter(pk="f").update(ram=F("ram") + 1)
        flavor.refresh_from_db()
        flavor.disk = 9
        Flavor.objects.bulk_update([flavor], ["disk"])
        flavor.save()  # nothing is other
        Project.objects.bulk_create([Project(pk=f"p{n}", name=f"p{n}") for n in range(3)])
        ProjectTag.objects.create(project_id="p0", name="blue")
        Project.objects.filter(pk__startswith="p").delete()
    changed = [row.body for row in events(target_id="f", action="update")]
    assert [(body["before"], body["after"]) for body in changed] == [
        ({"description": None, "ram": 64}, {"description": "more", "ram": 128}),
        ({"ram": 128}, {"ram": 129}),
        ({"disk": 1}, {"disk": 9}),
    ]
    assert {row.target_id for row in events(action="delete")} == {"p0", "p1", "p2"}
    assert events(target_id="p0")[1].body["after"] == {"tags": ["blue"]}
    assert events(target_id="p0")[2].body["before"]["tags"] == ["blue"]


def test_a_thousand_rows_cost_few_statements(transactional_db: None, events: Events) -> None:
    """7: a mass change is read and recorded in lots: a record a row, no statement a row."""
    Project.objects.bulk_create([Project(pk=f"p{n}", name=f"p{n}") for n in range(1000)])

    def statements(work: Callable[[], Any]) -> int:
        with context.acting(WHO), transaction.atomic(), CaptureQueriesContext(connection) as found:
            work()
            plain = len(found)
            changes.Watcher().committing(connection)
            recorded = len(found) - plain
            connection.run_on_commit.clear()
        return plain + recorded

    rows = Project.objects.filter(name__startswith="p")
    assert statements(lambda: rows.update(description="x")) <= 40
    assert Event.objects.filter(action="update").count() == 1000
    with CaptureQueriesContext(connection) as bare:
        Project.objects.filter(pk__in=[f"p{n}" for n in range(500)]).delete()
    with_records = statements(lambda: Project.objects.filter(pk__in=[f"p{n}" for n in range(500, 1000)]).delete())
    assert with_records <= 2 * len(bare) + 40
    assert Event.objects.filter(action="delete").count() == 500


def test_reads_and_the_clouds_own_work_cost_no_statement(
    world: Cloud, askers: Askers, events: Events, django_assert_num_queries: Any
) -> None:
    """7: a read has no record and reads nothing for one; a flow's steps are nobody's change."""
    both = askers()
    furnish(both["admin"])
    before = Event.objects.count()
    for path in (f"{COMPUTE}/servers", f"{COMPUTE}/servers/detail", f"{NETWORK}/ports", f"{IDENTITY}/users"):
        assert both["admin"].ask("get", path).status_code == 200
    assert Event.objects.count() == before
    world.settle()  # the server boots: one record says how that ended, whatever its steps wrote
    later = events()[before:]
    assert [(row.action, row.outcome, row.target_type) for row in later] == [
        ("create", "success", "service/compute/servers")
    ]
    with django_assert_num_queries(1):
        Server.objects.update(description="nobody's")


def test_a_verb_that_takes_time_is_pending_then_done_or_failed(world: Cloud, askers: Askers, events: Events) -> None:
    """7: the operation's start is the action; its end is recorded under the same request, with why it failed."""
    admin = askers()["admin"]
    furnish(admin)
    world.settle()
    server = Server.objects.get()
    verb = f"{COMPUTE}/servers/{server.pk}/action"
    assert admin.ask("post", verb, json.dumps({"os-stop": None})).status_code == 202
    world.settle()
    begun, done = events(target_id=server.pk, action="update/stop")
    assert (begun.outcome, done.outcome) == ("pending", "success")
    assert begun.request_id == done.request_id and begun.operation_id == done.operation_id != ""
    assert (done.initiator_name, done.address, done.project_id) == ("admin", "127.0.0.1", server.project_id)
    world.replies["server.ensure"] = lambda order: ("failed", {"code": "NoCapacity", "data": {}})
    assert admin.ask("post", verb, json.dumps({"os-start": None})).status_code == 202
    for _turn in range(30):
        world.settle()
    ends = events(target_id=server.pk, action="update/start")
    assert ends[0].outcome == "pending"
    assert [row.outcome for row in ends[1:]] == ["failure"] and ends[1].body["reason"]["reasonType"] == "operation"


def test_a_subject_is_the_model_that_operations_name() -> None:
    """7: an operation's record is of the thing, not of the operation."""
    assert {kind: registry.subject(kind).label for kind in ("server", "image")} == {  # type: ignore[union-attr]
        "server": "compute.Server",
        "image": "images.Image",
    }


def test_a_share_that_ends_by_the_clock_is_recorded(transactional_db: None, events: Events) -> None:
    """7: shares: given by a person, ended by the clock, in the project of what was shared."""
    domain = Project.objects.create(pk="default", name="Default", is_domain=True)
    user = User.objects.create(name="guest", domain_id=domain.pk)
    image = Image.objects.create(project_id="p", name="n")
    kind = shareable.find("image")
    with context.acting(WHO):
        UserShare.objects.create(
            user=user, content_type=shareable.content_type(kind), object_pk=image.pk, given_by="u", key="k",
            permission=shareable.permission(kind, LEVELS[0]), expires_at=now() - timedelta(hours=1),
        )  # fmt: skip
    assert sharing.collect_garbage() == 1
    given, ended = events(target_type="data/security/share")
    assert (given.action, given.initiator_name, given.project_id) == ("create", "user", "p")
    assert (ended.action, ended.initiator_name, ended.project_id) == ("delete", "end of a share", "p")
    assert given.body["after"]["user_id"] == ended.body["before"]["user_id"] == user.pk and given.body["after"]["level"]
