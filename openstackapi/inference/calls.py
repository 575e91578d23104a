"""Calls in a view's source as values: responses, fields, the database's rows, Python's own functions."""

import ast
import inspect
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from rest_framework.response import Response

from openstackapi.fields import Fields, Schema
from openstackapi.inference.expressions import Expressions, Scope
from openstackapi.inference.values import (
    ANYTHING,
    NOTHING,
    NUMBER,
    TEXT,
    TRUTH,
    WHOLE,
    Answer,
    Choice,
    Group,
    Known,
    Many,
    Query,
    Row,
    Shape,
    Value,
    absent,
    either,
    example,
    joined,
    merged,
    object_of,
    schema_of,
    with_property,
)
from openstackapi.pagination import Page
from openstackapi.versioned import ByVersion, Names

_WORDS: tuple[str, ...] = (
    "strip",
    "lstrip",
    "rstrip",
    "lower",
    "upper",
    "title",
    "join",
    "format",
    "replace",
    "removesuffix",
)
_WORDS = (*_WORDS, "removeprefix", "decode", "hex", "isoformat", "strftime")
_TESTS = ("startswith", "endswith", "isdigit", "exists", "isalpha")
_COUNTS = ("count", "bit_length", "timestamp", "total_seconds", "index", "find")
_ROWS_STILL: tuple[str, ...] = (
    "all",
    "filter",
    "exclude",
    "order_by",
    "select_related",
    "prefetch_related",
    "distinct",
    "annotate",
)
_ROWS_STILL = (
    *_ROWS_STILL,
    "using",
    "only",
    "defer",
    "iterator",
    "reverse",
    "select_for_update",
    "visible_to",
    "union",
)
_TO_LIST = (list, sorted, set, tuple, frozenset, reversed)
_PAGE_QUERY: dict[str, Schema] = {
    "limit": {"type": "integer", "minimum": 0},
    "marker": {"type": "string"},
    "sort_key": {"type": "string"},
    "sort_dir": {"type": "string", "enum": ["asc", "desc"]},
}


