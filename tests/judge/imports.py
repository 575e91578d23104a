"""Imports: circles of files, and the contracts of import-linter."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import deque
from collections.abc import Container, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from tests.judge.found import Found
from tests.judge.tree import Source, Tree

Graph = dict[str, dict[str, int]]  # file → file that it imports → line of the first such import


@cache
def graph(tree: Tree) -> Graph:
    """Which file imports which, imports inside of functions and for type checkers only included."""
    found: Graph = {source.path: {} for source in tree.production}
    for source in tree.production:
        for module, line in _imported(source, tree.by_module):
            found[source.path].setdefault(tree.by_module[module].path, line)
        found[source.path].pop(source.path, None)  # a package that names its own modules
    return found


def _imported(source: Source, modules: Container[str]) -> Iterator[tuple[str, int]]:
    """(module, line): `from a import b` names the module a.b where there is one, else what `a` holds."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in modules:
                    yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = source.origin(node)
            for alias in node.names:
                for module in (f"{base}.{alias.name}", base):
                    if module in modules:
                        yield module, node.lineno
                        break


def rings(graph: Graph) -> list[list[str]]:
    """The strongly connected sets of more than one file, the largest first, each sorted (Tarjan, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []
    for root in graph:
        if root in number:
            continue
        work = [(root, iter(graph[root]))]
        number[root] = low[root] = len(number)
        stack.append(root)
        while work:
            node, rest = work[-1]
            child = next(rest, None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    at = stack.index(node)
                    ring, stack[at:] = stack[at:], []
                    if len(ring) > 1:
                        found.append(sorted(ring))
                    number.update(dict.fromkeys(ring, len(graph) * 2))
            elif child not in number:
                number[child] = low[child] = len(number)
                stack.append(child)
                work.append((child, iter(graph[child])))
            elif number[child] < len(graph) * 2:
                low[node] = min(low[node], number[child])
    return sorted(found, key=lambda ring: (-len(ring), ring))


def shortest(graph: Graph, ring: list[str]) -> list[str]:
    """The shortest way round within a ring: its files in order, the first one also last."""
    best: list[str] = []
    for start in ring:
        before: dict[str, str] = {}
        queue = deque([start])
        while queue and start not in before:
            node = queue.popleft()
            for child in graph[node]:
                if child in ring and child not in before:
                    before[child] = node
                    queue.append(child)
        way = [start]
        while len(way) == 1 or way[-1] != start:
            way.append(before[way[-1]])
        if not best or len(way) < len(best):
            best = way[::-1]
    return best


def circles(tree: Tree) -> Found:
    """Sets of files that import each other in a round."""
    links = graph(tree)
    places = []
    for ring in rings(links):
        way = shortest(links, ring)
        round_ = " → ".join(f"{a}:{links[a][b]}" for a, b in pairwise(way))
        places.append(f"{len(ring)} files ({', '.join(ring)}), shortest {round_} → {way[-1]}")
    return Found.of(places)


def in_circles(tree: Tree) -> Found:
    """Files that are in one of them: two circles that become one larger one are no gain."""
    found = rings(graph(tree))
    return Found(sum(map(len, found)), [f"{len(ring)} with {ring[0]}" for ring in found])


def _linter(tree: Tree) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((tree.root / "pyproject.toml").read_text())["tool"]["importlinter"]
    return found


def contracts(tree: Tree) -> Found:
    return Found.of([contract["name"] for contract in _linter(tree)["contracts"]])


def exceptions(tree: Tree) -> Found:
    """Imports that contracts leave out of account."""
    return Found.of([line for contract in _linter(tree)["contracts"] for line in contract.get("ignore_imports", [])])


def broken(tree: Tree) -> Found:
    """Contracts that do not hold. Raises: ValueError when import-linter cannot say."""
    command = [sys.executable, "-m", "tests.contracts"]
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True)
    counted = re.search(r"(\d+) kept, (\d+) broken", done.stdout)
    if counted is None:
        raise ValueError(f"import-linter: {(done.stdout + done.stderr).strip()[-500:]}")
    return Found(int(counted[2]), re.findall(r"^(.+) BROKEN", done.stdout, re.M))
