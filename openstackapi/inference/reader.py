"""Reads a view's method: what it takes, what it answers, which query it looks at.

No request is made and no row is read: this is the source, statement by statement, as `inspect` has it. Shapes that it cannot
tell stay open (`{}`), never guessed. Functions of the project that are called on the way are read too, unless their
return annotation says enough.
"""

import ast
import inspect
import sys
import typing
from functools import cache
from pathlib import Path
from types import FunctionType

from django.conf import settings

from openstackapi.inference.calls import Calls
from openstackapi.inference.expressions import Scope
from openstackapi.inference.values import (
    ANYTHING,
    NOTHING,
    Answer,
    Known,
    Many,
    Shape,
    Value,
    answers_in,
    joined,
    merged,
    of_annotation,
    says_much,
    schema_of,
)

DEEPEST = 14


@cache
def _functions(file: str) -> dict[int, ast.FunctionDef]:
    """The functions of a file, by the line in which each begins, decorators included."""
    nodes = ast.walk(ast.parse(Path(file).read_text()))
    found = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    return {min([node.lineno, *(one.lineno for one in node.decorator_list)]): node for node in found}


def _tree(function: FunctionType) -> ast.FunctionDef | None:
    """A function of the project as its tree; None for one from elsewhere, and for a lambda."""
    file = function.__code__.co_filename
    if not file.startswith(f"{settings.BASE_DIR}/") or "site-packages" in file:
        return None
    return _functions(file).get(function.__code__.co_firstlineno)


@cache
def _hints(function: FunctionType) -> dict[str, Value]:
    try:
        return {name: of_annotation(hint) for name, hint in typing.get_type_hints(function).items()}
    except NameError:  # a name that is imported for type checkers only
        return {}


@cache
def _signature(function: FunctionType) -> inspect.Signature:
    return inspect.signature(function)


def _owner(function: FunctionType) -> type | None:
    """The class in whose body a function was defined: what `super()` in it means."""
    found: object = sys.modules.get(function.__module__)
    for part in function.__qualname__.split(".")[:-1]:
        found = getattr(found, part, None)
    return found if inspect.isclass(found) else None


class Reader(Calls):
    """One method of one view."""

    def __init__(self, view: object, verb: str, version: tuple[int, int]) -> None:
        super().__init__(version)
        self.view, self.verb = view, verb
        self._stack: list[object] = []

    def read(self) -> tuple[Answer, ...]:
        """Read every answer that the method itself gives; errors are raised and not among them."""
        method = getattr(self.view, self.verb)
        value = self.bound(method.__func__, Known(self.view), [ANYTHING], {}, whole=True)
        return answers_in(value)

    # ── Functions ───────────────────────────────────────────────────────────────────────────────────────────────────

    def bound(
        self,
        function: FunctionType,
        own: Value | None,
        arguments: list[Value],
        named: dict[str, Value],
        *,
        whole: bool = False,
    ) -> Value:
        function = inspect.unwrap(function)
        promised = _hints(function).get("return", ANYTHING)
        if says_much(promised) and not whole:
            return promised
        tree = _tree(function)
        if tree is None or function in self._stack or len(self._stack) >= DEEPEST:
            return promised
        self._stack.append(function)
        try:
            scope = Scope(self._parameters(function, own, arguments, named), _module(function), _owner(function))
            self._block(tree.body, scope)
        finally:
            self._stack.pop()
        value: Value = NOTHING
        for one in scope.returned:
            value = joined(value, one)
        return promised if value is NOTHING or value == Shape({}) else value

    def _parameters(
        self, function: FunctionType, own: Value | None, arguments: list[Value], named: dict[str, Value]
    ) -> dict[str, Value]:
        placed = [*([own] if own is not None else []), *arguments]
        hints = _hints(function)
        found: dict[str, Value] = {}
        for name, parameter in _signature(function).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                inner = schema_of(hints.get(name, ANYTHING))
                found[name] = Shape({"type": "object", **({"additionalProperties": inner} if inner else {})})
            elif parameter.kind is parameter.VAR_POSITIONAL:
                found[name], placed = Many(placed[0] if placed else ANYTHING), []
            else:
                by_place = parameter.kind is not parameter.KEYWORD_ONLY and placed
                value = placed.pop(0) if by_place else named.get(name, _default(parameter))
                found[name] = hints.get(name, value) if value in (ANYTHING, NOTHING) else value
        return found

    # ── Statements ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _block(self, statements: list[ast.stmt], scope: Scope) -> bool:
        """Reads statements; True when nothing after them is reached."""
        return any(self._statement(one, scope) for one in statements)

    def _statement(self, node: ast.stmt, scope: Scope) -> bool:
        match node:
            case ast.Return(value=value):
                scope.returned.append(self.value(value, scope))
                return True
            case ast.Raise():
                return True
            case ast.Assign(targets=targets, value=value):
                found = self.value(value, scope)
                for target in targets:
                    self.bind(target, found, scope)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self.bind(target, self.value(value, scope), scope)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.BitOr(), value=value):
                more = merged(schema_of(scope.names.get(name, ANYTHING)), schema_of(self.value(value, scope)))
                scope.names[name] = Shape(more)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                scope.names[name] = joined(scope.names.get(name, ANYTHING), self.value(value, scope))
            case ast.Expr(value=value):
                self.value(value, scope)
            case ast.If():
                return self._if(node, scope)
            case ast.For(target=target, iter=many, body=body) | ast.AsyncFor(target=target, iter=many, body=body):
                self.bind(target, self.item(self.value(many, scope)), scope)
                self._block(body, scope)
            case ast.While(body=body):
                self._block(body, scope)
            case ast.With(items=items, body=body):
                for item in items:
                    self.value(item.context_expr, scope)
                return self._block(body, scope)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
                for handler in handlers:
                    self._block(handler.body, scope.inner())
                return self._block([*body, *orelse, *finalbody], scope)
            case ast.Match(cases=cases):
                for case in cases:
                    self._block(case.body, scope.inner())
        return False

    def _if(self, node: ast.If, scope: Scope) -> bool:
        is_so = self.truth(node.test, scope)
        if is_so is not None:
            return self._block(node.body if is_so else node.orelse, scope)
        then, other = scope.inner(), scope.inner()
        ended, other_ended = self._block(node.body, then), self._block(node.orelse, other)
        if ended and other_ended:
            return True
        if ended or other_ended:
            scope.names = other.names if ended else then.names
            return False
        names = {**then.names, **other.names}
        scope.names = {
            name: joined(then.names.get(name, value), other.names.get(name, value)) for name, value in names.items()
        }
        return False


def _module(function: FunctionType) -> dict[str, object]:
    """The names that a function finds outside of itself."""
    around = inspect.getclosurevars(function).nonlocals if function.__closure__ else {}
    return {**function.__globals__, **around}


def _default(parameter: inspect.Parameter) -> Value:
    return ANYTHING if parameter.default is parameter.empty else Known(parameter.default)
