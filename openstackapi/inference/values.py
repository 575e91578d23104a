"""Values of expressions, as far as their source tells, and the JSON Schema of each.

A value is one of: `Known` (a real object that the module has), `Row` (an instance of a class, such as a model's row),
`Many` (an iterable of one value), `Group` (a tuple, value by value), `Shape` (JSON data by its schema), `Answer` (a
response), `Query` (the request's query). `Shape({})` is anything.
"""

import dataclasses
import datetime
import inspect
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.db import models
from django.db.models import fields as columns

from openstackapi.fields import Schema


@dataclass(frozen=True)
class Known:
    it: Any


@dataclass(frozen=True)
class Row:
    kind: type
    null: bool = False


@dataclass(frozen=True)
class Many:
    item: "Value"


@dataclass(frozen=True)
class Group:
    items: tuple["Value", ...]


@dataclass(frozen=True)
class Shape:
    schema: Schema = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """`schema` is None for an answer without content."""

    status: int
    schema: Schema | None
    media: str = "application/json"


@dataclass(frozen=True)
class Answers:
    """One of several responses."""

    items: tuple[Answer, ...]


@dataclass(frozen=True)
class Choice:
    """One of several real objects, out of a table whose key is only known at work."""

    items: tuple[object, ...]


@dataclass(frozen=True)
class Query:
    """request.GET, or a dict of it."""


@dataclass(frozen=True)
class Nothing:
    """Before the first of several values is known."""


Value: TypeAlias = Known | Row | Many | Group | Shape | Answer | Answers | Choice | Query | Nothing
ANYTHING = Shape({})
NOTHING = Nothing()
TEXT, WHOLE, NUMBER, TRUTH = (Shape({"type": name}) for name in ("string", "integer", "number", "boolean"))

_PLAIN: dict[type, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    datetime.datetime: {"type": "string"},
    datetime.date: {"type": "string"},
    bytes: {"type": "string"},
}
_COLUMNS: tuple[tuple[type, Schema], ...] = (
    (columns.BooleanField, {"type": "boolean"}),
    (columns.IntegerField, {"type": "integer"}),
    (columns.FloatField, {"type": "number"}),
    (columns.DateField, {"type": "string"}),
    (columns.CharField, {"type": "string"}),
    (columns.TextField, {"type": "string"}),
    (columns.GenericIPAddressField, {"type": "string"}),
)


# ── Schemas ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def either(one: Schema, other: Schema) -> Schema:
    """Make a schema of all that fits one schema or the other; it may allow more, where anyOf would be needed inside."""
    if one == other or one == {}:
        return one
    if other == {}:
        return other
    both_objects = _plain_object(one) and _plain_object(other)
    if both_objects:
        names = {**one.get("properties", {}), **other.get("properties", {})}
        mixed = {
            name: either(one.get("properties", {}).get(name, schema), other.get("properties", {}).get(name, schema))
            for name, schema in names.items()
        }
        return _object(mixed, set(one.get("required", ())) & set(other.get("required", ())), _rest(one, other))
    if one.get("type") == other.get("type") == "array":
        return {"type": "array", "items": either(one.get("items", {}), other.get("items", {}))}
    if set(one) == set(other) == {"type"}:
        return {"type": _types(one["type"], other["type"])}
    if one == {"type": "null"} or other == {"type": "null"}:
        return nullable(other if one == {"type": "null"} else one)
    options = [*one.get("anyOf", [one]), *(o for o in other.get("anyOf", [other]))]
    return {"anyOf": [o for i, o in enumerate(options) if o not in options[:i]]}


def any_of(schemas: Iterable[Schema]) -> Schema:
    """Make a schema of all that fits one of these; of anything when there is none."""
    found: Schema | None = None
    for schema in schemas:
        found = schema if found is None else either(found, schema)
    return found or {}


def nullable(schema: Schema) -> Schema:
    if not schema:
        return schema
    if "type" in schema and "enum" not in schema:
        return {**schema, "type": _types(schema["type"], "null")}
    options = schema.get("anyOf", [schema])
    return {"anyOf": options if {"type": "null"} in options else [*options, {"type": "null"}]}


def merged(one: Schema, other: Schema) -> Schema:
    """``{**one, **other}``."""
    properties = {**one.get("properties", {}), **other.get("properties", {})}
    return _object(properties, {*one.get("required", ()), *other.get("required", ())}, _rest(one, other))


def with_property(schema: Schema, name: str, value: Schema) -> Schema:
    """`schema` after ``data[name] = value``, which may lie behind a condition."""
    old = schema.get("properties", {}).get(name)
    properties = {**schema.get("properties", {}), name: value if old is None else either(old, value)}
    return {**schema, "type": "object", "properties": properties}


def _types(one: str | list[str], other: str | list[str]) -> str | list[str]:
    names = [*([one] if isinstance(one, str) else one), *([other] if isinstance(other, str) else other)]
    unique = list(dict.fromkeys(names))
    if "number" in unique and "integer" in unique:
        unique.remove("integer")
    return unique[0] if len(unique) == 1 else unique


def _plain_object(schema: Schema) -> bool:
    return schema.get("type") == "object" and set(schema) <= {"type", "properties", "required", "additionalProperties"}


def _rest(one: Schema, other: Schema) -> Schema | None:
    """Give the schema of further properties: None unless one schema, or both alike, has it."""
    said = [s["additionalProperties"] for s in (one, other) if isinstance(s.get("additionalProperties"), dict)]
    return said[0] if len(said) == 1 or (len(said) == 2 and said[0] == said[1]) else None


