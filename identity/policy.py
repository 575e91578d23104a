"""The only decision table: rule → who may. oslo.policy syntax; each app registers its rules, an operator overrides.

The override file is `settings.POLICY_FILE` (YAML, rule: check), looked at once a second and read again when it changed.
A file that does not parse changes nothing: the rules before it stay, and the log says why.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from oslo_policy import _parser
from oslo_policy.policy import Rules

from common.actor import Actor
from common.errors import CloudError, Forbidden, NotFound

log = logging.getLogger(__name__)

#: Rules that any app's rules may name.
BASE = {
    "admin": "role:admin",
    "service": "role:service or role:admin",
    "any": "@",
    "own_project": "project_id:%(project_id)s",
    "manager": "role:admin or (role:manager and project_id:%(project_id)s)",
    "member": "role:admin or (role:member and project_id:%(project_id)s)",
    "reader": "role:admin or (role:reader and project_id:%(project_id)s)",
}
#: What the roles of a new cloud include, weakest first; used to say which role a denied caller lacks.
LADDER = {
    "reader": {"reader"},
    "member": {"member", "reader"},
    "manager": {"manager", "member", "reader"},
    "service": {"service"},
    "admin": {"admin", "manager", "member", "reader"},
}

_defaults: dict[str, str] = dict(BASE)
_descriptions: dict[str, str] = {}
_owner: dict[str, str] = {}
_scopes: dict[str, frozenset[str]] = {}


class PolicyForbids(Forbidden):
    template = _("Policy does not allow %(rule)s. It needs the role %(wanted)s; you have %(has)s.")


class Hidden(NotFound):
    """What belongs to another project does not exist for this caller."""

    template = _("The resource could not be found.")


def register(
    app: str,
    rules: Mapping[str, str],
    descriptions: Mapping[str, str] | None = None,
    scopes: Mapping[str, frozenset[str]] | None = None,
) -> None:
    """Add an app's rules. `scopes` says which of project, domain, system a rule takes; without it any.

    Raises ValueError for a rule that does not parse or that another app owns.
    """
    for name, check in rules.items():
        if _owner.get(name, app) != app or name in BASE:
            raise ValueError(f"policy rule {name} belongs to {_owner.get(name, 'identity')}")
        if check not in ("!",) and type(_parser.parse_rule(check)).__name__ == "FalseCheck":
            raise ValueError(f"policy rule {name} does not parse: {check}")
        _owner[name] = app
        _defaults[name] = check
    _descriptions.update(descriptions or {})
    _scopes.update(scopes or {})
    _table.reset()


class _Table:
    """The parsed rules in force. Stands in for oslo.policy's Enforcer, of which the checks only ask for `rules`."""

    def __init__(self) -> None:
        self.rules: Rules = Rules()
        self.texts: dict[str, str] = {}
        self.answers: dict[Any, bool] = {}
        self._looked_at = 0.0
        self._stamp: tuple[int, int, int] | None = None
        self._ready = False

    def reset(self) -> None:
        self._ready = False

    def fresh(self) -> "_Table":
        at = time.monotonic()
        if not self._ready or at - self._looked_at >= 1.0:
            self._looked_at = at
            try:
                found = Path(settings.POLICY_FILE).stat()
                stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            except FileNotFoundError:
                stamp = None
            if not self._ready or stamp != self._stamp:
                self._stamp = stamp
                self._load(read_overrides() if stamp else {})
        return self

    def _load(self, overrides: dict[str, str] | None) -> None:
        if overrides is None:
            if self._ready:
                return
            overrides = {}
        self.texts = {**_defaults, **overrides}
        self.rules = Rules({name: _parser.parse_rule(text) for name, text in self.texts.items()})
        self.answers = {}
        self._ready = True


_table = _Table()


def read_overrides() -> dict[str, str] | None:
    """The operator's rules, or None (and a line in the log) when the file is not usable as it is."""
    try:
        with Path(settings.POLICY_FILE).open(encoding="utf-8") as file:
            data = yaml.safe_load(file) or {}
        if not isinstance(data, dict):
            raise ValueError("it must be a mapping of rule to check")
        unknown = sorted(set(data) - set(_defaults))
        if unknown:
            log.warning(
                "%s: unknown rules are only of use to other rules: %s", settings.POLICY_FILE, ", ".join(unknown)
            )
        for name, text in data.items():
            if not isinstance(text, str):
                raise ValueError(f"{name}: the check must be text")
            if text.strip() != "!" and type(_parser.parse_rule(text)).__name__ == "FalseCheck":
                raise ValueError(f"{name}: {text} does not parse")
        return data
    except (OSError, ValueError, yaml.YAMLError) as error:
        log.error("%s is not used: %s", settings.POLICY_FILE, error)
        return None


def has_overrides() -> bool:
    return Path(settings.POLICY_FILE).exists()


def rules() -> dict[str, str]:
    """Every rule in force, as text."""
    return dict(_table.fresh().texts)


def describe(rule: str) -> str:
    return _descriptions.get(rule, "")


def credentials(actor: Actor) -> dict[str, Any]:
    """What oslo.policy's checks see of an actor."""
    return {
        "user_id": actor.user_id,
        "user_domain_id": actor.user_domain_id,
        "project_id": actor.project_id,
        "tenant_id": actor.project_id,
        "project_domain_id": actor.project_domain_id or None,
        "domain_id": actor.domain_id,
        "system_scope": "all" if actor.system else None,
        "roles": list(actor.roles),
        "is_admin_project": True,
        "trust_id": actor.trust_id,
        "token": _token(actor),
    }


