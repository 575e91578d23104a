"""The only decision table: rule → who may. oslo.policy syntax; each app registers its rules, an operator overrides.

The override file is `settings.POLICY_FILE` (YAML, rule: check), looked at once a second and read again when it changed.
A file that does not parse changes nothing: the rules before it stay, and the log says why.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from oslo_policy import _checks, _parser
from oslo_policy.policy import Rules

from common.actor import Actor
from common.errors import CloudError, Forbidden, NotFound
from identity.sharing import levels

if TYPE_CHECKING:
    from identity.explaining import Explanation

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


class _Checks(dict[str, Any]):
    """oslo.policy's checks by HTTP, loaded when a rule names one: with their library they take 6 MiB in each process."""

    def __contains__(self, kind: object) -> bool:
        if kind in ("http", "https") and not self:
            _checks.extension_checks = None
            self.update(_checks.get_extensions())
            _checks.extension_checks = self
        return super().__contains__(kind)


_checks.extension_checks = _Checks()

_defaults: dict[str, str] = dict(BASE)
_descriptions: dict[str, str] = {}
_owner: dict[str, str] = {}
_scopes: dict[str, frozenset[str]] = {}


class PolicyForbids(Forbidden):
    """`who`, if there, are people of the caller's own project who can grant what is missing."""

    template = _("Policy does not allow %(rule)s. It needs the role %(wanted)s; you have %(has)s.")

    @property
    def message(self) -> str:
        who = self.data.get("who")
        return f"{super().message} {_('Ask %(who)s.') % {'who': who}}" if who else super().message


class ShareForbids(PolicyForbids):
    """For whom one object is shared, but not this far."""

    template = _(
        "Policy does not allow %(rule)s. This is shared with you at the level %(share)s, and it needs %(level)s."
    )


class Hidden(NotFound):
    """What belongs to another project does not exist for this caller."""

    template = _("The resource could not be found.")


def register(
    app: str,
    rules: Mapping[str, str],
    descriptions: Mapping[str, str | Promise] | None = None,
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
    """A target as a dict: None is the caller's own project, a text is a project id, an object gives its project_id.

    An object that is shared with the caller gives the level too (levels.TARGET), which `share:<level>` looks at.
    """
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
    level = share_level(actor, target)
    return {**found, levels.TARGET: level} if level else found


def share_level(actor: Actor, target: Any) -> str | None:
    """At which level an object is shared with the caller, None when it is not."""
    if not actor.extra.get("shares"):
        return None
    from identity.sharing import held

    return held.level_on(actor, target)


def holds(rule: str, target: dict[str, Any], creds: dict[str, Any]) -> bool:
    """Whether a rule holds for exactly these credentials (credentials()) and this target (target_of())."""
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
        return holds(rule, aim, credentials(actor))
    if known is None:
        if len(table.answers) > 10_000:
            table.answers.clear()
        known = table.answers[key] = holds(rule, aim, credentials(actor))
    return known


def allows_by_role(actor: Actor, rule: str, target: Any = None) -> bool:
    """The same without what is shared with the actor."""
    return allows(
        actor, rule, {name: value for name, value in target_of(actor, target).items() if name != levels.TARGET}
    )


def require(actor: Actor, rule: str, target: Any = None, *, missing: CloudError | None = None) -> None:
    """Go on only if the actor may.

    Raises: NotFound (`missing`, or Hidden) when the target belongs to another project and is not shared with the actor;
    else Forbidden, which says which role, or which share, is wanted.
    """
    if allows(actor, rule, target):
        return
    aim = target_of(actor, target)
    foreign = aim.get("project_id") is not None and aim["project_id"] != actor.project_id
    if foreign and not actor.is_admin and levels.TARGET not in aim:
        error = missing or Hidden()
        error.denies = rule
        raise error
    raise forbids(actor, rule, aim)


def forbids(actor: Actor, rule: str, target: Mapping[str, Any]) -> PolicyForbids:
    """The refusal of a rule, as the caller may read it. It is kept under the request's id."""
    from identity import denials, explaining

    why = explaining.explain(actor, rule, dict(target))
    denials.note(actor, why)
    return explaining.refusal(why)


def explain(actor: Actor, rule: str, target: Any = None) -> "Explanation":
    """The full reason, for a greyed button or a message inside one's own project."""
    from identity import explaining

    return explaining.explain(actor, rule, target_of(actor, target))
