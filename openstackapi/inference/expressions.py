"""Expressions of a view's source as values."""

import ast
import builtins
import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from openstackapi.fields import Schema
from openstackapi.inference.values import (
    ANYTHING,
    NOTHING,
    NUMBER,
    TEXT,
    TRUTH,
    WHOLE,
    Choice,
    Group,
    Known,
    Many,
    Query,
    Row,
    Shape,
    Value,
    joined,
    merged,
    object_of,
    of_annotation,
    of_column,
    schema_of,
    with_property,
)

_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


@dataclass
class Scope:
    """One function while it is read: its names, what it returned so far, and where it was defined."""

    names: dict[str, Value]
    module: Mapping[str, object]
    owner: type | None = None
    returned: list[Value] = field(default_factory=list)

    def inner(self) -> "Scope":
        return Scope(dict(self.names), self.module, self.owner, self.returned)


class Expressions:
    """`value(node, scope)` of every kind of expression that views use; a kind not here is ANYTHING."""

    def __init__(self) -> None:
        self.queries: dict[str, Schema] = {}

    def value(self, node: ast.expr | None, scope: Scope) -> Value:
        if node is None:
            return Known(None)
        read = getattr(self, f"_{type(node).__name__.lower()}", None)
        return ANYTHING if read is None else read(node, scope)

    def called(self, node: ast.Call, scope: Scope) -> Value:
        raise NotImplementedError

    def bound(self, function: Any, own: Value | None, arguments: list[Value], named: dict[str, Value]) -> Value:
        raise NotImplementedError

    # ── Names and attributes ────────────────────────────────────────────────────────────────────────────────────────

    def _constant(self, node: ast.Constant, scope: Scope) -> Value:
        return Known(node.value)

    def _name(self, node: ast.Name, scope: Scope) -> Value:
        if node.id in scope.names:
            return scope.names[node.id]
        if node.id in scope.module:
            return Known(scope.module[node.id])
        return Known(getattr(builtins, node.id)) if hasattr(builtins, node.id) else ANYTHING

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Value:
        if node.attr == "GET":
            return Query()
        return self.attribute(self.value(node.value, scope), node.attr)

    def attribute(self, base: Value, name: str) -> Value:
        match base:
            case Known(it):
                return self._of_object(it, name)
            case Row(kind):
                return self._of_row(base, kind, name)
            case Shape(schema):
                return Shape(schema["properties"][name]) if name in schema.get("properties", {}) else ANYTHING
        return ANYTHING

    def _of_object(self, it: object, name: str) -> Value:
        if inspect.isclass(it) and issubclass(it, models.Model) and name in ("objects", "_default_manager"):
            return Many(Row(it))
        if name in ("request", "headers"):
            return ANYTHING
        found = inspect.getattr_static(type(it), name, None) if not inspect.isclass(it) else None
        if isinstance(found, property) and found.fget is not None:
            return self.bound(found.fget, Known(it), [], {})
        return Known(getattr(it, name)) if hasattr(it, name) else ANYTHING

    def _of_row(self, row: Row, kind: type, name: str) -> Value:
        if hasattr(kind, "_meta"):
            column = _column(kind, name)
            if column is not None:
                return column
        found = inspect.getattr_static(kind, name, None)
        if isinstance(found, property) and found.fget is not None:
            return self.bound(found.fget, row, [], {})
        if inspect.isfunction(found) or isinstance(found, (classmethod, staticmethod)):
            return ANYTHING
        hints = inspect.get_annotations(kind, eval_str=False)
        if name in hints and not isinstance(hints[name], str):
            return of_annotation(hints[name])
        return ANYTHING

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Value:
        base = self.value(node.value, scope)
        if isinstance(node.slice, ast.Slice):
            return TEXT if schema_of(base).get("type") == "string" else base
        key = self.value(node.slice, scope)
        match base, key:
            case Query(), Known(str() as name):
                self.queries.setdefault(name, {"type": "string"})
                return TEXT
            case Known(it), Known(at) if isinstance(it, (Mapping, list, tuple)):
                try:
                    return Known(it[at])
                except (LookupError, TypeError):
                    return ANYTHING
            case Known(it), _ if isinstance(it, Mapping) and it:
                return Choice(tuple(it.values()))
            case Many(item), _:
                return item
            case Group(items), Known(int() as at) if at < len(items):
                return items[at]
            case Shape(schema), Known(str() as name):
                return Shape(schema.get("properties", {}).get(name) or schema.get("additionalProperties") or {})
            case Shape(schema), _ if isinstance(schema.get("additionalProperties"), dict):
                return Shape(schema["additionalProperties"])
            case Shape(schema), _ if schema.get("type") == "array":
                return Shape(schema.get("items", {}))
        return ANYTHING

    # ── Displays ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _dict(self, node: ast.Dict, scope: Scope) -> Value:
        shape: Schema = {"type": "object"}
        for key, value in zip(node.keys, node.values, strict=True):
            inner = schema_of(self.value(value, scope))
            if key is None:
                shape = merged(shape, inner)
                continue
            match self.value(key, scope):
                case Known(str() as name):
                    shape = merged(shape, object_of([(name, inner)]))
                case _:
                    shape = merged(shape, {"type": "object", **({"additionalProperties": inner} if inner else {})})
        return Shape(shape)

    def _list(self, node: ast.List | ast.Set, scope: Scope) -> Value:
        item: Value = NOTHING
        for one in node.elts:
            if isinstance(one, ast.Starred):
                item = joined(item, self.item(self.value(one.value, scope)))
            else:
                item = joined(item, self.value(one, scope))
        return Many(item)

    _set = _list

    def _tuple(self, node: ast.Tuple, scope: Scope) -> Value:
        if any(isinstance(one, ast.Starred) for one in node.elts):
            return Many(ANYTHING)
        items = tuple(self.value(one, scope) for one in node.elts)
        known = [item.it for item in items if isinstance(item, Known)]
        return Known(tuple(known)) if items and len(known) == len(items) else Group(items)

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, scope: Scope) -> Value:
        return Many(self.value(node.elt, self._inside(node.generators, scope)))

    _generatorexp = _setcomp = _listcomp

    def _dictcomp(self, node: ast.DictComp, scope: Scope) -> Value:
        inner = schema_of(self.value(node.value, self._inside(node.generators, scope)))
        return Shape({"type": "object", **({"additionalProperties": inner} if inner else {})})

    def _inside(self, generators: list[ast.comprehension], scope: Scope) -> Scope:
        inner = scope.inner()
        for one in generators:
            self.bind(one.target, self.item(self.value(one.iter, inner)), inner)
            for test in one.ifs:
                self.value(test, inner)
        return inner

    def item(self, value: Value) -> Value:
        """Give the value of one item of an iterable."""
        match value:
            case Many(item):
                return item
            case Group(items) if items:
                found = items[0]
                for one in items[1:]:
                    found = joined(found, one)
                return found
            case Known(it) if isinstance(it, (list, tuple, set, frozenset)) and it:
                return Shape(schema_of(value)["items"])
            case Known(it) if isinstance(it, Mapping):
                return TEXT
            case Shape(schema) if schema.get("type") == "array":
                return Shape(schema.get("items", {}))
        return ANYTHING

    def bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """``target = value``."""
        match target:
            case ast.Name(id=name):
                scope.names[name] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                whole = _apart(value, len(parts))
                for at, part in enumerate(parts):
                    fits = isinstance(whole, Group) and len(whole.items) == len(parts)
                    self.bind(part, whole.items[at] if isinstance(whole, Group) and fits else self.item(whole), scope)
            case ast.Subscript(value=ast.Name(id=name), slice=key):
                old = scope.names.get(name)
                if isinstance(old, Shape):
                    scope.names[name] = Shape(self._put(old.schema, self.value(key, scope), value))

    def _put(self, schema: Schema, key: Value, value: Value) -> Schema:
        match key:
            case Known(str() as name):
                return with_property(schema, name, schema_of(value))
        inner, old = schema_of(value), schema.get("additionalProperties")
        rest = schema_of(joined(Shape(old), value)) if isinstance(old, dict) else inner
        return {**schema, "additionalProperties": rest} if rest else schema

    # ── Operators ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _ifexp(self, node: ast.IfExp, scope: Scope) -> Value:
        is_so = self.truth(node.test, scope)
        if is_so is not None:
            return self.value(node.body if is_so else node.orelse, scope)
        return joined(self.value(node.body, scope), self.value(node.orelse, scope))

    def truth(self, test: ast.expr, scope: Scope) -> bool | None:
        """Whether a condition holds, None when that is only known at work."""
        match self.value(test, scope):
            case Known(it):
                return bool(it)
        return None

    def _boolop(self, node: ast.BoolOp, scope: Scope) -> Value:
        found = [self.value(one, scope) for one in node.values]
        stops = isinstance(node.op, ast.Or)
        kept: list[Value] = []
        for one in found:
            is_last = one is found[-1]
            if is_last or not isinstance(one, Known) or bool(one.it) is stops:
                kept.append(one)
            if isinstance(one, Known) and bool(one.it) is stops:
                break
        value = kept[-1]
        for one in reversed(kept[:-1]):
            value = joined(self._present(one) if stops else one, value)
        return TRUTH if not stops and len(kept) > 1 else value

    @staticmethod
    def _present(value: Value) -> Value:
        """The left of an `or` is not None when it is taken."""
        if isinstance(value, Row):
            return Row(value.kind)
        kinds = schema_of(value).get("type")
        if isinstance(kinds, list):
            left = [kind for kind in kinds if kind != "null"]
            return Shape({**schema_of(value), "type": left[0] if len(left) == 1 else left})
        return value

    def _compare(self, node: ast.Compare, scope: Scope) -> Value:
        left, right = self.value(node.left, scope), self.value(node.comparators[0], scope)
        if isinstance(right, Query) and isinstance(left, Known) and isinstance(left.it, str):
            self.queries.setdefault(left.it, {"type": "string"})
        act = _COMPARE[type(node.ops[0])]
        if len(node.ops) == 1 and isinstance(left, Known) and isinstance(right, Known):
            try:
                return Known(bool(act(left.it, right.it)))
            except TypeError:
                return TRUTH
        return TRUTH

    def _unaryop(self, node: ast.UnaryOp, scope: Scope) -> Value:
        value = self.value(node.operand, scope)
        if isinstance(node.op, ast.Not):
            return Known(not value.it) if isinstance(value, Known) else TRUTH
        return value

    def _binop(self, node: ast.BinOp, scope: Scope) -> Value:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        one, other = schema_of(left), schema_of(right)
        if isinstance(node.op, ast.BitOr) and "object" in (one.get("type"), other.get("type")):
            return Shape(merged(one, other))
        if isinstance(node.op, ast.Mod) and one.get("type") == "string":
            return TEXT
        if isinstance(node.op, ast.Div):
            return NUMBER
        if isinstance(left, Many) or isinstance(right, Many):
            return joined(left, right)
        kinds = {str(one.get("type")), str(other.get("type"))}
        for shape in (TEXT, NUMBER, WHOLE):
            if shape.schema["type"] in kinds:
                return shape
        return ANYTHING

    def _joinedstr(self, node: ast.JoinedStr, scope: Scope) -> Value:
        return TEXT

    def _namedexpr(self, node: ast.NamedExpr, scope: Scope) -> Value:
        value = self.value(node.value, scope)
        scope.names[node.target.id] = value
        return value

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        return self.called(node, scope)


def _column(kind: type[models.Model], name: str) -> Value | None:
    if name == "pk":
        return of_column(kind._meta.pk)
    for column in kind._meta.get_fields():
        accessor = column.get_accessor_name() if hasattr(column, "get_accessor_name") else column.name
        if name == accessor:
            return of_column(column)
        if name == getattr(column, "attname", None):
            target = getattr(column, "target_field", None)
            plain = of_column(target) if target is not None else ANYTHING
            return joined(plain, Known(None)) if getattr(column, "null", False) else plain
    return None


def _apart(value: Value, length: int) -> Value:
    """A real tuple, or a choice of such, place by place."""
    match value:
        case Known(tuple() | list() as it) if len(it) == length:
            return Group(tuple(map(Known, it)))
        case Choice(items) if all(isinstance(one, (tuple, list)) and len(one) == length for one in items):
            return Group(tuple(map(Choice, zip(*items, strict=True))))
    return value
