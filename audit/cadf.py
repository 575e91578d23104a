"""A record in CADF's words.

Sources: DMTF DSP0262 1.0; pycadf; Keystone's notifications; keystonemiddleware's audit filter.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from django.conf import settings

from audit.context import Context
from audit.models import Event
from audit.scrub import fit, text
from authorization.context import RequestContext
from common.clock import now

TYPE_URI = "http://schemas.dmtf.org/cloud/audit/1.0/event"
USER = "service/security/account/user"
ACTIVITY, CONTROL, MONITOR = "activity", "control", "monitor"
SUCCESS, FAILURE, PENDING = "success", "failure", "pending"

Target = tuple[str, str, str]  # type URI, id, name


@runtime_checkable
class Delegated(Protocol):
    """A right that was delegated, as identity knows it."""

    def as_dict(self) -> dict[str, object]: ...


def event(
    action: str,
    *,
    target: Target,
    outcome: str = SUCCESS,
    kind: str = ACTIVITY,
    context: Context | None = None,
    actor: RequestContext | None = None,
    project_id: str = "",
    domain_id: str = "",
    operation_id: str = "",
    reason: Mapping[str, object] | None = None,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
    methods: tuple[str, ...] = (),
) -> Event:
    """Return a record that is not written yet. `reason`: {"reasonType", "reasonCode", "policyType", "policyId"}."""
    actor = actor or (context.actor if context else None)
    body: dict[str, object] = {"eventType": kind}
    body |= {"reason": reason} if reason else {}
    body |= {name: fit(values) for name, values in (("before", before), ("after", after)) if values}
    body |= _initiator(actor, context, methods)
    return Event(
        event_time=now(),
        action=action[:96],
        outcome=outcome,
        initiator_id=actor.user_id if actor else "",
        initiator_name=text(actor.user_name if actor else "")[:255],
        address=context.address if context else "",
        target_type=target[0],
        target_id=target[1][:255],
        target_name=text(target[2])[:255],
        project_id=project_id,
        domain_id=domain_id,
        request_id=(context.request_id if context else "") or (actor.request_id if actor else ""),
        operation_id=operation_id,
        body=body,
    )


def _initiator(actor: RequestContext | None, context: Context | None, methods: tuple[str, ...]) -> dict[str, object]:
    """What of the initiator no list is narrowed by. A token is told by its audit id, which opens nothing."""
    found: dict[str, object] = {}
    if context is not None and context.agent:
        found["agent"] = text(context.agent)[:255]
    if actor is None:
        return found | ({"credential": {"methods": list(methods)}} if methods else {})
    delegation, trust = actor.extra.get("delegation"), actor.extra.get("trust")
    trustee = trust.get("trustee_user") if isinstance(trust, dict) else None
    ways = {
        "token": actor.audit_ids[0] if actor.audit_ids else "",
        "methods": list(methods or actor.methods),
        "trust_id": actor.trust_id,
        "trustee_user_id": trustee.get("id") if isinstance(trustee, dict) else None,
        "application_credential_id": actor.app_cred_id,
        **(delegation.as_dict() if isinstance(delegation, Delegated) else {}),
    }
    ways.pop("app_cred_id", None)
    found["credential"] = {name: value for name, value in ways.items() if value}
    scope = {
        "project_id": actor.project_id,
        "project_name": actor.project_name,
        "domain_id": actor.domain_id,
        "user_domain_id": actor.user_domain_id,
        "system": "all" if actor.system else None,
    }
    found["scope"] = {name: value for name, value in scope.items() if value}
    return found


def _said(facts: dict[str, object]) -> dict[str, object]:
    """Those that say something."""
    return {name: value for name, value in facts.items() if value}


def _told_initiator(row: Event) -> dict[str, object]:
    body = row.body
    return _said(
        {
            "id": row.initiator_id or "unknown",
            "typeURI": USER,
            "name": row.initiator_name,
            **body.get("scope", {}),
            "host": _said({"address": row.address, "agent": body.get("agent", "")}),
            "credential": {"type": "token", **body["credential"]} if body.get("credential") else None,
        }
    )


def as_dict(row: Event) -> dict[str, object]:
    """Render the whole record as CADF's JSON."""
    body = row.body
    tags = {
        "correlation_id": row.request_id,
        "operation_id": row.operation_id,
        "count": row.count if row.count > 1 else "",
    }
    record = {
        "typeURI": TYPE_URI,
        "id": row.id,
        "eventType": body.get("eventType", ACTIVITY),
        "eventTime": row.event_time.isoformat(timespec="milliseconds"),
        "action": row.action,
        "outcome": row.outcome,
        "initiator": _told_initiator(row),
        "target": {
            "typeURI": row.target_type,
            "id": row.target_id,
            "name": row.target_name,
            "project_id": row.project_id,
            "domain_id": row.domain_id,
        },
        "observer": {
            "typeURI": "/".join(row.target_type.split("/")[:2]),
            "id": settings.CLOUD_ID,
            "name": settings.REGION,
        },
        "reason": body.get("reason"),
        "tags": [f"{name}?value={value}" for name, value in tags.items() if value],
        "attachments": [
            {"name": name, "typeURI": "mime:application/json", "content": body[name]}
            for name in ("before", "after")
            if body.get(name)
        ],
    }
    return _said(record)
