"""Lengths: files, functions, methods of views, lines of templates."""

import ast
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.judge.found import Found
from tests.judge.tree import Source, Tree

FILE = 400  # lines
FUNCTION = 40
LONG_FUNCTION = 50  # that a few may have
VIEW = 15
TEMPLATE_LINE = 160  # characters
#: What Django calls a method of a view by: the request's.
METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})


class Function(NamedTuple):
    """A function or method. `size`: its lines from `def` to its end, its docstring among them, its decorators not."""

    path: str
    line: int
    name: str
    size: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.name} {self.size}"


@cache
def functions(tree: Tree) -> list[Function]:
    """All of them, those inside others too, the longest first."""
    found = [function for source in tree.production for function in _inside(source, source.tree, "")]
    return sorted(found, key=lambda one: (-one.size, one.path, one.line))


def _inside(source: Source, node: ast.AST, prefix: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (child.end_lineno or child.lineno) - child.lineno + 1
            yield Function(source.path, child.lineno, prefix + child.name, size)
        named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        yield from _inside(source, child, f"{prefix}{child.name}." if named else prefix)


def longest_file(tree: Tree) -> Found:
    """Lines of the longest file."""
    sizes = sorted(((len(source.lines), source.path) for source in tree.production), reverse=True)
    over = [one for one in sizes if one[0] > FILE]
    return Found(sizes[0][0], [f"{path} {size}" for size, path in over or sizes[:3]])


def long_files(tree: Tree) -> Found:
    """Files over FILE lines."""
    return Found.of([place for place in longest_file(tree).places if int(place.rpartition(" ")[2]) > FILE])


def over_forty(tree: Tree) -> Found:
    return Found.of([str(one) for one in functions(tree) if one.size > FUNCTION])


def over_fifty(tree: Tree) -> Found:
    return Found.of([str(one) for one in functions(tree) if one.size > LONG_FUNCTION])


def view_methods(tree: Tree) -> list[Function]:
    """Methods of views that answer a request, the longest first."""
    views = view_classes(tree)
    return [
        one
        for one in functions(tree)
        if (one.path, one.name.rpartition(".")[0]) in views and one.name.rpartition(".")[2] in METHODS
    ]


def view_classes(tree: Tree) -> set[tuple[str, str]]:
    """(file, name) of the classes at the top of a file that descend from Django's View, by the names of their bases."""
    classes = [
        (source.path, node.name, {ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases})
        for source in tree.production
        for node in source.tree.body
        if isinstance(node, ast.ClassDef)
    ]
    names = {"View", "APIView"}
    before = -1
    while len(names) > before:
        before = len(names)
        names |= {name for _path, name, bases in classes if bases & names}
    return {(path, name) for path, name, bases in classes if bases & names}


def long_views(tree: Tree) -> Found:
    return Found.of([str(one) for one in view_methods(tree) if one.size > VIEW])


def template_lines(tree: Tree) -> Found:
    """Lines of templates over TEMPLATE_LINE characters; the places are files, each with how many it has."""
    value, worst = 0, []
    for path, lines in tree.templates():
        over = [len(line) for line in lines if len(line) > TEMPLATE_LINE]
        if over:
            value += len(over)
            worst.append((len(over), max(over), path))
    return Found(
        value, [f"{path} {count} lines, longest {longest}" for count, longest, path in sorted(worst, reverse=True)]
    )
