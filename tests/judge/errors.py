"""Errors' codes."""

import ast
from collections import defaultdict

from tests.judge.found import Found
from tests.judge.tree import Tree

ROOT = "CloudError"


def classes(tree: Tree) -> list[tuple[str, str]]:
    """(code, place) of each class that descends from CloudError, by the names of its bases."""
    nodes = [
        (f"{source.path}:{node.lineno} {node.name}", node)
        for source in tree.production
        for node in source.nodes
        if isinstance(node, ast.ClassDef)
    ]
    bases = {id(node): {ast.unparse(base).rpartition(".")[2] for base in node.bases} for _place, node in nodes}
    names = {ROOT}
    before = 0
    while len(names) > before:
        before = len(names)
        names |= {node.name for _place, node in nodes if bases[id(node)] & names}
    return [(_code(node), place) for place, node in nodes if node.name == ROOT or bases[id(node)] & names]


def _code(node: ast.ClassDef) -> str:
    """As common.errors makes it: what the class says, else its name."""
    for line in node.body:
        targets = (
            line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "code" for target in targets):
            value = line.value  # type: ignore[union-attr]
            return str(value.value) if isinstance(value, ast.Constant) and value.value else node.name
    return node.name


def shared_codes(tree: Tree) -> Found:
    """Codes of more than one class: a stored one is told again in the sentence of whichever was imported first."""
    by_code: dict[str, list[str]] = defaultdict(list)
    for code, place in classes(tree):
        by_code[code].append(place)
    shared = sorted(((len(places), code, places) for code, places in by_code.items() if len(places) > 1), reverse=True)
    return Found.of([f"{code} ×{count} ({', '.join(places)})" for count, code, places in shared])
