"""Access to audit records: operators read all, a project's managers those of their project, a domain's those of their domain.

Of those, what happened in a project (its activity) is read by everybody who may read the project.
"""

from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from audit.models import Event
from authorization import policy
from authorization.context import RequestContext
from common.errors import NotFound

ALL, SOME, ACTIVITY = "audit:list_all_events", "audit:list_events", "audit:list_activity"
RULES: Final = {
    ALL: "role:admin or (role:reader and system_scope:all)",
    SOME: (f"rule:{ALL} or (role:manager and project_id:%(project_id)s) or (role:manager and domain_id:%(domain_id)s)"),
    ACTIVITY: f"rule:{SOME} or (role:reader and project_id:%(project_id)s)",
}
DESCRIPTIONS: Final = {
    ALL: "Read the audit records of the whole cloud",
    SOME: "Read the audit records of one's project, or of one's domain",
    ACTIVITY: "See what was changed in one's project, and by whom",
}
#: Types of what is somebody's own in a project: records of it are for them and for managers.
_OWN = Q(target_type__startswith="data/security/credential") | Q(target_type="data/security/trust")
#: Of operators: what the scheduler takes for a thing follows from the thing.
_OPERATORS = Q(target_type__startswith="service/placement")


class EventNotFound(NotFound):
    template = _("Audit record %(id)s could not be found.")


@dataclass(frozen=True)
class Reach:
    """Whose records somebody reads: those whose `column` is `value`; of everything where there is no column."""

    column: str = ""
    value: str = ""

    def all(self) -> "QuerySet[Event]":
        """Query all of them, by the index that their column has."""
        return Event.objects.filter(**{self.column: self.value}) if self.column else Event.objects.all()

    def of(self, rows: "QuerySet[Event]") -> "QuerySet[Event]":
        """Keep those of `rows`, which another index finds: an expression, so that no database reads the whole project for it."""
        if not self.column:
            return rows
        return rows.alias(whose=Concat(self.column, Value(""))).filter(whose=self.value)


def _target(actor: RequestContext) -> dict[str, str]:
    target = {"project_id": actor.project_id, "domain_id": actor.domain_id}
    return {name: value for name, value in target.items() if value}


def reach(actor: RequestContext) -> Reach:
    """Say whose records the actor may read at all, once a rule has said that they may."""
    if sees_all(actor):
        return Reach()
    return Reach("project_id", actor.project_id) if actor.project_id else Reach("domain_id", actor.domain_id or "-")


def visible(actor: RequestContext) -> "QuerySet[Event]":
    """Query the records that the actor may read. Raises: Forbidden."""
    policy.require(actor, SOME, _target(actor))
    return reach(actor).all()


def sees_all(actor: RequestContext) -> bool:
    return policy.allows(actor, ALL, {})


def manages(actor: RequestContext) -> bool:
    """Whether the actor reads whole records, not only what was changed."""
    return policy.allows(actor, SOME, _target(actor))


def sees_activity(actor: RequestContext) -> bool:
    return policy.allows(actor, ACTIVITY, _target(actor))


def activity(actor: RequestContext) -> tuple[Reach, Q]:
    """Return whose changes the actor may see, and which of them: what is somebody's own only they and managers. Raises: Forbidden."""
    policy.require(actor, ACTIVITY, _target(actor))
    found = reach(actor)
    mine = Q() if manages(actor) else ~_OWN | Q(initiator_id=actor.user_id)
    return found, mine & ~_OPERATORS if found.column else mine


def find(actor: RequestContext, id: str) -> Event:
    """Raises: EventNotFound, Forbidden."""
    row = visible(actor).filter(pk=id).first()
    if row is None:
        raise EventNotFound(id=id)
    return row
