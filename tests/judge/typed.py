"""What is not typed: ignored lines, Any, packages outside of strict mypy, libraries without types."""

import ast
import re
import sys
import tomllib
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.judge.found import Found
from tests.judge.tree import Tree

#: What `strict` means for one package, as mypy's options of a module are called, and the value that is strict.
STRICT = {
    "check_untyped_defs": True,
    "disallow_any_generics": True,
    "disallow_incomplete_defs": True,
    "disallow_subclassing_any": True,
    "disallow_untyped_calls": True,
    "disallow_untyped_decorators": True,
    "disallow_untyped_defs": True,
    "implicit_reexport": False,
    "strict_equality": True,
    "warn_return_any": True,
    "warn_unused_ignores": True,
}
_IGNORE = re.compile(r"#\s*type:\s*ignore")
_ANY = re.compile(r"\bAny\b")


def _lines(tree: Tree, pattern: re.Pattern[str]) -> Found:
    counts = Counter(
        {source.path: sum(bool(pattern.search(line)) for line in source.lines) for source in tree.production}
    )
    return Found(counts.total(), [f"{path} {count}" for path, count in counts.most_common() if count])


def ignored(tree: Tree) -> Found:
    """Lines with `# type: ignore`."""
    return _lines(tree, _IGNORE)


def any_lines(tree: Tree) -> Found:
    """Lines with the word Any, as `git grep -w` counts them."""
    return _lines(tree, _ANY)


def _mypy(tree: Tree) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((tree.root / "pyproject.toml").read_text())["tool"]["mypy"]
    return found


def exempt(tree: Tree) -> Found:
    """Packages that mypy does not look at, or looks at less than strictly, by pyproject.toml."""
    config = _mypy(tree)
    places = []
    for package in tree.packages:
        loose, seen = _loose(config, package), _seen(tree, config, package)
        if not any(seen):
            places.append(f"{package} (not looked at)")
        elif not all(seen):
            places.append(f"{package} (looked at in part)")
        elif loose:
            places.append(f"{package} ({'not strict' if len(loose) == len(STRICT) else ', '.join(loose)})")
    return Found.of(places)


def _seen(tree: Tree, config: dict[str, Any], package: str) -> list[bool]:
    """Of each file of a package, whether mypy looks at it: what lies below `files` and is not excluded."""
    roots, excluded = config.get("files", ()), config.get("exclude", ())
    paths = [source.path for source in tree.production if source.path.startswith(f"{package}/")]
    return [
        any(root == "." or path == root or path.startswith(f"{root}/") for root in roots)
        and not any(re.search(pattern, path) for pattern in excluded)
        for path in paths
    ]


def _loose(config: dict[str, Any], package: str) -> list[str]:
    """The options that are not strict for a package, or for something in it."""
    is_strict = bool(config.get("strict"))
    held = {name: config.get(name, want if is_strict else not want) == want for name, want in STRICT.items()}
    loose = set()
    for override in config.get("overrides", ()):
        about = _modules(override)
        if not any(module.partition(".")[0] == package for module in about):
            continue
        for name in STRICT.keys() & override.keys():
            if package in about or f"{package}.*" in about:
                held[name] = override[name] == STRICT[name]
            elif override[name] != STRICT[name]:
                loose.add(name)
        if override.get("ignore_errors"):
            loose.add("ignore_errors")
    return sorted(loose | {name for name, is_held in held.items() if not is_held})


def untyped_libraries(tree: Tree) -> Found:
    """Libraries that production imports, that bring no types, and that no override of mypy names."""
    named = [
        module.removesuffix(".*")
        for override in _mypy(tree).get("overrides", ())
        if override.get("ignore_missing_imports")
        for module in _modules(override)
    ]
    places = []
    for library, place in sorted(_libraries(tree).items()):
        if library not in named and not _is_typed(library):
            places.append(f"{library} ({place})")
    return Found.of(places)


def _modules(override: dict[str, Any]) -> list[str]:
    module = override["module"]
    return [module] if isinstance(module, str) else list(module)


def _libraries(tree: Tree) -> dict[str, str]:
    """Third-party modules at the top → the first place that imports them."""
    ours = {*tree.packages, "manage", "tests", "bench"}
    found: dict[str, str] = {}
    for source in tree.production:
        for node in source.nodes:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in (name.partition(".")[0] for name in names):
                if name not in ours and name not in sys.stdlib_module_names:
                    found.setdefault(name, f"{source.path}:{node.lineno}")
    return found


def _is_typed(library: str) -> bool:
    """Whether it says that it has types (PEP 561), or stubs of it are installed."""
    spec = find_spec(library)
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    origin = Path(spec.origin) if spec and spec.origin else None
    site = places[0].parent if places else origin.parent if origin else None
    if site is None:
        return False
    return any((place / "py.typed").exists() for place in places) or (site / f"{library}-stubs").is_dir()
