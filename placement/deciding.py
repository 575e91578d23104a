"""Choosing one of several places by filters and a weight. Every answer is kept for "why".

A filter returns None (the place will do) or (need, have), two short texts for people: "needs 8192 MiB, has 3072".
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

Verdict = tuple[str, str] | None


class Place(Protocol):
    @property
    def name(self) -> str: ...


P = TypeVar("P", bound=Place)
Spec = TypeVar("Spec")
#: Name, filter, and whether it can refuse any place for a given spec: most filters have no say in most choices.
Filter = tuple[str, Callable[[P, Spec], Verdict], Callable[[Spec], bool]]

BEST: Final = 3  # places that are kept of a decision
MOST_REFUSALS: Final = 50  # places that are kept of a refusal


@dataclass
class Decision(Generic[P]):
    """A choice and why. `answers`: for each place, how many of `filters` it passed and what the next one said."""

    chosen: P | None
    passed: list[P]  # the best first
    answers: list[tuple[str, int, Verdict]]
    filters: tuple[str, ...]  # their names

    @property
    def table(self) -> list[dict[str, object]]:
        """[{"host", "checks": [{"filter", "ok", "need", "have"}]}] of every place."""
        return [self._row(*answer) for answer in self.answers]

    def best_refusal(self) -> tuple[str, str, str] | None:
        """(name, need, have) of the place that came furthest."""
        refused = [answer for answer in self.answers if answer[2] is not None]
        if not refused:
            return None
        name, _passed, verdict = max(refused, key=lambda answer: answer[1])
        return (name, *verdict) if verdict else None

    def verdict(self) -> dict[str, object]:
        """Sum the decision up in 2 KB, to be stored: a refusal with the places that came furthest, a success with the best."""
        reasons = Counter(self.filters[passed] for _name, passed, verdict in self.answers if verdict is not None)
        sums = {"hosts": len(self.answers), "fit": len(self.passed), "refused_by": dict(reasons)}
        if self.chosen is None:
            furthest = heapq.nlargest(MOST_REFUSALS, self.answers, key=lambda answer: answer[1])
            return {"scheduling": [self._row(*answer) for answer in furthest], "sums": sums}
        last = {"filter": self.filters[-1], "ok": True}
        return {"scheduling": [{"host": place.name, "checks": [last]} for place in self.passed[:BEST]], "sums": sums}

    def _row(self, name: str, passed: int, verdict: Verdict) -> dict[str, object]:
        checks: list[dict[str, object]] = [{"filter": known, "ok": True} for known in self.filters[:passed]]
        if verdict is not None:
            checks.append({"filter": self.filters[passed], "ok": False, "need": verdict[0], "have": verdict[1]})
        return {"host": name, "checks": checks}


def decide(
    filters: Sequence[Filter[P, Spec]], weight: Callable[[P, Spec], tuple[object, ...]], spec: Spec, places: Iterable[P]
) -> Decision[P]:
    """Run every place through the filters (each stops at its first no) and take the heaviest of those left."""
    answers: list[tuple[str, int, Verdict]] = []
    passed = []
    checks = [(number, check) for number, (_name, check, matters) in enumerate(filters) if matters(spec)]
    for place in places:
        for number, check in checks:
            verdict = check(place, spec)
            if verdict is not None:
                answers.append((place.name, number, verdict))
                break
        else:
            answers.append((place.name, len(filters), None))
            passed.append(place)
    best = heapq.nlargest(BEST, passed, key=lambda place: weight(place, spec))
    names = tuple(name for name, *_ in filters)
    return Decision(best[0] if best else None, [*best, *passed[len(best) :]], answers, names)