def _token(actor: Actor) -> dict[str, Any]:
    token: dict[str, Any] = {"user": {"id": actor.user_id, "domain": {"id": actor.user_domain_id}}}
    if actor.domain_id:
        token["domain"] = {"id": actor.domain_id}
    if actor.project_id:
        token["project"] = {"id": actor.project_id, "domain": {"id": actor.project_domain_id}}
    return token


def target_of(actor: Actor, target: Any) -> dict[str, Any]:
    """A target as a dict: None is the caller's own project, a text is a project id, an object gives its project_id."""
    if isinstance(target, Mapping):
        # a project of None would equal that of a token without a project
        return {name: value for name, value in target.items() if name != "project_id" or value is not None}
    if target is None:
        return {"project_id": actor.project_id} if actor.project_id else {}
    if isinstance(target, str):
        return {"project_id": target}
    found = {"project_id": target.project_id} if target.project_id is not None else {}
    for name in ("user_id", "domain_id", "id"):
        if hasattr(target, name):
            found[name] = getattr(target, name)
    return found


def _holds(rule: str, target: dict[str, Any], creds: dict[str, Any]) -> bool:
    table = _table.fresh()
    if rule not in table.rules:
        raise KeyError(f"no policy rule {rule} is registered")
    scope = "system" if creds["system_scope"] else "domain" if creds["domain_id"] else "project"
    if rule in _scopes and scope not in _scopes[rule]:
        return False
    return bool(table.rules[rule](target, creds, table, rule))


def _who(actor: Actor) -> tuple[Any, ...]:
    """What of an actor a check can see (`credentials`)."""
    scope = (actor.project_id, actor.domain_id, actor.system, actor.project_domain_id)
    return (actor.user_id, actor.user_domain_id, actor.roles, actor.trust_id, scope)


def allows(actor: Actor, rule: str, target: Any = None) -> bool:
    """Whether the actor may. Raises KeyError for a rule nobody registered."""
    if actor.is_internal:
        return True
    aim = target_of(actor, target)
    table = _table.fresh()
    try:
        key = (rule, _who(actor), tuple(aim.items()))
        known = table.answers.get(key)
    except TypeError:  # a target holds a list or a dict
        return _holds(rule, aim, credentials(actor))
    if known is None:
        if len(table.answers) > 10_000:
            table.answers.clear()
        known = table.answers[key] = _holds(rule, aim, credentials(actor))
    return known


def require(actor: Actor, rule: str, target: Any = None, *, missing: CloudError | None = None) -> None:
    """Go on only if the actor may.

    Raises: NotFound (`missing`, or Hidden) when the target belongs to another project; else Forbidden, which says which
    role is wanted.
    """
    if allows(actor, rule, target):
        return
    aim = target_of(actor, target)
    foreign = aim.get("project_id") is not None and aim["project_id"] != actor.project_id
    if foreign and not actor.is_admin:
        raise missing or Hidden()
    raise forbids(actor, rule, aim)


def forbids(actor: Actor, rule: str, target: Mapping[str, Any]) -> PolicyForbids:
    why = _wanted(actor, rule, dict(target))
    has = ", ".join(sorted(actor.roles)) or "no role"
    return PolicyForbids(rule=rule, wanted=" or ".join(why) or "of another scope", has=has)


def _wanted(actor: Actor, rule: str, target: dict[str, Any]) -> list[str]:
    """The weakest roles with which the same caller in the same scope would be allowed."""
    creds = credentials(actor)
    allowed = [role for role, names in LADDER.items() if _holds(rule, target, {**creds, "roles": list(names)})]
    weakest = [role for role in allowed if not any(low != role and low in LADDER[role] for low in allowed)]
    return weakest


@dataclass(frozen=True)
class Explanation:
    """Why a caller may or may not: the rule, the roles that would do, those one has, and who could grant them."""

    rule: str
    check: str
    description: str
    allowed: bool
    wanted: tuple[str, ...]
    has: tuple[str, ...]
    grantors: tuple[str, ...]

    @property
    def sentence(self) -> str:
        if self.allowed:
            return str(_("You may do this."))
        wanted = " / ".join(self.wanted) or "?"
        text = _("This needs the role %(wanted)s. You have %(has)s.") % {
            "wanted": wanted,
            "has": ", ".join(self.has) or "–",
        }
        if self.grantors:
            text = f"{text} " + _("Ask %(who)s.") % {"who": ", ".join(self.grantors)}
        return str(text)


def explain(actor: Actor, rule: str, target: Any = None) -> Explanation:
    """The full reason, for a greyed button or a message inside one's own project."""
    from identity.assignments import services as assignments

    aim = target_of(actor, target)
    allowed = allows(actor, rule, target)
    grantors = () if allowed else tuple(assignments.grantors(aim.get("project_id") or actor.project_id))
    return Explanation(
        rule=rule,
        check=rules()[rule],
        description=describe(rule),
        allowed=allowed,
        wanted=tuple(_wanted(actor, rule, aim)),
        has=tuple(sorted(actor.roles)),
        grantors=grantors,
    )
