"""Why a caller may or may not: the rule, the roles that would do, those one has, and who can grant them."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from common.actor import Actor
from identity import policy
from identity.assignments import granting
from identity.sharing import levels

#: What the roles of a new cloud include, weakest first; used to say which role a denied caller lacks.
LADDER = {
    "reader": {"reader"},
    "member": {"member", "reader"},
    "manager": {"manager", "member", "reader"},
    "service": {"service"},
    "admin": {"admin", "manager", "member", "reader"},
}
NAMED = 5  # people named in one sentence


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
            words = {"share": levels.word(self.share), "level": levels.word(self.share_wanted)}
            return _("This is shared with you at the level %(share)s; this needs the level %(level)s.") % words
        if self.share or self.foreign:
            return _("No share allows this; it takes a role in the project it belongs to.")
        if not self.wanted:
            return _("No role in this scope allows it.")
        words = {"wanted": " / ".join(self.wanted), "has": ", ".join(self.has) or _("no role")}
        text = _("This needs the role %(wanted)s. You have %(has)s.") % words
        return f"{text} {_('Ask %(who)s.') % {'who': ', '.join(self.grantors)}}" if self.grantors else text

    def as_dict(self) -> dict[str, Any]:
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


def explain(actor: Actor, rule: str, aim: dict[str, Any]) -> Explanation:
    """`aim` is a target as policy.target_of() gives it."""
    allowed = policy.allows(actor, rule, aim)
    share = str(aim.get(levels.TARGET) or "")
    wanted = _roles_wanted(actor, rule, aim)
    return Explanation(
        rule=rule,
        check=policy.rules()[rule],
        description=policy.describe(rule),
        allowed=allowed,
        wanted=wanted,
        has=tuple(sorted(actor.roles)),
        grantors=() if allowed or not wanted else _grantors(actor, aim, wanted),
        share=share,
        share_wanted="" if allowed else _share_wanted(actor, rule, aim),
        foreign=not actor.is_admin and aim.get("project_id") not in (None, actor.project_id),
    )


def _roles_wanted(actor: Actor, rule: str, aim: dict[str, Any]) -> tuple[str, ...]:
    """The weakest roles with which the same caller in the same scope would be allowed."""
    creds = policy.credentials(actor)
    bare = {name: value for name, value in aim.items() if name != levels.TARGET}
    able = [role for role, names in LADDER.items() if policy.holds(rule, bare, {**creds, "roles": list(names)})]
    return tuple(role for role in able if not any(low != role and low in LADDER[role] for low in able))


def _share_wanted(actor: Actor, rule: str, aim: dict[str, Any]) -> str:
    creds = policy.credentials(actor)
    return next((level for level in levels.LEVELS if policy.holds(rule, {**aim, levels.TARGET: level}, creds)), "")


def _grantors(actor: Actor, aim: dict[str, Any], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Names, only when the target is of the caller's own project. A role above manager is given by admins alone."""
    project_id = aim.get("project_id") or actor.project_id
    if project_id is None or project_id != actor.project_id:
        return ()
    roles = ("manager", "admin") if set(wanted) & {"reader", "member", "manager"} else ("admin",)
    names = granting.people_with(project_id, roles)
    return tuple(names[:NAMED])


def refusal(why: Explanation) -> policy.PolicyForbids:
    """The error of a denial."""
    if why.share and why.share_wanted:
        return policy.ShareForbids(rule=why.rule, share=why.share, level=why.share_wanted)
    has, wanted = ", ".join(why.has) or "no role", " or ".join(why.wanted) or "of another scope"
    return policy.PolicyForbids(rule=why.rule, wanted=wanted, has=has, who=", ".join(why.grantors))
