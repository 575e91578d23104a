"""Why a caller may or may not: the rule, the roles that would do, those one has, and who can grant them."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import rules, share_levels
from authorization.context import RequestContext
from authorization.targets import Aim, credentials, without_share
from common.errors import Forbidden

#: Role of a new cloud → the roles that it includes, weakest first; says which role a denied caller lacks.
LADDER = {
    "reader": {"reader"},
    "member": {"member", "reader"},
    "manager": {"manager", "member", "reader"},
    "service": {"service"},
    "admin": {"admin", "manager", "member", "reader"},
}
NAMED = 5  # people named in one sentence

#: (project id, names of roles) → names of the people who have one of them there.
PeopleWith = Callable[[str, tuple[str, ...]], list[str]]


def _nobody(project_id: str, roles: tuple[str, ...]) -> list[str]:
    return []


_people_with: PeopleWith = _nobody


def use_people(people_with: PeopleWith) -> None:
    """Have refusals name the people whom `people_with` finds."""
    global _people_with
    _people_with = people_with


class PolicyForbids(Forbidden):
    """`who`, if there, are people of the caller's own project who can grant what is missing."""

    template = gettext_lazy("Policy does not allow %(rule)s. It needs the role %(wanted)s; you have %(has)s.")

    @property
    def message(self) -> str:
        who = self.data.get("who")
        return f"{super().message} {_('Ask %(who)s.') % {'who': who}}" if who else super().message


class ShareForbids(PolicyForbids):
    """One object is shared with the caller, but at too low a level."""

    template = gettext_lazy(
        "Policy does not allow %(rule)s. This is shared with you at the level %(share)s, and it needs %(level)s."
    )


@dataclass(frozen=True)
class Explanation:
    """`wanted`: any one of these roles would do; empty when no role in this scope does. `grantors`: people of the caller's
    own project who can give them, never those of another one.

    `share` is the level at which the object is shared with the caller ("" if it is not), `share_wanted` the least that
    the rule would take ("" if it takes none). `foreign`: the target is of another project, of which nothing is told.
    """

    rule: str
    check: str
    description: str
    allowed: bool
    wanted: tuple[str, ...]
    has: tuple[str, ...]
    grantors: tuple[str, ...]
    share: str = ""
    share_wanted: str = ""
    foreign: bool = False

    @property
    def sentence(self) -> str:
        """In the active language."""
        if self.allowed:
            return _("You may do this.")
        if self.share and self.share_wanted:
            words = {"share": share_levels.word(self.share), "level": share_levels.word(self.share_wanted)}
            return _("This is shared with you at the level %(share)s; this needs the level %(level)s.") % words
        if self.share or self.foreign:
            return _("No share allows this; it takes a role in the project it belongs to.")
        if not self.wanted:
            return _("No role in this scope allows it.")
        words = {"wanted": " / ".join(self.wanted), "has": ", ".join(self.has) or _("no role")}
        text = _("This needs the role %(wanted)s. You have %(has)s.") % words
        return f"{text} {_('Ask %(who)s.') % {'who': ', '.join(self.grantors)}}" if self.grantors else text

    def as_dict(self) -> dict[str, object]:
        return {
            "rule": self.rule,
            "check": self.check,
            "description": str(self.description),
            "allowed": self.allowed,
            "roles_wanted": list(self.wanted),
            "roles_held": list(self.has),
            "who_can_grant": list(self.grantors),
            "share_level": self.share or None,
            "share_level_wanted": self.share_wanted or None,
            "sentence": self.sentence,
        }


def explain(actor: RequestContext, rule: str, aim: Aim) -> Explanation:
    """`aim` is a target as targets.aim() gives it. Raises KeyError for a rule nobody registered."""
    creds = credentials(actor)
    allowed = actor.is_internal or rules.holds(rule, aim, creds)
    wanted = _roles_wanted(actor, rule, aim)
    return Explanation(
        rule=rule,
        check=rules.check_of(rule) or "",
        description=rules.describe(rule),
        allowed=allowed,
        wanted=wanted,
        has=tuple(sorted(actor.roles)),
        grantors=() if allowed or not wanted else _grantors(actor, aim, wanted),
        share=str(aim.get(share_levels.TARGET) or ""),
        share_wanted="" if allowed else _share_wanted(actor, rule, aim),
        foreign=not actor.is_admin and aim.get("project_id") not in (None, actor.project_id),
    )


def _roles_wanted(actor: RequestContext, rule: str, aim: Aim) -> tuple[str, ...]:
    """The weakest roles with which the same caller in the same scope would be allowed."""
    creds, bare = credentials(actor), without_share(aim)
    able = [role for role, names in LADDER.items() if rules.holds(rule, bare, {**creds, "roles": list(names)})]
    return tuple(role for role in able if not any(low != role and low in LADDER[role] for low in able))


def _share_wanted(actor: RequestContext, rule: str, aim: Aim) -> str:
    creds, levels = credentials(actor), share_levels.LEVELS
    return next((level for level in levels if rules.holds(rule, {**aim, share_levels.TARGET: level}, creds)), "")


def _grantors(actor: RequestContext, aim: Aim, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Names, only when the target is of the caller's own project. A role above manager is given by admins alone."""
    project_id = aim.get("project_id") or actor.project_id
    if actor.project_id is None or project_id != actor.project_id:
        return ()
    roles = ("manager", "admin") if set(wanted) & {"reader", "member", "manager"} else ("admin",)
    return tuple(_people_with(actor.project_id, roles)[:NAMED])


def refusal(why: Explanation) -> PolicyForbids:
    """Return the error of a denial."""
    if why.share and why.share_wanted:
        return ShareForbids(rule=why.rule, share=why.share, level=why.share_wanted)
    has, wanted = ", ".join(why.has) or "no role", " or ".join(why.wanted) or "of another scope"
    return PolicyForbids(rule=why.rule, wanted=wanted, has=has, who=", ".join(why.grantors))
