"""Filters of the lists of providers and of candidates: resources, traits, aggregates, trees. Source: Placement's API history."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.numbers import is_whole
from openstackapi.versioned import Span
from placement import services, traits
from placement.models import ProviderAggregate, ProviderTrait, ResourceProvider, Trait

Version = tuple[int, int]
PROVIDERS: Final = {
    "name": (1, 0),
    "uuid": (1, 0),
    "member_of": (1, 3),
    "resources": (1, 4),
    "in_tree": (1, 14),
    "required": (1, 18),
}
CANDIDATES: Final = {
    "resources": (1, 10),
    "limit": (1, 16),
    "required": (1, 17),
    "member_of": (1, 21),
    "group_policy": (1, 25),
}
_NUMBERED: Final = re.compile(r"(resources|required|member_of)([1-9][0-9]*)")
NUMBERED_SINCE: Final = (1, 25)
_FORBIDDING: Final = Span(since=(1, 22))  # traits that a provider must not have
_MANY_SETS: Final = Span(since=(1, 24))  # `member_of` more than once


def known_traits() -> set[str]:
    return {
        *traits.STANDARD,
        *Trait.objects.values_list("name", flat=True),
        *ProviderTrait.objects.values_list("name", flat=True),
    }


def check(query: Any, known: dict[str, Version], version: Version) -> None:
    """Refuse unknown parameters of a query. Raises: Invalid for a parameter that the version does not know."""
    for name in query:
        since = known.get(name) or (NUMBERED_SINCE if "group_policy" in known and _NUMBERED.fullmatch(name) else None)
        if since is None or version < since:
            raise Invalid(
                reason=_(
                    "Invalid query string parameters: Additional properties are not allowed ('%(name)s' was unexpected)"
                ),
                name=name,
            )


@dataclass
class Group:
    """Requirements of one group of query parameters: resources, traits, aggregates."""

    resources: dict[str, int] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    aggregates: list[frozenset[str]] = field(default_factory=list)  # one of each

    def allows(self, id: str, facts: "Facts") -> bool:
        have = facts.traits.get(id, frozenset())
        member = facts.aggregates.get(id, frozenset())
        return self.required <= have and not self.forbidden & have and all(some & member for some in self.aggregates)


class Facts:
    """Traits and aggregates of every provider: two queries."""

    def __init__(self) -> None:
        self.traits = _gathered(ProviderTrait.objects.values_list("provider_id", "name"))
        self.aggregates = _gathered(ProviderAggregate.objects.values_list("provider_id", "aggregate_id"))


def _gathered(pairs: Any) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for id, value in pairs:
        found.setdefault(id, set()).add(value)
    return {id: frozenset(values) for id, values in found.items()}


def group(query: Any, version: Version, suffix: str = "") -> Group:
    """Return the group of a suffix ("" or a number). Raises: Invalid."""
    found = Group()
    if f"resources{suffix}" in query:
        found.resources = resources_of(query[f"resources{suffix}"])
    if f"required{suffix}" in query:
        found.required, found.forbidden = _traits(query[f"required{suffix}"], version)
    sets = query.getlist(f"member_of{suffix}")
    if len(sets) > 1 and version not in _MANY_SETS:
        raise Invalid(reason=_("Invalid query string parameters: member_of may be given once before version 1.24."))
    found.aggregates = [_aggregates(text) for text in sets]
    return found


def groups(query: Any, version: Version) -> list[Group]:
    """List the groups of a list of candidates, the one without a number first. Raises: Invalid."""
    suffixes = {match[2] for name in query if (match := _NUMBERED.fullmatch(name))}
    for suffix in ("", *suffixes) if suffixes else ("",):
        others = f"required{suffix}" in query or f"member_of{suffix}" in query
        if f"resources{suffix}" not in query and (others or not suffixes):
            raise Invalid(reason=_("All request groups must specify resources."))
    policy = query.get("group_policy")
    if policy not in (None, "none", "isolate"):
        raise Invalid(reason=_("Invalid query string parameters: group_policy must be none or isolate."))
    if len(suffixes) > 1 and policy is None:
        raise Invalid(
            reason=_('The "group_policy" parameter is required when specifying more than one "resources{N}" parameter.')
        )
    plain = [group(query, version)] if "resources" in query else []
    return plain + [group(query, version, suffix) for suffix in sorted(suffixes, key=int)]


def is_isolated(query: Any) -> bool:
    """Whether numbered groups must come from different providers, and there are several."""
    numbered = [name for name in query if (match := _NUMBERED.fullmatch(name)) and match[1] == "resources"]
    return query.get("group_policy") == "isolate" and len(numbered) > 1


def resources_of(text: str) -> dict[str, int]:
    """``VCPU:1,MEMORY_MB:64`` → {class: amount}. Raises: Invalid."""
    out: dict[str, int] = {}
    for part in text.split(","):
        name, _sep, amount = part.partition(":")
        if not traits.NAME.match(name) or not is_whole(amount) or int(amount) < 1:
            raise Invalid(
                reason=_(
                    "Badly formed resources parameter. Expected resources query string parameter in form: "
                    "?resources=VCPU:2,MEMORY_MB:1024. Got: %(text)s."
                ),
                text=text,
            )
        out[name] = int(amount)
    return out


def _traits(text: str, version: Version) -> tuple[frozenset[str], frozenset[str]]:
    """(required, forbidden). Raises: Invalid for what is no trait."""
    names = text.split(",")
    forbidden = {name[1:] for name in names if name.startswith("!")} if version in _FORBIDDING else set()
    required = {name for name in names if name.removeprefix("!") not in forbidden}
    if required & forbidden or {name for name in names if f"!{name}" in names}:
        raise Invalid(reason=_("Conflicting required and forbidden traits found in: %(text)s"), text=text)
    unknown = sorted((required | forbidden) - known_traits())
    if unknown:
        raise Invalid(reason=_("No such trait(s): %(names)s."), names=", ".join(unknown))
    return frozenset(required), frozenset(forbidden)


def _aggregates(text: str) -> frozenset[str]:
    """``in:a,b`` → {a, b}. Raises: Invalid."""
    ids = text.removeprefix("in:").split(",")
    if len(ids) > 1 and not text.startswith("in:"):
        raise Invalid(
            reason=_(
                "Multiple values for 'member_of' must be prefixed with the 'in:' keyword using a comma separated list."
            )
        )
    return frozenset(ids)


# ── Providers that fit ──────────────────────────────────────────────────────────────────────────────────────────────


def providers(query: Any, version: Version, trees: "Trees") -> list[ResourceProvider]:
    """Providers by name that fit a list's query. Raises: Invalid."""
    needs, facts, rows = group(query, version), Facts(), ResourceProvider.objects.order_by("name")
    if "name" in query:
        rows = rows.filter(name=query["name"])
    if "uuid" in query:
        rows = rows.filter(id=query["uuid"])
    if "in_tree" in query:
        tree = trees.get(query["in_tree"], (None, ""))[1]
        rows = rows.filter(id__in=[id for id, (_parent, root) in trees.items() if root == tree])
    if needs.resources:
        summaries = services.summaries().values()
        rows = rows.filter(
            id__in=[summary.provider_id for summary in summaries if summary.shortage(needs.resources) is None]
        )
    return [row for row in rows if needs.allows(row.id, facts)]


