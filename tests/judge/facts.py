"""Numbers that have no limit: how large the house is."""

import ast
from collections import Counter
from collections.abc import Iterator

from tests.judge import errors, sizes, stories
from tests.judge.imports import graph
from tests.judge.tree import Source, Tree, git


def facts(tree: Tree) -> Iterator[str]:
    """One line each."""
    yield f"production Python: {_size(tree.production)}, {len(sizes.functions(tree))} functions"
    rooms = Counter(dict.fromkeys(tree.packages, 0))
    for source in tree.production:
        rooms[source.path.partition("/")[0]] += len(source.lines)
    yield "lines by room: " + ", ".join(
        f"{room} {rooms[room]}" for room, _lines in rooms.most_common() if room in tree.packages
    )
    yield f"tests: {_size(tree.tests)}, {sum(map(_tests, tree.tests))} test functions"
    yield f"view methods: {len(sizes.view_methods(tree))}; error classes: {len(errors.classes(tree))}"
    yield f"imports between files: {sum(map(len, graph(tree).values()))}; templates: {len(list(tree.templates()))}"
    names = Counter(source.path.rpartition("/")[2] for source in tree.production)
    yield "files called " + ", ".join(
        f"{name}.py {names[f'{name}.py']}" for name in ("services", "api", "fields", "states", "flows")
    )
    marks = {
        mark: sum(line.count(mark) for source in tree.production for line in source.lines)
        for mark in ("# noqa", "TODO")
    }
    yield ", ".join(f"{mark} {count}" for mark, count in marks.items())
    for story in stories.read(tree.root):
        yield f"story {story}: {stories.opened(story)(tree).value} files"
    yield f"commits: {git(tree.root, 'rev-list', '--count', 'HEAD')}; tags: {len(git(tree.root, 'tag').split())}"


def _size(files: list[Source]) -> str:
    return f"{len(files)} files, {sum(len(source.lines) for source in files)} lines"


def _tests(source: Source) -> int:
    return sum(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in source.nodes)
