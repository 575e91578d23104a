"""The only decision table: rule → who may. oslo.policy syntax; each app registers its rules, an operator overrides.

The override file is `settings.POLICY_FILE` (YAML, rule: check), looked at once a second and read again when it changed.
A file that does not parse, or whose rules refer to each other in a circle, changes nothing: the rules before it stay, and the log
and `manage.py doctor` say why. A process that begins with such a file has no rules of before: there its good rules restrict, and open
nothing. That holds of a file that is no YAML too, whose entries are then read one by one; of one in which no rule can be read,
nobody knows what it forbids: only administrators and services get in.

Rules have OpenStack's names, so that a policy.yaml written for it works. A rule that had a name of ours before is still overridden
under that name (`formerly`), unless the file has the new name too.
"""

import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import cast

import yaml
from django.conf import settings
from django.utils.functional import Promise
from oslo_policy import _checks, _parser
from oslo_policy.policy import Enforcer, Rules

from authorization.targets import Aim, Credentials

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


class _Checks(dict[str, Callable[..., _checks.Check]]):
    """oslo.policy's checks by HTTP, loaded when a rule names one: with their library they take 6 MiB in each process."""

    def __contains__(self, kind: object) -> bool:
        if kind in ("http", "https") and not self:
            _checks.extension_checks = None
            self.update(_checks.get_extensions())
            _checks.extension_checks = self
        return super().__contains__(kind)


_checks.extension_checks = _Checks()

_defaults: dict[str, str] = dict(BASE)
_descriptions: dict[str, str | Promise] = {}
_owner: dict[str, str] = {}
_scopes: dict[str, frozenset[str]] = {}
#: Rule → the check that stands for it in terms of names it had before, of which one is in the file.
_formerly: dict[str, str] = {}
#: A name of before → its check, for rules of the file that name it.
_old: dict[str, str] = {}
_OLD_NAME = re.compile(r"rule:([\w:-]+)")


def register(
    app: str,
    rules: Mapping[str, str],
    descriptions: Mapping[str, str | Promise] | None = None,
    scopes: Mapping[str, frozenset[str]] | None = None,
    formerly: Mapping[str, str] | None = None,
    old: Mapping[str, str] | None = None,
) -> None:
    """Add an app's rules.

    `scopes` says which of project, domain, system a rule takes; without it any. `old` are names that rules had before, each with
    its check; `formerly` is rule → its check in terms of them, such as "rule:compute:server:stop", in force when a policy file
    names one of them and not the rule.
    Raises ValueError for a rule that does not parse or that another app owns.
    """
    for name, check in rules.items():
        if _owner.get(name, app) != app or name in BASE:
            raise ValueError(f"policy rule {name} belongs to {_owner.get(name, 'authorization')}")
        if not _parses(check):
            raise ValueError(f"policy rule {name} does not parse: {check}")
        _owner[name] = app
        _defaults[name] = check
    _descriptions.update(descriptions or {})
    _scopes.update(scopes or {})
    _old.update(old or {})
    _formerly.update(formerly or {})
    _table.reset()


def _parses(check: str) -> bool:
    return check.strip() == "!" or type(_parser.parse_rule(check)).__name__ != "FalseCheck"


class _Table:
    """The parsed rules in force. Stands in for oslo.policy's Enforcer, of which the checks only ask for `rules`."""

    def __init__(self) -> None:
        self.rules: Rules = Rules()
        self.texts: dict[str, str] = {}
        self.answers: dict[object, bool] = {}
        self.trouble = ""  # why the file is not in force as it is written
        self._looked_at = 0.0
        self._stamp: tuple[int, int, int, int] | None = None
        self._ready = False

    def reset(self) -> None:
        self._ready = False

    def fresh(self) -> "_Table":
        at = time.monotonic()
        if not self._ready or at - self._looked_at >= 1.0:
            self._looked_at = at
            try:
                found = Path(settings.POLICY_FILE).stat()
                stamp = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
            except FileNotFoundError:
                stamp = None
            if not self._ready or stamp != self._stamp:
                self._stamp, self.trouble = stamp, ""
                self._load(read_overrides(at_start=not self._ready) if stamp else {})
        return self

    def _load(self, overrides: dict[str, str] | None) -> None:
        if overrides is None:
            if self._ready:
                return
            overrides = {}
        texts = {**_defaults, **_by_old_names(overrides), **overrides}
        parsed = {name: _parser.parse_rule(text) for name, text in {**_old, **texts}.items()}
        if overrides and (circle := _circle(parsed)):
            _complain(f"is not used: its rules refer to each other: {' → '.join(circle)}")
            rest = {name: text for name, text in overrides.items() if name not in circle}
            return self._load(None if self._ready else _narrowed(rest))
        for name in overrides:
            unknown = sorted({one for one, _under_not in _named(parsed[name])} - parsed.keys())
            if unknown:
                log.warning(
                    "%s: %s refers to rules that are not there: %s", settings.POLICY_FILE, name, ", ".join(unknown)
                )
        self.texts, self.rules = texts, Rules(parsed)
        self.answers = {}
        self._ready = True


_table = _Table()


def _named(check: _checks.BaseCheck, under_not: bool = False) -> Iterator[tuple[str, bool]]:
    """(each rule that a check refers to, whether it stands below a `not`); "" stands for a part that cannot be read."""
    if isinstance(check, _checks.RuleCheck):
        yield check.match, under_not
    elif isinstance(check, _checks.FalseCheck):
        yield "", under_not
    elif isinstance(check, _checks.NotCheck):
        yield from _named(check.rule, True)
    elif isinstance(check, (_checks.AndCheck, _checks.OrCheck)):
        for one in check.rules:
            yield from _named(one, under_not)


