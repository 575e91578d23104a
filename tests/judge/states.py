"""Knowledge of states outside of the tables of states.

A *state name* is a name, attribute, key, keyword or filter (`status__in`) called one of NAMES. A *states constant* is what a
module called `states` defines, or an attribute of that. A *text* is a literal, a collection of literals, or a constant of any
other module that is one. Outside of files called `states.py` counts, once each:

- a comparison (==, !=, in, not in, is, is not) of a state name, or of what a flow keeps as `rest`, with a text or with a states constant;
- a text given to a state name: assigned, passed, put under that key, or the default of a column called so.

Numbers are statuses of HTTP, and a text that is a state name is a column: neither counts. A constant in a query or a write
(`filter(vm_state=states.ERROR)`) does not either: that is what the table is for.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.judge.found import Found
from tests.judge.tree import Source, Tree

NAMES = frozenset({"status", "vm_state", "task_state", "power_state", "provisioning_state", "state"})
#: Keys besides: the states to which a flow goes back (op.data["rest"]).
KEYS = NAMES | {"rest", "rest_after"}
TABLE = "states"


def known_outside(tree: Tree) -> Found:
    """Comparisons and literals of states outside of states.py, files first that have the most."""
    found: dict[str, list[str]] = defaultdict(list)
    for source in tree.production:
        if not source.path.endswith("/states.py"):
            for node in sorted(Eye(tree, source).told(), key=lambda node: node.lineno):
                found[source.path].append(f"{source.path}:{node.lineno} {' '.join(ast.unparse(node).split())[:80]}")
    return Found.of([place for places in sorted(found.values(), key=len, reverse=True) for place in places])


class Eye:
    """Looks at one file."""

    def __init__(self, tree: Tree, source: Source) -> None:
        self._modules = tree.by_module
        self._source = source

    def told(self) -> Iterator[ast.expr | ast.stmt | ast.keyword]:
        """The nodes that count."""
        for node in self._source.nodes:
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                if any(map(_is_state, sides)) and any(self._is_text(side) or self._is_constant(side) for side in sides):
                    yield node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(map(_is_state, targets)) and node.value is not None and self._gives_text(node.value):
                    yield node
            elif isinstance(node, ast.keyword):
                if (node.arg or "").partition("__")[0] in NAMES and self._gives_text(node.value):
                    yield node
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in NAMES and self._gives_text(value):
                        yield value

    def _is_constant(self, node: ast.expr) -> bool:
        """Whether it is of a module called `states`; of a collection, whether one of its items is."""
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return any(map(self._is_constant, node.elts))
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        module, name = self._source.imports.get(node.id, ("", "")) if isinstance(node, ast.Name) else ("", "")
        return name == TABLE or module.rpartition(".")[2] == TABLE

    def _is_text(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name | ast.Attribute):
            value = self._value(node)
            return value is not None and _is_literal(value)
        return _is_literal(node)

    def _value(self, node: ast.Name | ast.Attribute) -> ast.expr | None:
        """What a constant was set to, at the top of this file or of the one that it is imported from."""
        source: Source | None = self._source
        name = node.id if isinstance(node, ast.Name) else node.attr
        owner = node if isinstance(node, ast.Name) else node.value
        if not name.isupper() or not isinstance(owner, ast.Name):
            return None
        module, original = self._source.imports.get(owner.id, ("", ""))
        if isinstance(node, ast.Attribute):
            source = self._modules.get(f"{module}.{original}" if original else module)
        elif module:
            source = self._modules.get(module)
        return source.constants.get(name) if source is not None else None

    def _gives_text(self, node: ast.expr) -> bool:
        """A text, a choice of texts, or a column whose default is one. A column's name is none."""
        if isinstance(node, ast.IfExp):
            return self._gives_text(node.body) or self._gives_text(node.orelse)
        if isinstance(node, ast.Call):
            return any(word.arg == "default" and self._gives_text(word.value) for word in node.keywords)
        if self._is_constant(node):
            return False
        return self._is_text(node) and not (isinstance(node, ast.Constant) and node.value in NAMES)


def _is_state(node: ast.expr) -> bool:
    """`status`, `x.status`, `x["status"]`, `x.get("status")`, and what is made of one: `x.status.lower()`."""
    if isinstance(node, ast.Name):
        return node.id in NAMES
    if isinstance(node, ast.Attribute):
        return node.attr in NAMES
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value in KEYS
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        key = node.args[0] if node.args else None
        is_read = node.func.attr == "get" and isinstance(key, ast.Constant) and key.value in KEYS
        return is_read or _is_state(node.func.value)
    return False


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("frozenset", "set", "tuple"):
        return len(node.args) == 1 and _is_literal(node.args[0])
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return bool(node.elts) and all(map(_is_literal, node.elts))
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)
