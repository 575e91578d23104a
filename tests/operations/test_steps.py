"""The steps that every flow is made of, on a flow that attaches: it works on a server and a volume."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.db import transaction

from authorization.context import RequestContext
from common.errors import Conflict
from hostagent.contract.server import SERVER_STOP
from operations import engine, flows, rpc, steps, subject, wakeups
from operations.flows import Flow, Step
from operations.models import Hold, Operation, State
from operations.op import Op
from operations.subject import HostSubject, Lifecycle, Verb

ACTOR = RequestContext(user_id="u1", user_name="demo", project_id="p1", request_id="req-1")


class NotAttached(Conflict):
    template = "The disk did not come"


class Thing(HostSubject):
    """A subject that lives in ROWS. `objects` finds it as a queryset would."""

    rows: ClassVar[dict[str, Any]] = {}

    def __init__(self, id: str, **values: Any) -> None:
        self.id, self.project_id, self.generation, self.host = id, "p1", 7, "h1"
        self.task_state, self.fault_code, self.fault_data = None, "", {}
        for name, value in values.items():
            setattr(self, name, value)
        self.rows[id] = self

    def save(self, *, update_fields: Any = None) -> None: ...

    @classmethod
    def locked_by_id(cls, id: str) -> Any:
        return cls.rows[id]


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    for name in ("_LIFECYCLES", "_MODELS"):
        monkeypatch.setattr(subject, name, {})
    monkeypatch.setattr(steps, "_on_doubt", [])
    monkeypatch.setattr(flows, "_FLOWS", dict(flows._FLOWS))  # those of a test are named as the cloud's own are
    monkeypatch.setattr(subject, "announce", lambda *said, **more: None)
    monkeypatch.setattr(wakeups, "notify", lambda id: None)
    server_states = {"active": "It runs.", "off": "It does not run.", "error": "It failed.", "deleted": "It is gone."}
    verbs = {
        "attach": Verb({"active"}, "attaching", None),
        "stop": Verb({"active"}, "stopping", "off"),
        "delete": Verb({"active"}, "deleting", "deleted", preempts=True),
    }
    servers = Lifecycle("server", server_states, verbs, task_column="task_state", error="error", gone="deleted")
    volumes = Lifecycle("volume", {"free": "Nobody has it.", "attaching": "It goes.", "used": "One has it."}, {})

    class Server(Thing):
        rows: ClassVar[dict[str, Any]] = {}
        lifecycle = servers

    class Volume(Thing):
        rows: ClassVar[dict[str, Any]] = {}
        lifecycle = volumes

    yield Server("s1", status="active", task_state="attaching"), Volume("v1", status="attaching")


def run(flow: Flow, **data: str) -> Operation:
    with transaction.atomic():
        row = engine.start(
            flow,
            subject=("server", "s1"),
            project_id="p1",
            actor=ACTOR,
            holds=["server:s1", "volume:v1"],
            data={"rest": "active", "volume_id": "v1", "volume_rest": "free", **data},
        )
    engine.advance(row.id)
    row.refresh_from_db()
    return row


@pytest.mark.django_db(transaction=True)
def test_a_flow_holds_and_settles_both_of_its_subjects(pair: tuple[Any, Any]) -> None:
    held: list[list[str]] = []

    def look(op: Op) -> None:
        held.append(sorted(Hold.objects.values_list("key", flat=True)))

    last = (Step("mark_volume", steps.finalizing("used", "volume")), Step("mark", steps.finalizing()))
    row = run(Flow("test.attach", 1, (Step("look", look), *last), on_failed=steps.to_stable))
    server, volume = pair
    assert (row.state, held) == (State.DONE, [["server:s1", "volume:v1"]])
    assert (server.status, server.task_state, volume.status) == ("active", None, "used")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("on_failed", "ends"), [(steps.to_stable, "active"), (steps.to_error, "error")])
def test_when_it_fails_the_subject_has_the_fault_and_the_other_rests_where_it_did(
    pair: tuple[Any, Any], on_failed: Any, ends: str
) -> None:
    def fail(op: Op) -> None:
        raise NotAttached()

    row = run(Flow("test.attach", 1, (Step("fail", fail),), on_failed=on_failed))
    server, volume = pair
    assert row.state == State.FAILED
    assert (server.status, server.task_state, server.fault_code) == (ends, None, "NotAttached")
    assert (volume.status, volume.fault_code) == ("free", "")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("flow", "data", "ends"),
    [
        ("server.power_off", {"verb": "stop"}, "off"),
        ("server.power_off", {"verb": "attach"}, "active"),  # that verb changes no state
        ("server.stop", {}, "off"),  # begun by version 0.1, which did not write the verb down
        ("server.soft_stop", {}, "active"),
    ],
)
def test_the_last_step_brings_the_subject_to_where_its_verb_ends(
    pair: tuple[Any, Any], flow: str, data: dict[str, str], ends: str
) -> None:
    pair[0].status = "other"
    assert run(Flow(flow, 1, (Step("mark", steps.finalizing()),)), **data).state == State.DONE
    assert pair[0].status == ends


@pytest.mark.django_db(transaction=True)
def test_a_subject_whose_deletion_waits_is_left_to_it(pair: tuple[Any, Any]) -> None:
    pair[0].task_state = "deleting"
    run(Flow("test.attach", 1, (Step("mark", steps.finalizing("active")),)))
    assert pair[0].task_state == "deleting"


@pytest.mark.django_db(transaction=True)
def test_an_order_names_the_subject_once_and_not_where_there_is_no_host(
    pair: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, Any]] = []
    monkeypatch.setattr(rpc, "cast", lambda host, order: sent.append((host, order)) or True)
    monkeypatch.setattr(rpc, "_refusal", lambda host, verb: None)
    flow = Flow("test.stop", 1, (Step("stop", steps.casting(SERVER_STOP, timeout=60)),))
    assert run(flow).state == State.RUNNING
    assert [(host, order["body"], order["generation"]) for host, order in sent] == [
        ("h1", {"server_id": "s1", "timeout": 60}, 7)
    ]
    Hold.objects.all().delete()
    pair[0].host = ""
    assert run(flow).state == State.DONE and len(sent) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("host", "looks"), [("h1", ["s1"]), ("", [])])
def test_what_a_host_may_have_done_although_the_verb_failed_is_looked_at(
    pair: tuple[Any, Any], host: str, looks: list[str]
) -> None:
    seen: list[str] = []
    steps.on_doubt(lambda found, **how: seen.append(found.id))
    pair[0].host = host

    def fail(op: Op) -> None:
        raise NotAttached()

    run(Flow("test.attach", 1, (Step("fail", fail),), on_failed=steps.to_stable))
    assert seen == looks
