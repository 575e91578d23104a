"""Where a volume goes: filters that say yes or why not, then a weight (placement.deciding)."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from common.truth import truth
from hosts.models import Host
from hosts.states import HostState, is_up
from placement import deciding
from placement.deciding import Decision, Filter, Verdict
from volumes.backends import services as backends
from volumes.backends.models import Backend, pool_name

DEFAULT_ZONE: Final = "nova"
#: GiB that thin backends promise for each that they have. Cinder's max_over_subscription_ratio has the same default.
OVERCOMMIT: Final = 20.0


@dataclass(frozen=True)
class Candidate:
    """A backend as the filters see it. Sizes in GiB; `promised` to all volumes there."""

    host: str
    backend: str
    driver: str
    state: str
    enabled: bool
    estranged: bool
    capabilities: frozenset[str]
    total: int
    free: int
    promised: int
    zone: str = DEFAULT_ZONE

    @property
    def name(self) -> str:
        return pool_name(self.host, self.backend)

    @property
    def is_thin(self) -> bool:
        return "volume.thin" in self.capabilities

    def told(self, key: str) -> str | None:
        """Return what a backend says of itself under Cinder's names; None for what it says nothing of."""
        return {
            "volume_backend_name": self.backend,
            "pool_name": self.backend,
            "storage_protocol": self.driver,
            "vendor_name": "Stackling",
            "thin_provisioning_support": str(self.is_thin),
            "thick_provisioning_support": str(not self.is_thin),
            "multiattach": str("volume.multiattach" in self.capabilities),
            "total_capacity_gb": str(self.total),
            "free_capacity_gb": str(self.free),
        }.get(key)


@dataclass
class RequestSpec:
    """What a volume asks of its backend. `only`: the one (host, backend) that may be chosen; `prefer`: a host that is the better."""

    size: int
    zone: str = ""
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, str] | None = None
    avoid: frozenset[tuple[str, str]] = frozenset()
    within: frozenset[tuple[str, str]] | None = None
    prefer: str = ""


# ── Filters ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def service_filter(pool: Candidate, spec: RequestSpec) -> Verdict:
    if not pool.enabled:
        return "an enabled backend", "disabled"
    if pool.estranged:
        return "a host of this database", "one that has served a newer database, or another one"
    return None if is_up(pool.state) else ("a host that answers", pool.state)


def zone_filter(pool: Candidate, spec: RequestSpec) -> Verdict:
    return None if spec.zone == pool.zone else (f"zone {spec.zone}", pool.zone)


def source_filter(pool: Candidate, spec: RequestSpec) -> Verdict:
    place = (pool.host, pool.backend)
    return (
        None if spec.only in (None, place) else (f"the source's backend {pool_name(*spec.only or ('', ''))}", pool.name)
    )


def same_backend_filter(pool: Candidate, spec: RequestSpec) -> Verdict:
    fits = spec.within is None or (pool.host, pool.backend) in spec.within
    return None if fits else ("a backend of the volumes of same_host", pool.name)


def different_backend_filter(pool: Candidate, spec: RequestSpec) -> Verdict:
    fits = (pool.host, pool.backend) not in spec.avoid
    return None if fits else ("another backend than those of different_host", pool.name)


def capabilities_filter(pool: Candidate, spec: RequestSpec) -> Verdict:
    for name, wanted in spec.extra_specs.items():
        scope, _, bare = name.rpartition(":")
        if scope in ("", "capabilities") and not is_met(pool.told(bare), wanted):
            return f"{bare} {wanted}", pool.told(bare) or "nothing said of it"
    return None


def capacity_filter(pool: Candidate, spec: RequestSpec) -> Verdict:
    if spec.size > pool.total:
        return f"{spec.size} GiB", f"{pool.total} in all"
    if pool.is_thin:
        left = int(pool.total * OVERCOMMIT) - pool.promised
        return None if spec.size <= left else (f"{spec.size} GiB", f"{max(left, 0)} that may be promised still")
    left = min(pool.free, pool.total - pool.promised)
    return None if spec.size <= left else (f"{spec.size} GiB", f"{max(left, 0)} free")


#: Operators of extra specs. Source: Cinder's scheduler/filters/extra_specs_ops.py.
_NUMBERS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "=": operator.ge, "==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
_TEXTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "s==": operator.eq, "s!=": operator.ne, "s<": operator.lt, "s<=": operator.le, "s>": operator.gt, "s>=": operator.ge,
}  # fmt: skip


def is_met(told: str | None, wanted: str) -> bool:
    """Whether what a backend says meets an extra spec, such as `<is> True`, `<in> fast`, `>= 10`, or a bare value."""
    if told is None:
        return False
    sign, *words = wanted.split()[:1] + wanted.split()[1:] if wanted.split() else [""]
    rest = " ".join(words)
    if sign == "<is>":
        return truth(told) == truth(rest)
    if sign == "<in>":
        return rest in told
    if sign == "<or>":
        return told in [word for word in words if word != "<or>"]
    if sign in _NUMBERS:
        return _compared(_NUMBERS[sign], told, rest)
    if sign in _TEXTS:
        return _TEXTS[sign](told, rest)
    return told == wanted or (truth(told) is not None and truth(told) == truth(wanted))


def _compared(compare: Callable[[float, float], bool], told: str, wanted: str) -> bool:
    try:
        return compare(float(told), float(wanted))
    except ValueError:
        return False


FILTERS: tuple[Filter[Candidate, RequestSpec], ...] = (
    ("ServiceFilter", service_filter, lambda spec: True),
    ("AvailabilityZoneFilter", zone_filter, lambda spec: bool(spec.zone)),
    ("SourceFilter", source_filter, lambda spec: spec.only is not None),
    ("SameBackendFilter", same_backend_filter, lambda spec: spec.within is not None),
    ("DifferentBackendFilter", different_backend_filter, lambda spec: bool(spec.avoid)),
    ("CapabilitiesFilter", capabilities_filter, lambda spec: bool(spec.extra_specs)),
    ("CapacityFilter", capacity_filter, lambda spec: True),
)  # fmt: skip


# ── Choosing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def candidates() -> list[Candidate]:
    """Read every backend. Three queries."""
    hosts = {row.name: row for row in Host.objects.only("name", "state", "enabled", "forced_down", "estranged")}
    promised = backends.promised()
    return [
        Candidate(
            row.host,
            row.name,
            row.driver,
            HostState.DOWN if host.forced_down else host.state,
            row.enabled and row.is_told,
            host.estranged,
            frozenset(row.capabilities),
            row.total_gib,
            row.free_gib,
            promised.get((row.host, row.name), 0),
        )
        for row in Backend.objects.all()
        if (host := hosts.get(row.host)) is not None
    ]


def decide(spec: RequestSpec) -> Decision[Candidate]:
    """Decide on a backend for a spec."""
    return deciding.decide(FILTERS, _weight, spec, candidates())


def _weight(pool: Candidate, spec: RequestSpec) -> tuple[bool, int, int, str]:
    return pool.host == spec.prefer, pool.free, -pool.promised, pool.name
