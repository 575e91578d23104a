"""D (rows): every table names who deletes its rows and when, and they are deleted."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.models import CASCADE

from common import purging
from common.clock import now
from common.ids import new_id
from common.keeping import KEEPERS
from compute.servers.models import SECRETS, Migration, Server
from identity.models import Domain, OldPassword, User
from operations import background, nightly, periodic
from operations.models import BackgroundJob, Lease, Operation

MODELS = {model._meta.label: model for model in apps.get_models(include_auto_created=True)}


def test_every_table_names_who_deletes_its_rows() -> None:
    ours = {label for label in MODELS if not label.startswith("tests.")}
    assert ours - KEEPERS.keys() == set(), "say in the tables.py of their app who deletes the rows of these, and when"
    assert KEEPERS.keys() - ours == set(), "these are no more"


@pytest.mark.parametrize("label", sorted(KEEPERS))
def test_what_is_said_of_a_table_is_so(label: str) -> None:
    keeper = KEEPERS[label]
    if keeper.way == "purged":
        assert keeper.what in purging.names()
    elif keeper.way == "periodic":
        assert keeper.what in periodic._TASKS
    elif keeper.way == "gone_with":
        fields = [
            f for f in MODELS[label]._meta.concrete_fields if f.is_relation and f.remote_field.on_delete is CASCADE
        ]
        assert keeper.what in {field.related_model._meta.label for field in fields}
    else:
        assert keeper.what


def server(**more: Any) -> Server:
    return Server.objects.create(name="s", hostname="s", project_id="p", user_id="u", flavor_id="f", **more)


def old(days: float) -> Any:
    return now() - timedelta(days=days)


def test_deleted_servers_go_with_their_moves_after_their_time(db: Any) -> None:
    gone = server(deleted=True, terminated_at=old(91))
    young = server(deleted=True, terminated_at=old(89))
    living = server()
    busy = server(deleted=True, terminated_at=old(91))
    Operation.objects.create(flow="x", subject_kind="server", subject_id=busy.id, action="x")
    Migration.objects.create(server=gone, user_id="u", project_id="p", type="resize")
    for status, days in (("confirmed", 91), ("confirmed", 89), ("migrating", 91)):
        Migration.objects.create(
            server=living, user_id="u", project_id="p", type="resize", status=status, updated_at=old(days)
        )
    out = StringIO()
    call_command("purge", "servers", "migrations", stdout=out)
    assert set(Server.objects.values_list("id", flat=True)) == {young.id, living.id, busy.id}
    assert Migration.objects.count() == 2
    call_command("purge", "--older-than", "0", "servers", stdout=out)
    assert set(Server.objects.values_list("id", flat=True)) == {living.id, busy.id}


def test_more_rows_than_one_batch_go_in_one_run(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compute.servers.lifecycle.purging.BATCH", 2)
    for _ in range(5):
        server(deleted=True, terminated_at=old(100))
    assert purging.run(only=["servers"]) == {"servers": 5}


def test_old_passwords_beyond_the_history_go(db: Any, settings: Any) -> None:
    domain, _made = Domain.objects.get_or_create(pk="default", defaults={"name": "Default"})
    user = User.objects.create(name=new_id(), domain=domain)
    for number in range(5):
        OldPassword.objects.create(user=user, password=f"hash{number}", created_at=old(5 - number))
    settings.PASSWORD_HISTORY = 3  # the present one and two more
    purging.run(only=["passwords"])
    assert set(user.old_passwords.values_list("password", flat=True)) == {"hash3", "hash4"}
    settings.PASSWORD_HISTORY = 0
    purging.run(only=["passwords"])
    assert not user.old_passwords.exists()


def test_what_is_secret_in_a_server_is_named(db: Any) -> None:
    """The flow of a deletion writes these; tests/flows runs it."""
    assert {"user_data", "key_data", "guest_password"} <= SECRETS.keys()
    assert all(hasattr(Server, name) for name in SECRETS)


@pytest.mark.parametrize(("ran", "hour", "runs"), [(3, 3, True), (1, 3, False), (20, 12, False), (27, 12, True)])
def test_the_purge_runs_once_a_night(
    db: Any, monkeypatch: pytest.MonkeyPatch, ran: float, hour: int, runs: bool, after_commit: Callable[[], None]
) -> None:
    moment = now()
    Lease.objects.create(name=nightly.LEASE, holder="", until=moment - timedelta(hours=ran))
    monkeypatch.setattr(nightly, "localtime", lambda at: at.replace(hour=hour))
    nightly.look()
    assert BackgroundJob.objects.filter(kind=nightly.KIND).exists() is runs
    nightly.look()
    assert BackgroundJob.objects.filter(kind=nightly.KIND).count() == int(runs)


@pytest.fixture
def after_commit(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """No wake-up is sent: there is no broker."""
    monkeypatch.setattr("operations.wakeups.notify", lambda job: None)
    return lambda: None


def test_the_purge_has_a_pool_in_which_nothing_waits_for_it() -> None:
    assert background.pool_of(nightly.KIND, "all") == "bulk"