def _circle(parsed: Mapping[str, _checks.BaseCheck]) -> list[str]:
    """Rules of which each refers to the next and the last to the first; none where every chain of references ends."""
    done: set[str] = set()

    def look(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done or name not in parsed:
            return []
        for one, _under_not in _named(parsed[name]):
            if found := look(one, [*path, name]):
                return found
        done.add(name)
        return []

    return next((found for name in parsed if (found := look(name, []))), [])


def _by_old_names(overrides: Mapping[str, str]) -> dict[str, str]:
    """Rule → its check, for rules that the file overrides under a name of before. A check that only refers to the rule is none."""
    found = {}
    for rule, check in _formerly.items():
        names = [name for name in _OLD_NAME.findall(check) if name in overrides and overrides[name] != f"rule:{rule}"]
        if names and rule in overrides:
            log.warning(
                "%s: %s stands beside %s, its name of before; %s counts", settings.POLICY_FILE, rule, names[0], rule
            )
        elif names:
            log.warning("%s: %s is called %s now", settings.POLICY_FILE, names[0], rule)
            found[rule] = check
    return found


def read_overrides(*, at_start: bool = False) -> dict[str, str] | None:
    """Read the operator's rules, or None (and a line in the log) when the file is not usable as it is.

    `at_start` there are no rules of before to stay with. Then a file with a fault opens nothing, as always, but what its other rules
    restrict is restricted: an edit of one rule and a restart must not open what the rest of the file forbids.
    """
    try:
        data, broken = _entries(Path(settings.POLICY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        data, broken = {}, str(error)
    known = {*data, *_defaults, *_old}
    unknown = sorted(known - set(_defaults) - set(_old))
    if unknown:
        log.warning("%s: unknown rules are only of use to other rules: %s", settings.POLICY_FILE, ", ".join(unknown))
    faults = {name: fault for name, text in data.items() if (fault := _fault(text, known))}
    good = {name: str(text) for name, text in data.items() if name not in faults}
    said = "; ".join([*([broken] if broken else []), *(f"{name}: {fault}" for name, fault in faults.items())])
    if not said:
        return good
    if not at_start:
        _complain(f"is not used: {said}")
        return None
    if not good and set(faults) <= set(unknown):
        _complain(f"cannot be read, and only administrators and services get in until it is mended: {said}")
        return _narrowed(dict.fromkeys((*_owner, *_old), "rule:service"))
    _complain(f"only restricts, and opens nothing, until it is mended: {said}")
    return _narrowed(good)


def _complain(text: str) -> None:
    _table.trouble = text
    log.error("%s %s", settings.POLICY_FILE, text)


def _mapping(text: str) -> dict[str, object]:
    """Read rules from YAML. Raises: YAMLError, ValueError for what is no mapping of names."""
    data = yaml.safe_load(text) or {}
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
        raise ValueError("it must be a mapping of rule to check")
    return data


def _entries(text: str) -> tuple[dict[str, object], str]:
    """Read the rules of a file, and why it cannot be read as a whole: then each entry, from a line that is not indented on, by itself."""
    try:
        return _mapping(text), ""
    except (ValueError, yaml.YAMLError) as error:
        broken = " ".join(str(error).split())
    found: dict[str, object] = {}
    for entry in re.split(r"^(?=[^\s#])", text, flags=re.MULTILINE):
        for part in (entry, entry.partition("\n")[0]):  # what cannot be read may be a line that follows it
            try:
                found |= _mapping(part)
                break
            except (ValueError, yaml.YAMLError):
                continue
    return found, broken


def _narrowed(overrides: Mapping[str, str]) -> dict[str, str]:
    """The rules of a file, of which each lets in only whom the default lets in too."""
    usual = {**_old, **_defaults}
    return {
        name: f"({usual[name] or '@'}) and ({text or '@'})" if name in usual else text
        for name, text in overrides.items()
    }


def _fault(text: object, known: Collection[str]) -> str:
    """Why a check of a file cannot be used; "" where it can."""
    if not isinstance(text, str):
        return "the check must be text"
    if not _parses(text):
        return f"{text} does not parse"
    if any(under_not and one not in known for one, under_not in _named(_parser.parse_rule(text))):
        return f"what follows `not` in {text} is not known, so the check would hold for everybody"
    return ""


def trouble() -> str:
    """Say why the operator's file is not in force as it is written, as a process finds it that begins now; "" where it is."""
    return _table.fresh().trouble


def has_overrides() -> bool:
    return Path(settings.POLICY_FILE).exists()


def texts() -> dict[str, str]:
    """Return every rule in force: name → check, as text."""
    return dict(_table.fresh().texts)


def check_of(rule: str) -> str | None:
    """Return the check of a rule, or of a name that rules had before; None when it is neither."""
    return _table.fresh().texts.get(rule, _old.get(rule))


def describe(rule: str) -> str:
    """In the active language."""
    return str(_descriptions.get(rule, ""))


def holds(rule: str, aim: Aim, creds: Credentials) -> bool:
    """Whether a rule holds for exactly these credentials and this target (targets.credentials, targets.aim).

    Raises KeyError for a rule nobody registered.
    """
    table = _table.fresh()
    if rule not in table.rules:
        raise KeyError(f"no policy rule {rule} is registered")
    scope = "system" if creds["system_scope"] else "domain" if creds["domain_id"] else "project"
    if rule in _scopes and scope not in _scopes[rule]:
        return False
    target = {**aim, "tenant_id": aim["project_id"]} if "project_id" in aim else aim
    return bool(table.rules[rule](target, dict(creds), cast(Enforcer, table), rule))


def answers() -> dict[object, bool]:
    """Decisions remembered for the rules in force; empty again once they change."""
    return _table.fresh().answers
