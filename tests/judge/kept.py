"""The ratchet: what each measure was when it was last lowered, in most.tsv, so that none gets worse again."""

import subprocess
from pathlib import Path

from tests.judge.found import Found, Measure
from tests.judge.measures import MEASURES
from tests.judge.tree import Tree, git

MOST = Path(__file__).with_name("most.tsv")


def most() -> dict[str, int]:
    """Measure → the worst value that it may have (most.tsv)."""
    return {name: int(value) for name, value in (line.split("\t") for line in MOST.read_text().splitlines())}


def differences(tree: Tree) -> tuple[list[str], list[str]]:
    """What is worse than it was and over its limit, each with its worst places; and what is better than it was."""
    before, worse, better = most(), [], []
    for measure in MEASURES:
        if not measure.is_kept:
            continue
        found, had = measure.find(tree), before[measure.name]
        if measure.is_worse(found.value, had) and not measure.is_met(found.value):
            worse.append(f"{measure.name}: {found.value}, was {had}: {'; '.join(_nearest(tree, found.places)[:5])}")
        elif measure.is_worse(had, found.value):
            better.append(f"{measure.name}: {found.value}, was {had}")
    return worse, better


def _nearest(tree: Tree, places: list[str]) -> list[str]:
    """Places in files that are new, or differ from the main branch, first: among them is what made it worse."""
    try:
        new = git(tree.root, "ls-files", "--others", "--exclude-standard").splitlines()
        changed = git(tree.root, "diff", "--name-only", "main").splitlines()
    except subprocess.CalledProcessError:  # a clone without that branch
        return places
    return sorted(places, key=lambda place: not place.startswith((*new, *changed)))


def lower(found: dict[Measure, Found]) -> list[str]:
    """Write what got better into most.tsv; what got worse stays as it was. Returns the names of what was written."""
    before = most()
    kept = {measure: one.value for measure, one in found.items() if measure.is_kept}
    changed = [m.name for m, value in kept.items() if value != before[m.name] and not m.is_worse(value, before[m.name])]
    after = {m.name: value if m.name in changed else before[m.name] for m, value in kept.items()}
    MOST.write_text("".join(f"{name}\t{value}\n" for name, value in after.items()))
    return changed
