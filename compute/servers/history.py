"""A server's past for people: its operations as Nova's instance actions, their steps as events; and its stages."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from common.errors import NotFound, sentence
from compute.servers.api import filters
from compute.servers.api.fields import host_id
from compute.servers.lifecycle import boot
from compute.servers.lifecycle.boot_volumes import BOOT_WITH_VOLUMES
from compute.servers.models import Server, ServerNotFound
from compute.views import refuse_unknown
from openstackapi.fields import Field, Fields, Version, iso_micro
from openstackapi.versioned import ByVersion, Names
from operations import flows as registered
from operations import states as progress
from operations.models import Operation, OperationStep, Phase, State


class ActionNotFound(NotFound):
    template = gettext_lazy("Action for request_id %(id)s on instance %(server)s not found")


#: The servers whose past can be read: from 2.21 on also those that are deleted.
_SERVERS = ByVersion({(2, 1): Server.objects.living, (2, 21): Server.objects.all})


def server_of(actor: RequestContext, server_id: str, version: Version, rule: str) -> Server:
    """Find a server whose past an actor may read. Raises: ServerNotFound, Forbidden."""
    server = _SERVERS.at(version)().find(server_id)
    policy.require(actor, rule, server, missing=ServerNotFound(id=server_id))
    return server


def operations_of(server: Server) -> QuerySet[Operation]:
    return Operation.objects.filter(subject_kind="server", subject_id=server.id).order_by("-created_at", "-id")


ACTION = Fields(
    "instanceAction",
    [
        Field("action"),
        Field("instance_uuid", "subject_id"),
        Field("request_id", lambda row: row.request_id or f"req-{row.id}"),
        Field("user_id"),
        Field("project_id", lambda row: row.project_id or ""),
        Field("start_time", "created_at", type="datetime"),
        Field("message", lambda row: "Error" if row.error_code else None, null=True),
        Field("updated_at", type="datetime", since=(2, 58)),
    ],
    time=iso_micro,
)
EVENT = Fields(
    "event",
    [
        Field("event"),
        Field("start_time", type="datetime"),
        Field("finish_time", type="datetime", null=True),
        Field("result", null=True),
        Field("traceback", null=True),
        Field("hostId", since=(2, 62)),
        Field("host", since=(2, 62), admin=True),
        Field("details", null=True, since=(2, 84)),
    ],
    time=iso_micro,
)
#: Query parameters of the list of actions, by the microversion that brought them: before it there are no pages.
QUERY = Names({"limit": (2, 58), "marker": (2, 58), "changes-since": (2, 58), "changes-before": (2, 66)})


def actions(server: Server, version: Version, query: QueryDict) -> QuerySet[Operation]:
    """Filter a server's operations by the query of a list of actions. Before 2.58 the query is ignored.

    Raises: Invalid for a parameter that the version does not know, or a time that is none.
    """
    rows = operations_of(server)
    known = QUERY.at(version)
    if not known:
        return rows
    refuse_unknown(query, known)
    return rows.filter(filters.changed_between(query))


def action(server: Server, request_id: str, version: Version, admin: bool) -> dict[str, object]:
    """Show one action with its events, which are the steps of the operation. Raises: ActionNotFound."""
    rows = operations_of(server)
    row = rows.filter(request_id=request_id).first() or rows.filter(id=request_id.removeprefix("req-")).first()
    if row is None:
        raise ActionNotFound(id=request_id, server=server.id)
    events = [_event(step, row) for step in row.steps.order_by("id")]
    shown = EVENT.plan(version, admin)
    return {**ACTION.render(row, version), "events": [{name: get(event) for name, get in shown} for event in events]}


def _event(step: OperationStep, row: Operation) -> dict[str, object]:
    name = step.name if step.phase == Phase.DO else f"undo_{step.name}"
    return {
        "event": f"compute_{name}",
        "start_time": step.started_at,
        "finish_time": step.finished_at,
        "result": {"done": "Success", "failed": "Error"}.get(step.result),
        "traceback": None,
        "hostId": host_id(row.project_id or "", step.host),
        "host": step.host,
        "details": sentence(step.error_code, {**step.error_data, "host": step.host}) if step.error_code else None,
    }


# ── Stages: what the launch page shows ──────────────────────────────────────────────────────────────────────────────


@dataclass
class Stage:
    """One stage of a launch. `state`: of operations.states. `at` is when it was done or failed."""

    name: str
    label: str
    state: str = progress.WAITING
    at: datetime | None = None
    seconds: float | None = None
    host: str = ""
    reason: str = ""


#: Stage → the step of BOOT that makes it, and what people call it.
_STEPS = (
    ("scheduled", "claim_host"),
    ("disk", "create_disk"),
    ("network", "wire_network"),
    ("started", "start_domain"),
)
_FACTS = (("leased", "leased_at"), ("metadata", "metadata_at"), ("login", "login_at"))


def labels() -> dict[str, str]:
    return {
        "scheduled": _("Scheduled"),
        "disk": _("Disk"),
        "network": _("Network"),
        "started": _("Started"),
        "leased": _("Address leased"),
        "metadata": _("Metadata fetched"),
        "login": _("Login ready"),
    }


def stages(server: Server) -> list[Stage]:
    """List the stages of a server's launch, each with the time it was reached."""
    names = labels()
    launch = operations_of(server).filter(flow__in=(boot.BOOT.name, BOOT_WITH_VOLUMES.name)).first()
    steps = {step.name: step for step in launch.steps.filter(phase=Phase.DO)} if launch else {}
    out = [_stage(name, names[name], steps.get(step)) for name, step in _STEPS]
    before = launch.created_at if launch else server.created_at
    for name, column in _FACTS:
        at = getattr(server, column)
        seconds = (at - before).total_seconds() if at else None
        out.append(
            Stage(name, names[name], progress.DONE if at else progress.WAITING, at, seconds, server.host if at else "")
        )
    return out


def _stage(name: str, label: str, step: OperationStep | None) -> Stage:
    if step is None:
        return Stage(name, label)
    if step.finished_at is None:
        return Stage(name, label, progress.RUNNING, host=step.host)
    seconds = (step.finished_at - step.started_at).total_seconds()
    if progress.has_failed(step.result):
        reason = sentence(step.error_code, {**step.error_data, "host": step.error_data.get("host", step.host)})
        return Stage(name, label, progress.FAILED, step.finished_at, seconds, step.host, reason)
    return Stage(name, label, progress.DONE, step.finished_at, seconds, step.host)


# ── The whole timeline ──────────────────────────────────────────────────────────────────────────────────────────────


def timeline(operation: Operation) -> dict[str, object]:
    """Build one operation for `manage.py why` and for the activity list."""
    known = registered.labels(operation.flow, operation.version)
    steps = []
    for step in operation.steps.order_by("id"):
        ended = step.finished_at
        steps.append(
            {
                "name": step.name,
                "label": known.get(step.name, step.name),
                "phase": step.phase,
                "host": step.host,
                "started_at": step.started_at,
                "seconds": (ended - step.started_at).total_seconds() if ended else None,
                "result": step.result or "running",
                "reason": sentence(step.error_code, {"host": step.host, **step.error_data}) if step.error_code else "",
                "detail": step.detail,
            }
        )
    return {
        "id": operation.id,
        "action": operation.action,
        "state": operation.state,
        "request_id": operation.request_id,
        "user": operation.user_name or operation.user_id,
        "started_at": operation.created_at,
        "finished_at": operation.finished_at,
        "reason": sentence(operation.error_code, operation.error_data) if operation.error_code else "",
        "ok": operation.state == State.DONE,
        "steps": steps,
    }
