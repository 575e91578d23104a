"""The code blocks of a how-to: files that it has a reader write, and edits of files that are there."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.live import CLONE

_BLOCK = re.compile(r"^```(?P<kind>\w+)\n# (?P<path>[\w./-]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
#: Kinds of blocks that change a file which is there.
EDIT, TEXTS = "diff", "po"
#: What a checkout has beside what git knows, and tests in it read.
LINKED = ("static/vendor", "node_modules")


@dataclass(frozen=True)
class Block:
    """`text` is a file's content; of EDIT lines of it, of which those that begin with + are new; of TEXTS translations to add."""

    kind: str
    path: str
    text: str

    @property
    def is_edit(self) -> bool:
        return self.kind in (EDIT, TEXTS)


def blocks(page: Path) -> list[Block]:
    """Read the blocks that begin with a path."""
    return [Block(one["kind"], one["path"], one["text"]) for one in _BLOCK.finditer(page.read_text())]


def copy(to: Path) -> None:
    """Copy the tree as it stands, with times kept, as a repository of its own."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    for name in subprocess.run(listed, cwd=CLONE, check=True, capture_output=True, text=True).stdout.splitlines():
        if (CLONE / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CLONE / name, to / name)
    for name in LINKED:
        if (CLONE / name).exists():
            (to / name).symlink_to(CLONE / name)
    for path in CLONE.glob("locale/*/LC_MESSAGES/*.mo"):
        shutil.copy2(path, to / path.relative_to(CLONE))
    if (CLONE / ".mypy_cache").is_dir():
        shutil.copytree(CLONE / ".mypy_cache", to / ".mypy_cache")
    subprocess.run(["git", "init", "--quiet"], cwd=to, check=True)
    subprocess.run(["git", "add", "--all"], cwd=to, check=True)


def write(found: list[Block], to: Path) -> list[str]:
    """Write files and make edits in a copy; the paths that were edited. Raises: AssertionError where a block does not fit."""
    for block in found:
        target = to / block.path
        if block.kind == EDIT:
            _edit(target, block.text)
        elif block.kind == TEXTS:
            _translate(target, block.text)
        else:
            assert not target.exists(), f"{block.path} is there already: show what changes in it as a diff"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)
    return [block.path for block in found if block.is_edit]


def _edit(target: Path, text: str) -> None:
    lines = text.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line.startswith(" "))
    after = "".join(line[1:] for line in lines)
    was = target.read_text()
    assert was.count(before) == 1, f"{target} has not once what the edit stands by:\n{before}"
    target.write_text(was.replace(before, after))


def _translate(catalog: Path, text: str) -> None:
    """Add texts to a catalog as `make messages` and an editor would; one that is there stays as it is."""
    new = catalog.with_suffix(".new")
    new.write_text(f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n{text}')
    subprocess.run(["msgcat", "--use-first", "--no-wrap", catalog, new, "-o", catalog], check=True)
    new.unlink()
