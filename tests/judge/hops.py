"""Whether the code has the hops of a story, and whether each names the next."""

import ast
from collections.abc import Iterator
from itertools import pairwise

from tests.judge import texts
from tests.judge.stories import Hop, Wrong
from tests.judge.tree import Source, Tree

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Code:
    """The files of a tree as stories are held against them."""

    def __init__(self, tree: Tree) -> None:
        self._root = tree.root
        self._files = {source.path: source for source in tree.production}
        self._texts = {name for name in tree.names if texts.is_text(name)}
        self._modules = tree.by_module

    def gaps(self, hops: list[Hop]) -> list[str]:
        """What is wrong with a story: hops that the code does not have; else those that nothing before them leads to."""
        missing = [wrong for hop in hops if (wrong := self._why_missing(hop))]
        return missing or [
            f"{before} does not name the next hop: {hop.symbol} in {hop.file}"
            for number, (before, hop) in enumerate(pairwise(hops), 1)
            if not any((hop.file, hop.symbol) == (one.file, one.symbol) for one in hops[:number])
            and not self.leads(hops[:number], hop)
        ]

    def _why_missing(self, hop: Hop) -> str:
        try:
            self.words(hop)
        except Wrong as wrong:
            return str(wrong)
        return ""

    def words(self, hop: Hop) -> set[str]:
        """The names and the texts of a hop. Raises: Wrong."""
        if texts.is_text(hop.file):
            return texts.words(self._text(hop))
        return {word for node in self.nodes(hop) for word in _words(node)}

    def _text(self, hop: Hop) -> str:
        if hop.file not in self._texts:
            raise Wrong(f"{hop}: there is no such file")
        found = texts.place((self._root / hop.file).read_text(), hop)
        if found is None:
            raise Wrong(f"{hop}: there is no {hop.symbol} in that file")
        return found

    def nodes(self, hop: Hop) -> list[ast.AST]:
        """The syntax trees of a hop: of its symbol, or of its row. Raises: Wrong."""
        node = self._symbol(hop)
        if not hop.key:
            return [node]
        rows = list(_rows(node, hop))
        if not rows and not hop.text and hop.key in _words(node):
            rows = [node]  # a queue or a flag that one hop writes and this one reads
        if not rows:
            raise Wrong(f"{hop}: there is no such row")
        return rows

    def _symbol(self, hop: Hop) -> ast.AST:
        if hop.file not in self._files:
            raise Wrong(f"{hop}: there is no such file")
        node = _find(self._files[hop.file], hop.path)
        if node is None:
            raise Wrong(f"{hop}: there is no {'.'.join(hop.path)} in that file")
        return node

    def leads(self, before: list[Hop], hop: Hop) -> bool:
        """Whether the last hop names the next one, or one before it gave the key of its row.

        A text that is the key of a row comes from a hop before it, or it is the story's name.
        """
        if hop.file.endswith(".html") and not texts.is_text(before[-1].file):  # what renders a template names its file
            return any(hop.file.endswith(f"/templates/{word}") for word in self.words(before[-1]))
        given = {word for one in before for word in self.words(one)}
        if hop.key and hop.key in given:
            return True
        return hop.text in ("", hop.story) and self._names(before[-1], hop, {*given, hop.story})

    def _names(self, hop: Hop, following: Hop, given: set[str]) -> bool:
        if texts.is_text(hop.file):  # a template names what it is given, a script its own functions
            is_near = hop.file.endswith(".html") or hop.file == following.file
            return is_near and following.path[-1] in self.words(hop)
        file, name = self._files[hop.file], following.path[-1]
        taken = _parameters(self._symbol(hop))
        for node in (inner for root in self.nodes(hop) for inner in ast.walk(root)):
            if isinstance(node, ast.Name):
                module, original = file.imports.get(node.id, ("", node.id))
                if original == name and (
                    self._is_in(module, name, following.file)
                    if module
                    else following.file == hop.file or node.id in taken
                ):
                    return True
            elif isinstance(node, ast.Attribute):
                if node.attr == name and self._may_be_of(file, node.value, following):
                    return True
            elif isinstance(node, Definition):
                if node.name == name and following.path[:-1] == hop.path and following.file == hop.file:
                    return True
            elif isinstance(node, ast.JoinedStr) and _makes(node, name, given):
                return True
        return False

    def _may_be_of(self, file: Source, owner: ast.expr, following: Hop) -> bool:
        """Whether an attribute of `owner` may be what the next hop says: of a module it is, of an object nobody can tell."""
        if not isinstance(owner, ast.Name) or owner.id not in file.imports:
            return True
        module, original = file.imports[owner.id]
        whole = f"{module}.{original}" if original else module
        return self._is_in(whole, following.path[-1], following.file) if whole in self._modules else bool(original)

    def _is_in(self, module: str, name: str, path: str) -> bool:
        """Whether what a module calls `name` stands in that file: there itself, imported from there, or given out late."""
        file = self._modules.get(module)
        if file is None or file.path == path:
            return file is not None
        if name in file.imports:
            origin, original = file.imports[name]
            return original == name and self._is_in(origin, name, path)
        folder = file.path.removesuffix("__init__.py")
        return folder != file.path and path.startswith(folder) and _find(file, [name]) is None


def _find(source: Source, path: list[str]) -> ast.AST | None:
    """What stands under these names, from the outside in: a function, a class, an assignment."""
    node: ast.AST | None = source.tree
    for name in path:
        node = next((one for one in getattr(node, "body", ()) if name in _defines(one)), None)
    return node


def _defines(node: ast.AST) -> list[str]:
    if isinstance(node, Definition):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _is_key(node: ast.AST | None, hop: Hop) -> bool:
    if hop.text:
        return isinstance(node, ast.Constant) and node.value == hop.text
    return (isinstance(node, ast.Name) and node.id == hop.key) or (
        isinstance(node, ast.Attribute) and node.attr == hop.key
    )


def _takes(node: ast.AST, hop: Hop) -> bool:
    """Whether a call has the key among its arguments."""
    return isinstance(node, ast.Call) and any(
        _is_key(value, hop) for value in (*node.args, *(word.value for word in node.keywords))
    )


def _rows(root: ast.AST, hop: Hop) -> Iterator[ast.AST]:
    for node in ast.walk(root):
        if isinstance(node, ast.Dict):
            yield from (value for key, value in zip(node.keys, node.values, strict=True) if _is_key(key, hop))
        elif isinstance(node, ast.Tuple):
            if node.elts and _is_key(node.elts[0], hop):
                yield node
        elif isinstance(node, Function):
            if any(_takes(decorator, hop) for decorator in node.decorator_list):
                yield node
        elif isinstance(node, ast.Assign):
            if not hop.text and any(_is_key(target, hop) for target in node.targets):
                yield node
        elif _takes(node, hop):
            yield node


def _words(root: ast.AST) -> set[str]:
    """The names and the texts of a tree."""
    found = set()
    for node in ast.walk(root):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def _parameters(root: ast.AST) -> set[str]:
    return {
        argument.arg
        for node in ast.walk(root)
        if isinstance(node, ast.arguments)
        for argument in (*node.args, *node.kwonlyargs)
    }


def _makes(node: ast.JoinedStr, name: str, given: set[str]) -> bool:
    """Whether a text such as f"_{verb}" makes the name of a word that the story gave."""
    first = node.values[0] if node.values else None
    start = first.value if isinstance(first, ast.Constant) else ""
    return len(node.values) == 2 and bool(start) and name.startswith(start) and name.removeprefix(start) in given
