"""Keystone's mapping engine: what a provider says of someone, by an operator's rules, as our words.

A rule's `remote` says what must be among the claims; its `local` says what follows. "{0}" in `local` is the value of the
first requirement that keeps values, "{1}" of the second. Of schema version 2.0 on, projects and users take the rule's
`domain`; of 3.0 on, `projects_json` holds projects as JSON, and roles that the provider no longer names are taken away.
Source: Keystone's federation mapping guide (mapping_combinations).
"""

import ast
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from common.errors import CloudError, Unauthorized
from common.patterns import BadPattern, regex
from identity.federation import rule_schema

Body = dict[str, Any]
#: A provider's assertion: name → values.
Assertion = Mapping[str, list[str]]

_PLACE = re.compile(r"\{(\d+)\}")


class NotMapped(Unauthorized):
    template = _("The mapping %(mapping)s gives this user no identity here: %(reason)s.")


@dataclass
class Mapped:
    """The result of the rules for an assertion. Domains are {"id": …} or {"name": …}, None for the provider's own."""

    user: Body = field(default_factory=dict)
    group_ids: list[str] = field(default_factory=list)
    groups: list[Body] = field(default_factory=list)
    projects: list[Body] = field(default_factory=list)
    version: str = "1.0"

    @property
    def is_local(self) -> bool:
        return bool(self.user.get("type") == "local")


def evaluate(mapping_id: str, rules: Iterable[Body], version: str, assertion: Assertion) -> Mapped:
    """Raises: NotMapped when no rule fits or one cannot be filled in."""
    found: list[Body] = []
    for rule in rules:
        try:
            values = _kept(rule["remote"], assertion)
        except BadPattern as error:  # written before patterns were held to RE2's syntax
            raise NotMapped(mapping=mapping_id, reason=error) from None
        if values is not None:
            found += [_filled(mapping_id, local, values) for local in rule["local"]]
    if not found:
        raise NotMapped(mapping=mapping_id, reason=_("no rule fits what the provider says"))
    try:
        return _collected(found, version)
    except CloudError as error:
        raise NotMapped(mapping=mapping_id, reason=error) from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotMapped(mapping=mapping_id, reason=_("what the rules make is no user, group or project")) from None


# ── Remote ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _kept(requirements: Iterable[Body], assertion: Assertion) -> list[list[str]] | None:
    """The values of the requirements that keep some, in order; None when one is not met."""
    kept: list[list[str]] = []
    for need in requirements:
        values = assertion.get(need["type"])
        if not values:
            return None
        as_regex = bool(need.get("regex"))
        if "any_one_of" in need:
            if not _matching(need["any_one_of"], values, as_regex):
                return None
        elif "not_any_of" in need:
            if _matching(need["not_any_of"], values, as_regex):
                return None
        elif "blacklist" in need:
            out = _matching(need["blacklist"], values, as_regex)
            kept.append([value for value in values if value not in out])
        elif "whitelist" in need:
            kept.append(_matching(need["whitelist"], values, as_regex))
        else:
            kept.append(list(values))
    return kept


def _matching(wanted: Iterable[str], values: list[str], as_regex: bool) -> list[str]:
    if as_regex:
        return [value for value in values if any(regex(one).search(value) for one in wanted)]
    named = set(wanted)
    return [value for value in values if value in named]


# ── Local ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _filled(mapping_id: str, local: Body, values: list[list[str]]) -> Body:
    """`local` with every "{n}" replaced. A text with places becomes a list, so that it is never read as an operator's.

    One that is nothing but a place becomes the list of its values; any other, of one text.
    """

    def fill(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: fill(one) for name, one in part.items()}
        if isinstance(part, list):
            return [fill(one) for one in part]
        if not isinstance(part, str):
            return part
        whole = _PLACE.fullmatch(part.strip())
        if whole:
            return value_of(whole)
        return [_PLACE.sub(lambda place: ";".join(value_of(place)), part)] if _PLACE.search(part) else part

    def value_of(place: re.Match[str]) -> list[str]:
        number = int(place[1])
        if number >= len(values):
            raise NotMapped(
                mapping=mapping_id,
                reason=_("a rule's local part has %(place)s and its remote part does not"),
                place=place[0],
            )
        return values[number]

    filled: Body = fill(local)
    return filled


def _collected(found: list[Body], version: str) -> Mapped:
    mapped = Mapped(version=version)
    honours_domain = float(version) >= 2
    for local in found:
        domain = _texts(local.get("domain"))
        if "user" in local and not mapped.user:
            mapped.user = _texts(local["user"])
        group = _texts(local.get("group"))
        if group:
            mapped.group_ids += [group["id"]] if "id" in group else []
            mapped.groups += [group] if "name" in group else []
        if "groups" in local:
            mapped.groups += _groups(local["groups"], domain)
        if "group_ids" in local:
            mapped.group_ids += _listed(local["group_ids"])
        if "projects" in local or "projects_json" in local:
            projects = [*_texts(local.get("projects") or []), *_json_projects(local.get("projects_json"))]
            mapped.projects = [_placed(one, domain if honours_domain else None) for one in projects]
    mapped.user.setdefault("type", "ephemeral")
    if honours_domain and not mapped.user.get("domain") and _texts(found[-1].get("domain")):
        mapped.user["domain"] = _texts(found[-1]["domain"])
    mapped.group_ids = list(dict.fromkeys(mapped.group_ids))
    return mapped


def _texts(part: Any) -> Any:
    """Lists that stand where one text belongs, as that text."""
    if isinstance(part, dict):
        return {name: _one(value) for name, value in part.items()}
    return [_texts(one) for one in part] if isinstance(part, list) else part


def _one(value: object) -> object:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ";".join(value)
    return _texts(value)


def _listed(value: Any) -> list[str]:
    """Names or ids as a list. An operator may write one as a text like "['a', 'b']"; a provider's text is one name."""
    if isinstance(value, list):
        return [str(one) for one in value]
    try:
        written = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return [value]
    return [str(one) for one in written] if isinstance(written, list) else [value]


def _groups(value: object, domain: Body | None) -> list[Body]:
    named: list[Body] = []
    for name in _listed(value):
        if name.startswith("JSON:"):
            named.append(dict(json.loads(name.removeprefix("JSON:"))))
        elif domain:
            named.append({"name": name, "domain": domain})
        else:
            raise ValueError("a rule has groups and no domain for them")
    return named


def _json_projects(value: Any) -> list[Body]:
    found: list[Body] = []
    for text in [value] if isinstance(value, str) else value or []:
        said = json.loads(text)
        found += rule_schema.check_projects(said if isinstance(said, list) else [said])
    return found


def _placed(project: Body, domain: Body | None) -> Body:
    return project if project.get("domain") or not domain else {**project, "domain": domain}
