"""The decision: `require`, `allows`, and the refusal that says what is missing."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from authorization import denials, explaining, rules
from authorization.context import RequestContext
from authorization.explaining import Explanation, PolicyForbids
from authorization.share_levels import TARGET
from authorization.targets import Target, aim, credentials, without_share
from common.errors import CloudError, NotFound

REMEMBERED = 10_000  # decisions, for one reading of the rules


class Hidden(NotFound):
    """A thing of another project does not exist for this caller."""

    template = _("The resource could not be found.")


def _who(actor: RequestContext) -> tuple[object, ...]:
    """All that a check can see of an actor (targets.credentials)."""
    scope = (actor.project_id, actor.domain_id, actor.system, actor.project_domain_id)
    return (actor.user_id, actor.user_domain_id, actor.roles, actor.trust_id, scope)


def allows(actor: RequestContext, rule: str, target: Target = None) -> bool:
    """Whether the actor may. Raises KeyError for a rule nobody registered."""
    if actor.is_internal:
        return True
    wanted = aim(actor, target)
    answers = rules.answers()
    try:
        key = (rule, _who(actor), tuple(wanted.items()))
        known = answers.get(key)
    except TypeError:  # a target holds a list or a dict
        return rules.holds(rule, wanted, credentials(actor))
    if known is None:
        if len(answers) > REMEMBERED:
            answers.clear()
        known = answers[key] = rules.holds(rule, wanted, credentials(actor))
    return known


def allows_by_role(actor: RequestContext, rule: str, target: Target = None) -> bool:
    """Whether the actor may without any share of the target."""
    return allows(actor, rule, without_share(aim(actor, target)))


def require(actor: RequestContext, rule: str, target: Target = None, *, missing: CloudError | None = None) -> None:
    """Go on only if the actor may.

    Raises: NotFound (`missing`, or Hidden) when the target belongs to another project and is not shared with the actor;
    else Forbidden, which says which role, or which share, is wanted.
    """
    if allows(actor, rule, target):
        return
    wanted = aim(actor, target)
    foreign = wanted.get("project_id") is not None and wanted["project_id"] != actor.project_id
    if foreign and not actor.is_admin and TARGET not in wanted:
        error = missing or Hidden()
        error.denies = rule
        raise error
    raise forbids(actor, rule, wanted)


def forbids(actor: RequestContext, rule: str, target: Mapping[str, object]) -> PolicyForbids:
    """Return the refusal of a rule, as the caller may read it. It is kept under the request's id."""
    why = explaining.explain(actor, rule, dict(target))
    denials.note(actor, why)
    return explaining.refusal(why)


def explain(actor: RequestContext, rule: str, target: Target = None) -> Explanation:
    """Return the full reason, for a greyed button or a message inside one's own project."""
    return explaining.explain(actor, rule, aim(actor, target))
