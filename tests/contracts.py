"""`python -m tests.contracts`: the import contracts of pyproject.toml, with the apps of cloud/rooms.py filled in.

`@apps` in a list stands for every app, `@layers` for their layers, the highest first.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

from cloud.rooms import APPS, LAYERS
from tests.live import CLONE

#: Packages at the top that are no apps of the cloud.
OTHERS = ("cloud", "hostagent")
_FILLED = {"@apps": APPS, "@layers": tuple(" | ".join(layer) for layer in reversed(LAYERS))}


def filled(values: Iterable[str]) -> list[str]:
    """Replace what stands for apps or layers in a list."""
    return [one for value in values for one in _FILLED.get(value, (value,))]


def config(root: Path) -> str:
    """Write the contracts of a clone's pyproject.toml as import-linter reads them from an INI file."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    lines = ["[importlinter]", *_option("root_packages", filled(("@apps", *OTHERS)))]
    lines += _option("include_external_packages", True)
    for number, contract in enumerate(contracts):
        lines.append(f"[importlinter:contract:{number}]")
        for name, value in contract.items():
            lines += _option(name, filled(value) if isinstance(value, list) else value)
    return "\n".join(lines) + "\n"


def _option(name: str, value: str | bool | list[str]) -> list[str]:
    if isinstance(value, list):
        return [f"{name} =", *(f"    {one}" for one in value)]
    return [f"{name} = {value}"]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="stackling-contracts-") as folder:
        file = Path(folder) / "importlinter.ini"
        file.write_text(config(CLONE))
        command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--config", str(file)]
        return subprocess.run(command, cwd=CLONE, env={**os.environ, "PYTHONPATH": str(CLONE)}).returncode


if __name__ == "__main__":
    sys.exit(main())
