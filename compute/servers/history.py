"""A server's past for people: its operations as Nova's instance actions, their steps as events; and its stages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from common.actor import Actor
from common.errors import NotFound, sentence
from compute.servers import filters, flows
from compute.servers.fields import host_id
from compute.servers.models import Server, ServerNotFound
from compute.views import refuse_unknown
from identity import policy
from openstackapi.fields import iso_micro
from operations import flows as registered
from operations.models import Operation, OperationStep, Phase, State


class ActionNotFound(NotFound):
    template = "Action for request_id %(id)s on instance %(server)s not found"


def server_of(actor: Actor, server_id: str, *, deleted: bool) -> Server:
    """Also a deleted one when `deleted`. Raises: ServerNotFound, Forbidden."""
    rows = Server.objects.all() if deleted else Server.objects.living()
    server = rows.find(server_id)
    policy.require(actor, "compute:server:get", server, missing=ServerNotFound(id=server_id))
    return server


def operations_of(server: Server) -> QuerySet[Operation]:
    return Operation.objects.filter(subject_kind="server", subject_id=server.id).order_by("-created_at", "-id")


def described(row: Operation, version: tuple[int, int]) -> dict[str, Any]:
    out = {
        "action": row.action,
        "instance_uuid": row.subject_id,
        "request_id": row.request_id or f"req-{row.id}",
        "user_id": row.user_id,
        "project_id": row.project_id or "",
        "start_time": iso_micro(row.created_at),
        "message": "Error" if row.error_code else None,
    }
    if version >= (2, 58):
        out["updated_at"] = iso_micro(row.updated_at)
    return out


#: Query parameters of the list of actions, by the microversion that brought them.
_QUERY_SINCE = {"limit": (2, 58), "marker": (2, 58), "changes-since": (2, 58), "changes-before": (2, 66)}


def actions(server: Server, version: tuple[int, int], query: QueryDict) -> QuerySet[Operation]:
    """The operations that a list of actions asks for; pages and times count from 2.58 on, before it nothing is read.

    Raises: Invalid for a parameter that the version does not know, or a time that is none.
    """
    rows = operations_of(server)
    if version < (2, 58):
        return rows
    refuse_unknown(query, (name for name, since in _QUERY_SINCE.items() if version >= since))
    return rows.filter(filters.changed_between(query))


def action(server: Server, request_id: str, version: tuple[int, int], admin: bool) -> dict[str, Any]:
    """One action with its events: our steps. Raises: ActionNotFound."""
    rows = operations_of(server)
    row = rows.filter(request_id=request_id).first() or rows.filter(id=request_id.removeprefix("req-")).first()
    if row is None:
        raise ActionNotFound(id=request_id, server=server.id)
    events = [_event(step, row, version, admin) for step in row.steps.order_by("id")]
    return {**described(row, version), "events": events}


def _event(step: OperationStep, row: Operation, version: tuple[int, int], admin: bool) -> dict[str, Any]:
    name = step.name if step.phase == Phase.DO else f"undo_{step.name}"
    reason = sentence(step.error_code, {**step.error_data, "host": step.host}) if step.error_code else None
    result = {"done": "Success", "failed": "Error"}.get(step.result)
    out: dict[str, Any] = {
        "event": f"compute_{name}",
        "start_time": iso_micro(step.started_at),
        "finish_time": iso_micro(step.finished_at),
        "result": result,
        "traceback": None,
    }
    if version >= (2, 62):
        out["hostId"] = host_id(row.project_id or "", step.host)
        if admin:
            out["host"] = step.host
    if version >= (2, 84):
        out["details"] = reason
    return out


# ── Stages: what the launch page shows ──────────────────────────────────────────────────────────────────────────────


@dataclass
class Stage:
    """One stage of a launch. `state`: waiting | running | done | failed. `at` is when it was done or failed."""

    name: str
    label: str
    state: str = "waiting"
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
    """The stages of the server's launch, each a fact with its time, or why it failed."""
    names = labels()
    boot = operations_of(server).filter(flow=flows.BOOT.name).first()
    steps = {step.name: step for step in boot.steps.filter(phase=Phase.DO)} if boot else {}
    out = [_stage(name, names[name], steps.get(step)) for name, step in _STEPS]
    before = boot.created_at if boot else server.created_at
    for name, column in _FACTS:
        at = getattr(server, column)
        seconds = (at - before).total_seconds() if at else None
        out.append(Stage(name, names[name], "done" if at else "waiting", at, seconds, server.host if at else ""))
    return out


def _stage(name: str, label: str, step: OperationStep | None) -> Stage:
    if step is None:
        return Stage(name, label)
    if step.finished_at is None:
        return Stage(name, label, "running", host=step.host)
    seconds = (step.finished_at - step.started_at).total_seconds()
    if step.result == "failed":
        reason = sentence(step.error_code, {**step.error_data, "host": step.error_data.get("host", step.host)})
        return Stage(name, label, "failed", step.finished_at, seconds, step.host, reason)
    return Stage(name, label, "done", step.finished_at, seconds, step.host)


# ── The whole timeline ──────────────────────────────────────────────────────────────────────────────────────────────


def timeline(operation: Operation) -> dict[str, Any]:
    """One operation for `manage.py why` and for the activity list."""
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
