"""Docstrings of public functions that begin with no verb.

The house's form is verb, object, unit, Raises. A sentence that begins with an article or with Who, What, Of names a thing, or nothing: whoever
reads it does not learn what the function does. A property is a thing, and its docstring may name it. `Whether …` says what a bool is.
"""

import ast
from collections.abc import Iterator

from tests.judge.found import Found
from tests.judge.tree import Tree

#: First words that are no verb and begin no sentence that says what is done.
NO_VERB = frozenset(
    [
        "a",
        "an",
        "the",
        "this",
        "that",
        "these",
        "those",
        "it",
        "its",
        "our",
        "own",
        "one",
        "two",
        "both",
        "each",
        "every",
        "all",
        "another",
        "other",
        "such",
        "some",
        "any",
        "no",
        "nothing",
        "something",
        "everything",
        "nobody",
        "somebody",
        "everybody",
        "who",
        "whom",
        "whose",
        "whoever",
        "what",
        "whatever",
        "which",
        "of",
    ]
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def without_verb(tree: Tree) -> Found:
    """Find public functions of production whose docstring begins with no verb."""
    return Found.of(
        [
            f"{source.path}:{one.lineno} {one.name}: {text.splitlines()[0]}"
            for source in tree.production
            for one in _public(source.tree.body)
            if (text := ast.get_docstring(one) or "") and text.split()[0].strip(".,:;").lower() in NO_VERB
        ]
    )


def _public(body: list[ast.stmt]) -> Iterator[Function]:
    """Yield functions, and methods of classes, that others may call and that are no properties."""
    for one in body:
        if isinstance(one, ast.ClassDef) and not one.name.startswith("_"):
            yield from _public(one.body)
        elif isinstance(one, Function) and not one.name.startswith("_") and not _is_property(one):
            yield one


def _is_property(one: Function) -> bool:
    return any("property" in ast.unparse(decorator) for decorator in one.decorator_list)
