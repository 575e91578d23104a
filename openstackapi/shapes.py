"""The shape of JSON, written in Python's own types: what a view declares of its answers.

A shape is one of:

`str`, `int`, `float`, `bool`, `None`, `dict`, `list`, `object`   that type; `object` is anything; `str | None` is either
`[shape]`                         a list of it
`{"id": str, "fault?": shape}`    an object; a name that ends in `?` may be missing
`{str: shape}`                    further properties of an object
`Fields`                          a resource
`With(fields, {…})`               an object and more properties; `AnyOf(shape, None)` one of several
`Versioned(shape, since=(2, 53))` the value of a name that not every microversion has
`ByVersion({…})`                  what differs by microversion; `Json({…})` a JSON Schema as it stands
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Final, TypeAlias, TypeVar, get_args

from openstackapi.fields import ANY, Fields, Schema, Version
from openstackapi.versioned import ByVersion, Span

K = TypeVar("K")
#: By status: a shape, None for an answer without content, or `Media`.
Answers: TypeAlias = Mapping[int, object]
_TYPES: Mapping[object, Schema] = {
    None: {"type": "null"},
    type(None): {"type": "null"},
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    dict: {"type": "object"},
    list: {"type": "array"},
    object: {},
}


@dataclass(frozen=True)
class Json:
    schema: Schema


@dataclass(frozen=True)
class Media:
    """An answer that is no JSON."""

    type: str = "application/octet-stream"


@dataclass(frozen=True)
class Versioned:
    """A value that is there in the versions from `since` to `until`, both counted."""

    shape: object
    since: Version | None = None
    until: Version | None = None


@dataclass(frozen=True, init=False)
class AnyOf:
    shapes: tuple[object, ...]

    def __init__(self, *shapes: object) -> None:
        object.__setattr__(self, "shapes", shapes)


@dataclass(frozen=True)
class With:
    base: object
    more: Mapping[str, object] | Mapping[object, object]


#: A list of links, as most services show it.
LINKS: Final = [{"rel": str, "href": str}]
#: Parameters of a list that comes in pages (openstackapi.pagination).
PAGE: Final = {
    "limit": Json({"type": "integer", "minimum": 0}),
    "marker": str,
    "sort_key": str,
    "sort_dir": Json({"type": "string", "enum": ["asc", "desc"]}),
}


def present(shapes: Mapping[K, object], version: Version) -> Iterator[tuple[K, object]]:
    """Name what a version has of these, each with its shape."""
    for name, shape in shapes.items():
        if not isinstance(shape, Versioned):
            yield name, shape
        elif version in Span(shape.since, shape.until):
            yield name, shape.shape


def json_schema(shape: object, version: Version = ANY, *, closed: bool = False) -> Schema:
    """Write a shape as a JSON Schema, as a version has it. `closed`: names that are not in it are refused.

    Raises: TypeError for what is no shape.
    """
    match shape:
        case Json(schema):
            return schema
        case ByVersion():
            return json_schema(shape.at(version), version, closed=closed)
        case Fields():
            return {**shape.json_schema(version), **({"additionalProperties": False} if closed else {})}
        case With(base, more):
            return _merged(json_schema(base, version, closed=closed), _object(more, version, closed), closed)
        case AnyOf(shapes):
            return _any_of([json_schema(one, version, closed=closed) for one in shapes])
        case UnionType():
            return {"type": [_TYPES[one]["type"] for one in get_args(shape)]}
        case Mapping():
            return _object(shape, version, closed)
        case [item]:
            return {"type": "array", "items": json_schema(item, version, closed=closed)}
    if isinstance(shape, type | None) and shape in _TYPES:
        return dict(_TYPES[shape])
    raise TypeError(f"{shape!r} is no shape of JSON")


def _object(shapes: Mapping[str, object] | Mapping[object, object], version: Version, closed: bool) -> Schema:
    found = {name: json_schema(one, version, closed=closed) for name, one in present({**shapes}, version)}
    rest = found.pop(str, None)
    out: Schema = {"type": "object"}
    if found:
        out["properties"] = {str(name).removesuffix("?"): schema for name, schema in found.items()}
    if needed := [name for name in found if not str(name).endswith("?")]:
        out["required"] = needed
    if rest is not None or closed:
        out["additionalProperties"] = False if rest is None else rest
    return out


def _merged(one: Schema, other: Schema, closed: bool) -> Schema:
    out: Schema = {"type": "object", "properties": {**one.get("properties", {}), **other.get("properties", {})}}
    if needed := [*one.get("required", ()), *other.get("required", ())]:
        out["required"] = needed
    rest = [
        part["additionalProperties"] for part in (one, other) if part.get("additionalProperties", False) is not False
    ]
    if rest or closed:
        out["additionalProperties"] = rest[-1] if rest else False
    return out


def _any_of(options: list[Schema]) -> Schema:
    null = {"type": "null"}
    left = [option for option in options if option != null]
    if len(left) == 1 and len(options) == 2 and isinstance(left[0].get("type"), str) and "enum" not in left[0]:
        return {**left[0], "type": [left[0]["type"], "null"]}
    return {"anyOf": options}
