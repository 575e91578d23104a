"""Kernel modules by name, with what they need, read from the modules themselves (no depmod on the building machine)."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path


class Modules:
    """The modules below an unpacked kernel package. Names use underscores, as `lsmod` shows them."""

    def __init__(self, tree: Path) -> None:
        (self.top,) = (tree / "lib/modules").iterdir()
        self.files = {_name(path): path for path in self.top.rglob("*.ko")}

    def needs(self, name: str) -> list[str]:
        found = re.search(rb"\0depends=([^\0]*)\0", self.files[name].read_bytes())
        listed = found.group(1).decode() if found else ""
        return [need.replace("-", "_") for need in listed.split(",") if need]

    def in_order(self, names: Iterable[str]) -> list[str]:
        """List the modules and everything they need, each after its needs."""
        ordered: list[str] = []

        def add(name: str) -> None:
            if name not in ordered:
                for need in self.needs(name):
                    add(need)
                ordered.append(name)

        for name in names:
            add(name)
        return ordered

    def install(self, names: Iterable[str], root: Path) -> None:
        """Copies modules into a root and writes the modules.dep by which busybox's modprobe finds them."""
        target = root / "lib/modules" / self.top.name
        lines = []
        for name in self.in_order(names):
            path = self.files[name].relative_to(self.top)
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.top / path, target / path)
            needs = [n for n in reversed(self.in_order([name])) if n != name]
            lines.append(f"{path}: {' '.join(str(self.files[n].relative_to(self.top)) for n in needs)}".rstrip())
        (target / "modules.dep").write_text("\n".join(lines) + "\n")


def _name(path: Path) -> str:
    return path.stem.replace("-", "_")
