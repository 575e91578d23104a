"""JSON schemas of a mapping's rules, by schema version (Keystone's own schemas 1.0, 2.0 and 3.0)."""

from typing import Any

import fastjsonschema
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.patterns import BadPattern, regex

Body = dict[str, Any]
VERSIONS = ("1.0", "2.0", "3.0")

_TEXT = {"type": "string"}
_DOMAIN = {"type": "object", "properties": {"id": _TEXT, "name": _TEXT}, "additionalProperties": False}
_ROLES = {
    "type": "array",
    "items": {"type": "object", "required": ["name"], "properties": {"name": _TEXT}, "additionalProperties": False},
}
_USER = {
    "type": "object",
    "properties": {
        "id": _TEXT,
        "name": _TEXT,
        "email": _TEXT,
        "domain": _DOMAIN,
        "type": {"type": "string", "enum": ["ephemeral", "local"]},
    },
    "additionalProperties": False,
}
_GROUP = {
    "type": "object",
    "oneOf": [
        {"type": "object", "properties": {"id": _TEXT}, "required": ["id"], "additionalProperties": False},
        {
            "type": "object",
            "properties": {"name": _TEXT, "domain": _DOMAIN},
            "required": ["name", "domain"],
            "additionalProperties": False,
        },
    ],
}


def _remote(test: str | None = None) -> Body:
    properties: Body = {"type": _TEXT}
    if test is not None:
        properties |= {test: {"type": "array", "items": _TEXT}, "regex": {"type": "boolean"}}
    return {
        "type": "object",
        "required": ["type", test] if test else ["type"],
        "properties": properties,
        "additionalProperties": False,
    }


def _projects(version: str) -> Body:
    properties: Body = {"name": _TEXT, "roles": _ROLES}
    if version != "1.0":
        properties["domain"] = _DOMAIN
    one = {"type": "object", "required": ["name", "roles"], "properties": properties, "additionalProperties": False}
    return {"type": "array", "items": one}


def _rules(version: str) -> Body:
    local: Body = {
        "user": _USER,
        "projects": _projects(version),
        "group": _GROUP,
        "groups": _TEXT,
        "group_ids": _TEXT,
        "domain": _DOMAIN,
    }
    if version == "3.0":
        local["projects_json"] = _TEXT
    tests = (None, "any_one_of", "not_any_of", "blacklist", "whitelist")
    rule = {
        "type": "object",
        "required": ["local", "remote"],
        "additionalProperties": False,
        "properties": {
            "local": {
                "type": "array",
                "items": {"type": "object", "properties": local, "additionalProperties": False},
            },
            "remote": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "object", "oneOf": [_remote(test) for test in tests]},
            },
        },
    }
    return {"type": "array", "minItems": 1, "items": rule}


_check_rules = {version: fastjsonschema.compile(_rules(version)) for version in VERSIONS}
_check_projects = fastjsonschema.compile(_projects("3.0"))


class BadRules(Invalid):
    template = _("The rules of the mapping are not valid: %(reason)s.")


def check(rules: Any, version: str) -> None:
    """Raises: BadRules."""
    if version not in VERSIONS:
        raise BadRules(
            reason=_("schema_version must be one of %(known)s, not %(version)s"),
            known=", ".join(VERSIONS),
            version=version,
        )
    try:
        _check_rules[version](rules)
    except fastjsonschema.JsonSchemaValueException as error:
        raise BadRules(reason=error.message) from None
    for rule in rules:
        for need in rule["remote"]:
            _check_patterns(need)


def _check_patterns(need: Body) -> None:
    for name in ("any_one_of", "not_any_of", "blacklist", "whitelist"):
        for text in need.get(name, []) if need.get("regex") else []:
            try:
                regex(text)
            except BadPattern as error:
                raise BadRules(reason=error) from None


def check_projects(projects: object) -> list[Body]:
    """List the projects that a provider named in JSON. Raises: BadRules."""
    try:
        return list(_check_projects(projects))
    except fastjsonschema.JsonSchemaValueException as error:
        raise BadRules(reason=error.message) from None
