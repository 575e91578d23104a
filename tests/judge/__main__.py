"""`make judge`: each measure of the house beside its limit, with the places that make it.

python -m tests.judge [--all] [--lower]

--all     every place, not the worst three
--lower   write what got better into tests/judge/most.tsv
"""

import sys

from tests.judge import kept
from tests.judge.facts import facts
from tests.judge.found import Found, Measure
from tests.judge.measures import MEASURES
from tests.judge.tree import CLONE, Tree

WORST = 3  # places that stand in a measure's line


def line(measure: Measure, found: Found, *, worst: int = WORST) -> str:
    """One measure: its name, its value, its limit, whether it is met, its worst places."""
    mark = "" if measure.is_met(found.value) else "under" if measure.at_least else "over"
    limit = f"{'≥' if measure.at_least else '≤'} {measure.limit}"
    places = [*found.places[:worst], *(["…"] if worst and len(found.places) > worst else [])]
    return f"{measure.name:<28} {found.value:>6}  {limit:>6}  {mark:<5}  {'; '.join(places)}".rstrip()


def main(arguments: list[str]) -> int:
    """Prints every measure. 0 when every limit is met, else 1."""
    tree = Tree(CLONE)
    lists_all = "--all" in arguments
    results: dict[Measure, Found] = {}
    for measure in MEASURES:
        found = results[measure] = measure.find(tree)
        print(line(measure, found, worst=0 if lists_all else WORST), flush=True)
        if lists_all:
            print("".join(f"    {place}\n" for place in found.places), end="", flush=True)
    print("", *facts(tree), sep="\n")
    if "--lower" in arguments:
        print(f"lowered in tests/judge/most.tsv: {', '.join(kept.lower(results)) or 'nothing got better'}")
    unmet = [f"{m.name} ({found.value}, limit {m.limit})" for m, found in results.items() if not m.is_met(found.value)]
    print(
        f"\n{len(results) - len(unmet)} of {len(results)} limits are met",
        *([", ".join(unmet)] if unmet else []),
        sep="; not yet: ",
    )
    return 1 if unmet else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
