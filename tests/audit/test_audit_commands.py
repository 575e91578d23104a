"""What an operator does by a command and that is no change of a row has its record all the same."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from audit import records
from audit.models import Event
from cloud import rotation
from common.clock import now
from operations.models import Operation, State

Events = Callable[..., list[Event]]


@pytest.fixture(autouse=True)
def operator(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("SUDO_USER", "ann")
    settings.DATA = tmp_path / "data"
    settings.DATA.mkdir()


def broken(key: str) -> Operation:
    return Operation.objects.create(
        flow="server.stop", version=1, subject_kind="server", subject_id=key, project_id="p1", action="stop",
        state=State.BROKEN, parked={"state": State.RUNNING, "holds": [], "at": now().isoformat()}, request_id="req-1",
    )  # fmt: skip


@pytest.mark.parametrize("command", ["operation_retry", "operation_abandon"])
def test_a_broken_operations_fate_is_recorded_on_its_subject(
    transactional_db: None, events: Events, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """7: who let it go on or ended it, in the transaction that did; what is refused leaves no record."""
    row = broken("s1")
    call_command(command, row.id, stdout=StringIO())
    (found,) = events(target_id="s1")
    assert (found.action, found.target_type) == (
        f"update/{command.removeprefix('operation_')}", "service/compute/servers",
    )  # fmt: skip
    assert (found.initiator_name, found.body["agent"]) == ("ann", f"manage.py {command}")
    assert (found.project_id, found.operation_id, found.outcome) == ("p1", row.id, "success")

    other = broken("s2")

    def full(*_args: Any, **_more: Any) -> None:
        raise DatabaseError("database or disk is full")

    monkeypatch.setattr(records, "record", full)
    with pytest.raises(DatabaseError):
        call_command(command, other.id, stdout=StringIO())
    other.refresh_from_db()
    assert other.state == State.BROKEN, "a change that cannot be recorded does not happen"


def test_a_rotation_of_keys_is_recorded(
    transactional_db: None, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """7: which keys, by whom; never the keys."""
    monkeypatch.setattr(rotation, "consoles", lambda say: "None.")
    call_command("keys_rotate", "consoles", stdout=StringIO())
    (found,) = events(action="renew")
    assert (found.target_type, found.target_id, found.initiator_name) == ("data/security/keys", "consoles", "ann")


def test_a_backup_is_recorded_and_so_is_one_that_failed(
    transactional_db: None, events: Events, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """7: where to, without what opens the place; a database that takes no record costs the record alone."""
    from cloud.backup import making

    dest = str(tmp_path / "there")
    monkeypatch.setattr(making, "make", lambda place, **how: "stackling-1")
    call_command("cloud_backup", dest, "--without-keys", stdout=StringIO())
    (good,) = events(action="backup")
    assert (good.outcome, good.target_id, good.target_name, good.initiator_name) == (
        "success",
        "stackling-1",
        dest,
        "ann",
    )

    def fails(place: Any, **how: Any) -> str:
        raise making.BackupError("The folder is full.")

    monkeypatch.setattr(making, "make", fails)
    with pytest.raises(CommandError, match="full"):
        call_command("cloud_backup", dest, "--without-keys", stdout=StringIO())
    (bad,) = events(action="backup", outcome="failure")
    assert bad.body["reason"] == {"reasonType": "backup", "reasonCode": "The folder is full."}

    def refuses(*_args: Any, **_more: Any) -> None:
        raise DatabaseError("database or disk is full")

    monkeypatch.setattr(making, "make", lambda place, **how: "stackling-2")
    monkeypatch.setattr(records, "by_command", refuses)
    said, errors = StringIO(), StringIO()
    call_command("cloud_backup", dest, "--without-keys", stdout=said, stderr=errors)
    assert "stackling-2  is whole" in said.getvalue() and "not in the audit" in errors.getvalue()