def _object(properties: Schema, required: Iterable[str], rest: Schema | None = None) -> Schema:
    out: Schema = {"type": "object"}
    if properties:
        out["properties"] = properties
    if needed := sorted(required):
        out["required"] = needed
    if rest is not None:
        out["additionalProperties"] = rest
    return out


def object_of(pairs: Iterable[tuple[str, Schema]]) -> Schema:
    """Build an object that has all of these."""
    properties = dict(pairs)
    return _object(properties, properties)


# ── Values as schemas ───────────────────────────────────────────────────────────────────────────────────────────────


def schema_of(value: Value) -> Schema:
    if value is NOTHING:
        return {}
    match value:
        case Shape(schema):
            return schema
        case Known(it):
            return example(it)
        case Many(item):
            return {"type": "array", "items": schema_of(item)}
        case Group(items):
            return {"type": "array", "items": any_of(map(schema_of, items))}
        case Choice(items):
            return any_of(map(example, items))
        case Query():
            return {"type": "object", "additionalProperties": {"type": "string"}}
        case Row(kind, null) if issubclass(kind, (str, int, float, datetime.datetime)):
            plain = next(schema for base, schema in _PLAIN.items() if issubclass(kind, base))
            return nullable(plain) if null else plain
    return {}


def example(data: object) -> Schema:
    """Build a schema that `data` fits: types, not values."""
    if data is None or isinstance(data, (str, int, float, bool)):
        return dict(_PLAIN[type(data) if type(data) in _PLAIN else str])
    if isinstance(data, Mapping):
        if not all(isinstance(name, str) for name in data):
            return {"type": "object"}
        return object_of((name, example(value)) for name, value in data.items())
    if isinstance(data, (list, tuple, set, frozenset)):
        return {"type": "array", "items": any_of(map(example, data))}
    if hasattr(data, "_proxy____cast"):  # a translated text
        return {"type": "string"}
    return {}


def of_annotation(hint: object) -> Value:
    """Return the value that a type hint promises; ANYTHING when it says too little."""
    if hint in _PLAIN:
        return Shape(dict(_PLAIN[hint]))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [of_annotation(one) for one in arguments if one is not type(None)]
        found = inner[0]
        for one in inner[1:]:
            found = joined(found, one)
        return absent(found) if type(None) in arguments else found
    if inspect.isclass(origin) and issubclass(origin, models.QuerySet):
        return Many(of_annotation(arguments[0])) if arguments else ANYTHING
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return Many(of_annotation(arguments[0]))
        return Group(tuple(of_annotation(one) for one in arguments))
    if origin is dict and len(arguments) == 2:
        value = of_annotation(arguments[1])
        return Shape(_object({}, (), schema_of(value) or None)) if schema_of(value) else Shape({"type": "object"})
    if inspect.isclass(origin) and issubclass(origin, Iterable) and arguments:
        return Many(of_annotation(arguments[0]))
    if inspect.isclass(hint) and (hasattr(hint, "_meta") or dataclasses.is_dataclass(hint)):
        return Row(hint)
    if inspect.isclass(hint) and issubclass(hint, (list, tuple)) and hasattr(hint, "_fields"):
        return Row(hint)
    return ANYTHING


def says_much(value: Value) -> bool:
    """Whether an annotation's value is as good as reading the function."""
    match value:
        case Shape(schema):
            return bool(schema) and "object" not in str(schema.get("type"))
        case Row():
            return True
        case Many(item):
            return says_much(item)
        case Group(items):
            return all(says_much(item) for item in items)
    return False


def joined(one: Value, other: Value) -> Value:
    """Join two values of which a name has one or the other, as after an if."""
    if one == other or other is NOTHING:
        return one
    if one is NOTHING:
        return other
    if isinstance(one, (Answer, Answers)) or isinstance(other, (Answer, Answers)):
        return Answers((*answers_in(one), *answers_in(other)))
    if other == Known(None):
        return absent(one)
    if one == Known(None):
        return absent(other)
    if isinstance(one, Row) and isinstance(other, Row) and one.kind is other.kind:
        return Row(one.kind, one.null or other.null)
    if isinstance(one, Many) and isinstance(other, Many):
        return Many(joined(one.item, other.item))
    if isinstance(one, Group) and isinstance(other, Group) and len(one.items) == len(other.items):
        return Group(tuple(joined(a, b) for a, b in zip(one.items, other.items, strict=True)))
    return Shape(either(schema_of(one), schema_of(other)))


def answers_in(value: Value) -> tuple[Answer, ...]:
    match value:
        case Answer():
            return (value,)
        case Answers(items):
            return items
    return ()


def absent(value: Value) -> Value:
    """Return the same, or None."""
    match value:
        case Row(kind):
            return Row(kind, null=True)
        case Group() | Answer() | Answers() | Query():
            return value
    return Shape(nullable(schema_of(value)))


def of_column(column: Any) -> Value:
    """Return the value of a model's field."""
    if column.is_relation:
        many = column.one_to_many or column.many_to_many
        related = column.related_model
        if related is None:
            return ANYTHING
        return Many(Row(related)) if many else Row(related, null=bool(getattr(column, "null", True)))
    for column_class, schema in _COLUMNS:
        if isinstance(column, column_class):
            return Shape(nullable(schema) if getattr(column, "null", False) else dict(schema))
    if isinstance(column, models.JSONField):
        default = column.get_default() if column.has_default() else None
        plain = "array" if type(default) is list else "object" if type(default) is dict else None
        return Shape({"type": [plain, "null"] if column.null else plain}) if plain else ANYTHING
    return ANYTHING
