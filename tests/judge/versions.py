"""Decisions by an API's version that stand in code rather than in a table."""

import ast

from tests.judge.found import Found
from tests.judge.tree import Tree

#: Where versions are told apart for everybody.
HOME = "openstackapi/"
ORDER = ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq


def compared(tree: Tree) -> Found:
    """Comparisons of a name that ends in `version` with a version that is written there (`(2, 57)`) or a constant, and questions
    whether it is in a constant span (`PAGED = Span(…)`, `version in PAGED`), files first that have the most. Those with a version out of a table, and of IP's versions, do not count."""
    found: dict[str, list[str]] = {}
    spans = {name for source in tree.production for node in source.nodes for name in _spans(node)}
    for source in tree.production:
        if source.path.startswith(HOME):
            continue
        for node in source.nodes:
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                for left, sign, right in zip(sides, node.ops, sides[1:], strict=False):
                    is_asked = isinstance(sign, ast.In | ast.NotIn) and _is_version(left) and _name(right) in spans
                    if is_asked or (isinstance(sign, ORDER) and _are(left, right)):
                        found.setdefault(source.path, []).append(
                            f"{source.path}:{node.lineno} {ast.unparse(node)[:60]}"
                        )
    return Found.of([place for places in sorted(found.values(), key=len, reverse=True) for place in places])


def _are(left: ast.expr, right: ast.expr) -> bool:
    return (_is_version(left) and _is_written(right)) or (_is_version(right) and _is_written(left))


def _is_version(node: ast.expr) -> bool:
    return _name(node).endswith("version")


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _spans(node: ast.AST) -> list[str]:
    """The names that a statement gives to a span."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [_name(target) for target in targets] if _name(node.value.func) == "Span" else []


def _is_written(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(isinstance(part, ast.Constant) and isinstance(part.value, int) for part in node.elts)
    return isinstance(node, ast.Name) and node.id.isupper()
