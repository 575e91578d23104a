"""The files that are measured, each read and parsed once."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.syntax import parse

CLONE = Path(__file__).resolve().parents[2]
#: Folders whose Python is no part of what is run in production.
ASIDE = ("tests/", "bench/")


@dataclass(frozen=True)
class Source:
    """One Python file. `path` is relative to the clone."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of its tree: most measures look at each."""
        return list(ast.walk(self.tree))

    @property
    def module(self) -> str:
        """The dotted name by which it is imported."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """Local name → (module, name in it, "" for the module itself), imports inside of functions included."""
        found = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    found[alias.asname or whole] = (whole, "")
            elif isinstance(node, ast.ImportFrom):
                found |= {alias.asname or alias.name: (self.origin(node), alias.name) for alias in node.names}
        return found

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """Name → value of what is assigned at the top of the file."""
        found = {}
        for node in self.tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                found |= {target.id: node.value for target in targets if isinstance(target, ast.Name)}
        return found

    def origin(self, node: ast.ImportFrom) -> str:
        """The module of a `from … import`, its dots resolved."""
        if not node.level:
            return node.module or ""
        package = self.module if self.path.endswith("/__init__.py") else self.module.rpartition(".")[0]
        above = package.split(".")[: None if node.level == 1 else 1 - node.level]
        return ".".join([*above, *([node.module] if node.module else [])])


class Tree:
    """A clone: what git tracks and what it does not ignore, as it stands on the disk."""

    def __init__(self, root: Path, names: list[str] | None = None) -> None:
        self.root = root
        self.names = [name for name in (_listed(root) if names is None else names) if (root / name).is_file()]

    @cached_property
    def production(self) -> list[Source]:
        """All Python outside of tests, measurements and migrations."""
        return self._sources(lambda name: not name.startswith(ASIDE) and "/migrations/" not in name)

    @cached_property
    def tests(self) -> list[Source]:
        return self._sources(lambda name: name.startswith("tests/"))

    @cached_property
    def by_module(self) -> dict[str, Source]:
        """Production's files by the names under which they are imported."""
        return {source.module: source for source in self.production}

    @cached_property
    def packages(self) -> list[str]:
        """The folders at the top that hold production Python."""
        return sorted({source.path.partition("/")[0] for source in self.production if "/" in source.path})

    def templates(self) -> Iterator[tuple[str, list[str]]]:
        """(path, lines) of each template."""
        for name in self.names:
            if "/templates/" in name and not name.startswith(ASIDE):
                yield name, (self.root / name).read_text().splitlines()

    def _sources(self, wanted: Callable[[str], bool]) -> list[Source]:
        names = [name for name in self.names if name.endswith(".py") and wanted(name)]
        return [Source(name, (self.root / name).read_text()) for name in names]


def _listed(root: Path) -> list[str]:
    return sorted(git(root, "ls-files", "--cached", "--others", "--exclude-standard").splitlines())


def git(root: Path, *arguments: str) -> str:
    """What git prints in a clone. Raises: subprocess.CalledProcessError."""
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()