class Calls(Expressions):
    def __init__(self, version: tuple[int, int]) -> None:
        super().__init__()
        self.version = version
        self.requests: list[Schema] = []

    # ── What is called ──────────────────────────────────────────────────────────────────────────────────────────────

    def called(self, node: ast.Call, scope: Scope) -> Value:
        match node.func:
            case ast.Name(id="super"):
                own = scope.names.get("self")
                fits = isinstance(own, Known) and scope.owner is not None
                return Known(super(scope.owner, own.it)) if fits else ANYTHING  # type: ignore[union-attr]
            case ast.Attribute(value=base, attr=name) if not self._is_module(base, scope):
                whole = self.value(base, scope)
                self._changes(base, name, node, scope)
                return self._method(whole, name, node, scope)
        return self.invoke(self.value(node.func, scope), node, scope)

    def _is_module(self, base: ast.expr, scope: Scope) -> bool:
        return isinstance(base, ast.Name) and inspect.ismodule(getattr(self.value(base, scope), "it", None))

    def arguments(self, node: ast.Call, scope: Scope) -> tuple[list[Value], dict[str, Value]]:
        placed = [self.value(one, scope) for one in node.args if not isinstance(one, ast.Starred)]
        named = {one.arg: self.value(one.value, scope) for one in node.keywords if one.arg is not None}
        return placed, named

    def invoke(self, function: object, node: ast.Call, scope: Scope) -> Value:
        if isinstance(function, Choice):
            value: Value = NOTHING
            for one in function.items:
                value = joined(value, self.invoke(Known(one), node, scope))
            return value
        placed, named = self.arguments(node, scope)
        if not isinstance(function, Known):
            return ANYTHING
        it = function.it
        self._asked_by_table([*placed, *named.values()])
        if inspect.isclass(it):
            return self._made(it, placed, named)
        if inspect.ismethod(it):
            return self._of_method(it, node, scope, placed, named)
        if inspect.isfunction(it):
            return self.bound(it, None, placed, named)
        return self._builtin(it, placed)

    def _asked_by_table(self, values: list[Value]) -> None:
        """The query handed on together with a table of names: those names may be asked for."""
        if not any(isinstance(value, Query) for value in values):
            return
        for value in values:
            if isinstance(value, Known) and isinstance(value.it, Mapping):
                for name in value.it:
                    self.queries.setdefault(str(name), {"type": "string"})

    def _of_method(self, it: Any, node: ast.Call, scope: Scope, placed: list[Value], named: dict[str, Value]) -> Value:
        own, name = it.__self__, it.__name__
        if isinstance(own, Fields):
            return self._fields(own, name, placed, named)
        if isinstance(own, ByVersion | Names) and name == "at":
            return Known(own.at(self.version))
        if name == "asked" and hasattr(own, "parameters") and isinstance(placed[0], Known):
            if self.version in own.parameters[placed[0].it]:
                self.queries.setdefault(placed[0].it, {"type": "string"})
            return absent(TEXT)
        if own is Page and name == "from_request":
            self.queries.update(_PAGE_QUERY)
            return Row(Page)
        if name == "body" and hasattr(own, "bodies"):
            return self._body(own, node, scope)
        return self.bound(it.__func__, Known(own), placed, named)

    def _fields(self, fields: Fields, name: str, placed: list[Value], named: dict[str, Value]) -> Value:
        if name in ("render", "json_schema"):
            return Shape(fields.json_schema(self.version))
        if name == "render_many":
            return Many(Shape(fields.json_schema(self.version)))
        known = {key: value.it for key, value in named.items() if isinstance(value, Known)}
        if name in ("create_schema", "update_schema"):
            return Known(getattr(fields, name)(*[value.it for value in placed if isinstance(value, Known)], **known))
        return ANYTHING

    # ── Bodies of requests ──────────────────────────────────────────────────────────────────────────────────────────

    def _body(self, view: Any, node: ast.Call, scope: Scope) -> Value:
        given = [*node.args, *(one.value for one in node.keywords)]
        schema = self.constant(given[0], scope) if given else view.bodies.get(self.verb)
        if not isinstance(schema, dict):
            return ANYTHING
        self.requests.append(schema)
        return Shape(schema)

    verb = ""

    def constant(self, node: ast.expr, scope: Scope) -> object:
        """Find the object that `node` gives: a name, or a call of a function of known arguments, as builders of schemas are."""
        if isinstance(node, ast.IfExp):
            is_so = self.truth(node.test, scope)
            return self.constant(node.orelse if is_so is False else node.body, scope)
        if isinstance(node, ast.Call):
            function = self.value(node.func, scope)
            placed, named = self.arguments(node, scope)
            if isinstance(function, Known) and inspect.isfunction(function.it):
                given = [one.it for one in placed if isinstance(one, Known)]
                given_by_name = {key: one.it for key, one in named.items() if isinstance(one, Known)}
                if len(given) == len(placed) and len(given_by_name) == len(named):
                    return function.it(*given, **given_by_name)
        value = self.value(node, scope)
        return value.it if isinstance(value, Known) else value.schema if isinstance(value, Shape) else None

    # ── Things that are made ────────────────────────────────────────────────────────────────────────────────────────

    def _made(self, kind: type, placed: list[Value], named: dict[str, Value]) -> Value:
        if issubclass(kind, (Response, HttpResponse, StreamingHttpResponse, JsonResponse)):
            return self._response(kind, placed, named)
        if kind in (str, int, float, bool):
            return {str: TEXT, int: WHOLE, float: NUMBER, bool: TRUTH}[kind]
        if kind in _TO_LIST:
            return Many(self.item(placed[0])) if placed else Many(ANYTHING)
        if kind is dict:
            first = placed[0] if placed else None
            if isinstance(first, Query):
                return first
            shape = schema_of(first) if first is not None else {"type": "object"}
            more = object_of((name, schema_of(value)) for name, value in named.items())
            return Shape(merged(shape if shape.get("type") == "object" else {"type": "object"}, more))
        if issubclass(kind, enumerate):
            return Many(Group((WHOLE, self.item(placed[0]))))
        if issubclass(kind, zip):
            return Many(Group(tuple(self.item(one) for one in placed)))
        if kind.__module__.split(".")[0] in ("builtins", "collections", "datetime"):
            return ANYTHING
        return Row(kind)

    def _response(self, kind: type, placed: list[Value], named: dict[str, Value]) -> Answer:
        data = placed[0] if placed else named.get("data", named.get("streaming_content"))
        status = named.get("status", placed[1] if len(placed) > 1 else None)
        code = status.it if isinstance(status, Known) and isinstance(status.it, int) else 200
        if data is None or data == Known(None):
            return Answer(code, None)
        media = named.get("content_type")
        if isinstance(media, Known) and media.it and "json" not in media.it:
            return Answer(code, {}, str(media.it))
        if issubclass(kind, StreamingHttpResponse):
            return Answer(code, {}, "application/octet-stream")
        return Answer(code, schema_of(data))

    def _builtin(self, it: object, placed: list[Value]) -> Value:
        if it is len:
            return WHOLE
        if it in (any, all, isinstance, hasattr, callable):
            return TRUTH
        if it is sorted:
            return Many(self.item(placed[0]))
        if it in (sum, max, min, round, abs):
            inner = schema_of(self.item(placed[0])) if len(placed) == 1 else schema_of(placed[0])
            return Shape(inner) if inner.get("type") in ("integer", "number", "string") else NUMBER
        if it is getattr and len(placed) > 1 and isinstance(placed[1], Known):
            return self.attribute(placed[0], placed[1].it)
        if it is next:
            return self.item(placed[0])
        if it is map and len(placed) > 1:
            return Many(ANYTHING)
        return ANYTHING

    # ── Methods ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _changes(self, base: ast.expr, name: str, node: ast.Call, scope: Scope) -> None:
        """append, update and setdefault on a local name."""
        if not isinstance(base, ast.Name) or not node.args:
            return
        old = scope.names.get(base.id)
        first = self.value(node.args[0], scope)
        if name in ("append", "add") and isinstance(old, Many):
            scope.names[base.id] = Many(joined(old.item, first))
        elif name in ("extend", "update") and isinstance(old, Many):
            scope.names[base.id] = Many(joined(old.item, self.item(first)))
        elif name == "update" and isinstance(old, Shape):
            scope.names[base.id] = Shape(merged(old.schema, schema_of(first)))
        elif name == "setdefault" and isinstance(old, Shape) and len(node.args) > 1:
            put = schema_of(self.value(node.args[1], scope))
            if isinstance(first, Known) and isinstance(first.it, str):
                scope.names[base.id] = Shape(with_property(old.schema, first.it, put))
            else:
                scope.names[base.id] = Shape(
                    {**old.schema, "additionalProperties": {"type": put["type"]} if "type" in put else {}}
                )

    def _method(self, base: Value, name: str, node: ast.Call, scope: Scope) -> Value:
        match base:
            case Query():
                return self._of_query(name, node, scope)
            case Known(it) if not isinstance(it, (str, bytes, int, float, Mapping, list, tuple, set, frozenset)):
                return self.invoke(self.attribute(base, name), node, scope)
            case Row(kind):
                found = inspect.getattr_static(kind, name, None)
                placed, named = self.arguments(node, scope)
                if inspect.isfunction(found):
                    return self.bound(found, base, placed, named)
                if isinstance(found, classmethod):
                    return self.bound(found.__func__, Known(kind), placed, named)
        return (
            self._of_rows(base, name, node, scope) if isinstance(base, Many) else self._plain(base, name, node, scope)
        )

    def _of_query(self, name: str, node: ast.Call, scope: Scope) -> Value:
        if name in ("dict", "copy"):
            return Query()
        if name in ("get", "getlist", "pop") and node.args:
            key = self.value(node.args[0], scope)
            if isinstance(key, Known) and isinstance(key.it, str):
                self.queries.setdefault(key.it, {"type": "string"})
            if name == "getlist":
                return Many(TEXT)
            return joined(TEXT, self.value(node.args[1], scope)) if len(node.args) > 1 else absent(TEXT)
        return ANYTHING

    def _of_rows(self, base: Many, name: str, node: ast.Call, scope: Scope) -> Value:
        if name in _ROWS_STILL:
            return base
        if name in ("first", "last"):
            return absent(base.item)
        if name in ("get", "create", "earliest", "latest", "pop"):
            return base.item
        if name in ("get_or_create", "update_or_create"):
            return Group((base.item, TRUTH))
        if name in ("values_list", "values"):
            return self._columns(base, name, node, scope)
        return self._plain(base, name, node, scope)

    def _columns(self, base: Many, name: str, node: ast.Call, scope: Scope) -> Value:
        placed, named = self.arguments(node, scope)
        names = [one.it for one in placed if isinstance(one, Known)]
        found = [self._path(base.item, str(column)) for column in names]
        if named.get("flat") == Known(True) and found:
            return Many(found[0])
        if name == "values":
            return Many(Shape(object_of((n, schema_of(v)) for n, v in zip(names, found, strict=True))))
        return Many(Group(tuple(found))) if found else Many(ANYTHING)

    def _path(self, value: Value, column: str) -> Value:
        for part in column.split("__"):
            value = self.attribute(value, part) if isinstance(value, Row) else ANYTHING
        return value

    def _plain(self, base: Value, name: str, node: ast.Call, scope: Scope) -> Value:
        if name in _WORDS:
            return TEXT
        if name in _TESTS:
            return TRUTH
        if name in _COUNTS:
            return WHOLE
        if name in ("split", "splitlines", "partition"):
            return Many(TEXT)
        if name == "copy":
            return base
        schema = schema_of(base)
        if name == "get" and node.args:
            key = self.value(node.args[0], scope)
            default = self.value(node.args[1], scope) if len(node.args) > 1 else Known(None)
            found = self._subscripted(base, schema, key)
            return joined(found, default)
        if name in ("items", "values", "keys"):
            each: Schema = {}
            inner = [*schema.get("properties", {}).values()]
            for at, one in enumerate(inner):
                each = one if at == 0 else either(each, one)
            rest = schema.get("additionalProperties")
            if isinstance(rest, dict):
                each = either(each, rest) if inner else rest
            parts: dict[str, Value] = {"items": Group((TEXT, Shape(each))), "values": Shape(each), "keys": TEXT}
            return Many(parts[name])
        return ANYTHING

    def _subscripted(self, base: Value, schema: Schema, key: Value) -> Value:
        if isinstance(base, Known) and isinstance(base.it, Mapping):
            if isinstance(key, Known):
                return Known(base.it[key.it]) if key.it in base.it else Known(None)
            values = [example(one) for one in base.it.values()]
            return Shape(values[0]) if values and all(one == values[0] for one in values) else ANYTHING
        if isinstance(key, Known) and key.it in schema.get("properties", {}):
            return Shape(schema["properties"][key.it])
        rest = schema.get("additionalProperties")
        return Shape(rest) if isinstance(rest, dict) else ANYTHING
