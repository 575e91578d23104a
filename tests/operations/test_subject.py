"""The lifecycle of a subject: one reading of its table of states, for services, pages and docs."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from common.errors import CloudError, Conflict
from operations import subject
from operations.subject import HostSubject, Lifecycle, Refusal, Verb, Why

CLONE = Path(__file__).parents[2]
VERBS = {
    "attach": Verb({"available"}, "attaching", "in-use"),
    "detach": Verb({"in-use"}, "detaching", "available"),
    "delete": Verb({"available", "in-use"}, "deleting", "gone", preempts=True),
}
STATES = {"available": "It is free.", "in-use": "A server has it.", "gone": "It is gone."}


class NotNow(Conflict):
    template = "%(id)s: %(verb)s not now (%(why)s)"


class Disk(HostSubject):
    """A subject without a database: what it writes is noted."""

    def __init__(self, **values: Any) -> None:
        self.id, self.project_id, self.generation, self.host = "d1", "p1", 3, "h1"
        self.state_now, self.doing, self.locked = "available", None, False
        self.written: list[dict[str, Any]] = []
        for name, value in values.items():
            setattr(self, name, value)

    def save(self, *, update_fields: list[str]) -> None:
        self.written.append({name: getattr(self, name) for name in update_fields if name != "updated_at"})

    def refused(self, verb: Verb, why: Why) -> CloudError:
        return NotNow(id=self.id, verb=verb.task, why=why.name)


@pytest.fixture(autouse=True)
def lifecycle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lifecycle]:
    monkeypatch.setattr(subject, "_LIFECYCLES", {})
    monkeypatch.setattr(subject, "announce", lambda *said, **more: None)
    table = Lifecycle("disk", STATES, VERBS, "state_now", "doing", on_stable=lambda state: {"size": len(state)})
    monkeypatch.setattr(Disk, "lifecycle", table, raising=False)
    yield table


def said(refusal: Refusal | None) -> Any:
    return refusal and (refusal.why, refusal.words)


def test_a_verb_is_refused_for_one_reason_with_its_error_and_its_words() -> None:
    assert Disk().why_not("attach") is None
    assert said(Disk(state_now="in-use").why_not("attach")) == (Why.STATE, "Not while it is in the state in-use")
    assert said(Disk(doing="attaching").why_not("attach")) == (Why.BUSY, "Wait until it is at rest")
    assert said(Disk(doing="deleting").why_not("attach")) == (Why.DELETING, "It is being deleted")
    assert said(Disk(locked=True).why_not("attach")) == (Why.LOCKED, "It is locked")
    with pytest.raises(NotNow, match=r"d1: attaching not now \(BUSY\)"):
        Disk(doing="detaching").allow("attach")


def test_people_are_told_of_what_is_going_on_before_the_state() -> None:
    refusal = Disk(state_now="in-use", doing="detaching").why_not("attach")
    assert said(refusal) == (Why.STATE, "Wait until it is at rest")


def test_a_deletion_may_be_asked_for_while_something_goes_on_but_not_twice() -> None:
    assert Disk(doing="attaching").why_not("delete") is None
    assert said(Disk(doing="deleting").why_not("delete")) == (Why.DELETING, "It is being deleted")
    assert Disk(doing="deleting").why_not("delete", idle=True) is None


def test_a_lock_counts_for_nothing_to_those_who_may_override_it() -> None:
    assert Disk(locked=True).why_not("attach", override=True) is None


def test_the_intent_is_written_with_a_new_generation_and_the_end_with_what_rests_there() -> None:
    disk = Disk(fault_code="Bad", fault_data={"x": 1})
    disk.begin("attach", name="a column", code="another")
    assert disk.written == [{"doing": "attaching", "generation": 4, "name": "a column", "code": "another"}]
    disk.finalize("in-use")
    assert disk.written[-1] == {"state_now": "in-use", "doing": None, "size": 6, "fault_code": "", "fault_data": {}}


def test_a_failure_leaves_a_waiting_deletion_announced() -> None:
    disk = Disk(doing="deleting")
    disk.fail("available", "Bad", {"x": 1})
    assert (disk.state_now, disk.doing, disk.fault_code, disk.fault_data) == ("available", "deleting", "Bad", {"x": 1})
    disk = Disk(doing="attaching")
    disk.fail("available", "Bad", {})
    assert disk.doing is None


def test_without_a_task_column_the_state_says_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Lifecycle(
        "image", {"queued": ".", "saving": ".", "active": "."}, {"upload": Verb({"queued"}, "saving", "active")}
    )
    monkeypatch.setattr(Disk, "lifecycle", table)
    disk = Disk(status="queued")
    disk.begin("upload")
    assert disk.status == "saving" and said(disk.why_not("upload")) == (
        Why.STATE,
        "Not while it is in the state saving",
    )
    disk.finalize("active")
    assert disk.status == "active"


def test_a_table_that_names_a_state_it_does_not_have_is_none() -> None:
    with pytest.raises(ValueError, match=r"broken: the verb attach names states .* \['in-use'\]"):
        Lifecycle("broken", {"available": ""}, {"attach": Verb({"available"}, "", "in-use")})


def test_the_page_of_states_says_what_the_tables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    out = StringIO()
    call_command("states", stdout=out)
    assert out.getvalue() == (CLONE / "docs" / "states.md").read_text(), "manage.py states > docs/states.md"
