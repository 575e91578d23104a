"""Access to audit records: operators read all, a project's managers those of their project, a domain's those of their domain."""

from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from audit.models import Event
from authorization import policy
from authorization.context import RequestContext
from common.errors import NotFound

ALL, SOME = "audit:list_all_events", "audit:list_events"
RULES: Final = {
    ALL: "role:admin or (role:reader and system_scope:all)",
    SOME: (f"rule:{ALL} or (role:manager and project_id:%(project_id)s) or (role:manager and domain_id:%(domain_id)s)"),
}
DESCRIPTIONS: Final = {
    ALL: "Read the audit records of the whole cloud",
    SOME: "Read the audit records of one's project, or of one's domain",
}


class EventNotFound(NotFound):
    template = _("Audit record %(id)s could not be found.")


def visible(actor: RequestContext) -> "QuerySet[Event]":
    """Query the records that the actor may read. Raises: Forbidden."""
    target = {"project_id": actor.project_id, "domain_id": actor.domain_id}
    policy.require(actor, SOME, {name: value for name, value in target.items() if value})
    if sees_all(actor):
        return Event.objects.all()
    if actor.project_id:
        return Event.objects.filter(project_id=actor.project_id)
    return Event.objects.filter(domain_id=actor.domain_id or "-")


def sees_all(actor: RequestContext) -> bool:
    return policy.allows(actor, ALL, {})


def find(actor: RequestContext, id: str) -> Event:
    """Raises: EventNotFound, Forbidden."""
    row = visible(actor).filter(pk=id).first()
    if row is None:
        raise EventNotFound(id=id)
    return row