def candidates(query: Any, version: Version) -> tuple[dict[str, int], list[services.ProviderSummary]]:
    """Sum the resources that all groups of a query request (class → amount), and find the single providers that fit.

    A provider fits if it has the free capacity for the sum and meets every group by itself.

    Raises: Invalid.
    """
    requested = groups(query, version)
    limit = query.get("limit", "1000")
    if not is_whole(limit) or int(limit) < 1:
        raise Invalid(reason=_("Invalid limit %(limit)s."), limit=limit)
    total: Counter[str] = Counter()
    for one in requested:
        total.update(one.resources)
    summaries = [] if is_isolated(query) else services.summaries(with_traits=True).values()
    facts, trees = Facts(), roots()
    fits = [
        summary
        for summary in summaries
        if trees[summary.provider_id][0] is None
        and summary.shortage(total) is None
        and all(one.allows(summary.provider_id, facts) for one in requested)
    ]
    return dict(total), fits[: int(limit)]


# ── Trees ───────────────────────────────────────────────────────────────────────────────────────────────────────────


#: Provider → (its parent, the root of its tree).
Trees = dict[str, tuple[str | None, str]]


def roots() -> Trees:
    """Return the place of every provider: one query."""
    parents = dict(ResourceProvider.objects.values_list("id", "parent_id"))

    def root(id: str) -> str:
        while parents.get(id):
            id = parents[id]
        return id

    return {id: (parent, root(id)) for id, parent in parents.items()}
