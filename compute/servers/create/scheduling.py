"""Where a server goes: filters that say yes or why not, then a weight (placement.deciding)."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from common.errors import NoCapacity
from common.prepared import Prepared
from compute.aggregates.models import AggregateHost
from compute.servergroups import models as groups
from compute.servers import block_devices
from compute.servers.lifecycle import host_needs
from compute.servers.models import Server
from hostagent.contract.capabilities import Capability
from hosts import drivers
from hosts.drivers import HostDrivers
from hosts.models import Host
from hosts.states import HostState, is_up
from placement import deciding
from placement import services as placement
from placement.deciding import Decision, Filter, Verdict
from placement.services import ProviderSummary

DEFAULT_ZONE = "nova"

#: Units of the resource classes, for sentences.
UNITS = {"VCPU": "vCPU", "MEMORY_MB": "MiB", "DISK_GB": "GiB"}


class NoHostFits(NoCapacity):
    """Why each host was refused is in the operation's data under "scheduling"."""

    template = _("No valid host was found. %(host)s: needs %(need)s, has %(have)s")


class NoHosts(NoCapacity):
    template = _("No valid host was found: no compute host has reported yet.")


@dataclass
class Candidate:
    """A host as the filters see it."""

    name: str
    state: str
    enabled: bool
    provider: ProviderSummary | None  # None: it has reported no inventory
    zone: str = DEFAULT_ZONE
    capabilities: frozenset[str] = frozenset()
    arch: str = ""
    hypervisor: str = ""
    aggregates: list[dict[str, str]] = field(default_factory=list)
    estranged: bool = False  # it serves another database: nothing may be ordered there
    drivers: HostDrivers | None = None  # None: not read, since no filter of the spec looks at it


@dataclass
class RequestSpec:
    """Requirements of a server on its host: resources (class → amount), place, and what filters and weights compare."""

    resources: Mapping[str, int]
    project_id: str
    zone: str | None = None
    forced_host: str = ""
    avoid: frozenset[str] = frozenset()  # anti-affinity and different_host
    only: frozenset[str] | None = None  # affinity and same_host
    prefer: frozenset[str] = frozenset()  # soft affinity
    shun: frozenset[str] = frozenset()  # soft anti-affinity
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    image_properties: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[Capability, ...] = ()  # what the drivers of its host must be able to do


def compute_filter(host: Candidate, spec: RequestSpec) -> Verdict:
    if not host.enabled:
        return "an enabled host", "disabled"
    if host.estranged:
        return "a host of this database", "one that has served a newer database, or another one"
    return None if is_up(host.state) else ("a host that answers", host.state)


def forced_host_filter(host: Candidate, spec: RequestSpec) -> Verdict:
    return None if spec.forced_host in ("", host.name) else (f"host {spec.forced_host}", host.name)


def availability_zone_filter(host: Candidate, spec: RequestSpec) -> Verdict:
    return None if spec.zone in (None, "", host.zone) else (f"zone {spec.zone}", host.zone)


def resources_filter(host: Candidate, spec: RequestSpec) -> Verdict:
    if host.provider is None:
        return "an inventory", "none yet"
    short = host.provider.shortage(spec.resources)
    if short is None:
        return None
    name, need, have = short
    return f"{need} {UNITS.get(name, name)}", str(have)


def image_properties_filter(host: Candidate, spec: RequestSpec) -> Verdict:
    wanted = str(spec.image_properties.get("hw_architecture") or spec.image_properties.get("architecture") or "")
    if wanted and host.arch and wanted.lower() != host.arch.lower():
        return f"architecture {wanted}", host.arch
    kind = str(spec.image_properties.get("img_hv_type") or "")
    if kind and host.hypervisor and kind.lower() not in (host.hypervisor.lower(), "kvm"):
        return f"hypervisor {kind}", host.hypervisor
    return None


def compute_capabilities_filter(host: Candidate, spec: RequestSpec) -> Verdict:
    for key, value in spec.extra_specs.items():
        if key.startswith("trait:") and value == "required":
            name = key.removeprefix("trait:")
            if host.provider is None or name not in host.provider.traits:
                return f"trait {name}", "no such trait"
        if key.startswith("capabilities:") and key.removeprefix("capabilities:") not in host.capabilities:
            return f"capability {key.removeprefix('capabilities:')}", "none such"
    return None


def driver_filter(host: Candidate, spec: RequestSpec) -> Verdict:
    for capability in spec.needs:
        if host.drivers is not None and (driver := host.drivers.lacking(capability)):
            return f"capability {capability.name}", f"none such ({driver})"
    return None


def aggregate_extra_specs_filter(host: Candidate, spec: RequestSpec) -> Verdict:
    for key, value in spec.extra_specs.items():
        if not key.startswith("aggregate_instance_extra_specs:"):
            continue
        name = key.partition(":")[2]
        if not any(metadata.get(name) == value for metadata in host.aggregates):
            return f"an aggregate with {name}={value}", "none such"
    return None


def same_host_filter(host: Candidate, spec: RequestSpec) -> Verdict:
    if spec.only is None or host.name in spec.only:
        return None
    return f"one of {', '.join(sorted(spec.only)) or 'no host'}", host.name


def different_host_filter(host: Candidate, spec: RequestSpec) -> Verdict:
    return (f"another host than {', '.join(sorted(spec.avoid))}", host.name) if host.name in spec.avoid else None


def _always(spec: RequestSpec) -> bool:
    return True


def _specs(*prefixes: str) -> Callable[[RequestSpec], bool]:
    return lambda spec: any(key.startswith(prefixes) for key in spec.extra_specs)


_IMAGE_PROPERTIES = {"hw_architecture", "architecture", "img_hv_type"}

FILTERS: tuple[Filter[Candidate, RequestSpec], ...] = (
    ("ForcedHostFilter", forced_host_filter, lambda spec: bool(spec.forced_host)),
    ("AvailabilityZoneFilter", availability_zone_filter, lambda spec: bool(spec.zone)),
    ("ComputeFilter", compute_filter, _always),
    ("SameHostFilter", same_host_filter, lambda spec: spec.only is not None),
    ("DifferentHostFilter", different_host_filter, lambda spec: bool(spec.avoid)),
    ("ImagePropertiesFilter", image_properties_filter, lambda spec: not _IMAGE_PROPERTIES.isdisjoint(spec.image_properties)),
    ("ComputeCapabilitiesFilter", compute_capabilities_filter, _specs("trait:", "capabilities:")),
    ("DriverCapabilitiesFilter", driver_filter, lambda spec: bool(spec.needs)),
    ("AggregateInstanceExtraSpecsFilter", aggregate_extra_specs_filter, _specs("aggregate_instance_extra_specs:")),
    ("ResourcesFilter", resources_filter, _always),
)  # fmt: skip

#: Those that look at a host's capabilities, architecture or hypervisor.
_FACT_FILTERS = (image_properties_filter, compute_capabilities_filter, driver_filter)


_aggregates = Prepared(lambda: AggregateHost.objects.values_list("host", "aggregate__metadata"))


def zones() -> dict[str, tuple[str, list[dict[str, str]]]]:
    """{host: (zone, [metadata of each aggregate it is in])} of hosts in any aggregate. One query."""
    out: dict[str, tuple[str, list[dict[str, str]]]] = {}
    for host, metadata in _aggregates():
        zone, known = out.get(host, (DEFAULT_ZONE, []))
        out[host] = (metadata.get("availability_zone", zone), [*known, metadata])
    return out


def zone_names(hosts: Iterable[str]) -> dict[str, str]:
    """{host: the availability zone it is in}. One query."""
    known = zones()
    return {host: known[host][0] if host in known else DEFAULT_ZONE for host in hosts}


_HOST_COLUMNS = ("name", "state", "enabled", "forced_down", "estranged")
_HOST_TEXTS = (Cast("inventory", TextField()), *drivers.COLUMNS)

_NOTHING_SAID: tuple[frozenset[str], str, str] = (frozenset(), "", "")

_hosts = Prepared(lambda: Host.objects.order_by("name").values_list(*_HOST_COLUMNS))
_hosts_and_texts = Prepared(lambda: Host.objects.order_by("name").values_list(*_HOST_COLUMNS, *_HOST_TEXTS))


@lru_cache(maxsize=1024)
def _facts(capabilities: str, inventory: str) -> tuple[frozenset[str], str, str]:
    """(capabilities, architecture, hypervisor) of what a host said last, as JSON: it says the same for days."""
    said = json.loads(inventory) or {}
    return frozenset(json.loads(capabilities) or ()), said.get("cpu_arch", ""), said.get("hypervisor", "")


def _needs_facts(spec: RequestSpec) -> bool:
    """Whether a filter has a say that looks at what hosts said of themselves: two kilobytes of each."""
    return any(matters(spec) for _name, check, matters in FILTERS if check in _FACT_FILTERS)


def candidates_for(spec: RequestSpec, *, lock: bool = False) -> list[Candidate]:
    """Read every compute host, with only the facts that the filters of this spec look at. `lock`: the providers' rows."""
    traits = any(key.startswith("trait:") for key in spec.extra_specs)
    return candidates(lock=lock, with_traits=traits, with_facts=_needs_facts(spec))


def candidates(*, lock: bool = False, with_traits: bool = False, with_facts: bool = True) -> list[Candidate]:
    """Read every compute host, in five queries at most."""
    summaries = placement.summaries(lock=lock, with_traits=with_traits)
    in_aggregates = zones()
    out = []
    for name, state, enabled, forced_down, estranged, *texts in (_hosts_and_texts if with_facts else _hosts)():
        zone, metadata = in_aggregates.get(name, (DEFAULT_ZONE, []))
        out.append(
            Candidate(
                name,
                HostState.DOWN if forced_down else state,
                enabled,
                summaries.get(name),
                zone,
                *(_facts(texts[2], texts[0]) if texts else _NOTHING_SAID),
                aggregates=metadata,
                estranged=estranged,
                drivers=drivers.read(texts[1], texts[2]) if texts else None,
            )
        )
    return out


def spec_of(server: Server) -> RequestSpec:
    """Build the request spec of a server from its row, scheduler hints and group."""
    spec = RequestSpec(
        resources=host_needs.needs_of(server),
        project_id=server.project_id,
        zone=server.pinned_availability_zone,
        forced_host=server.forced_host,
        extra_specs=server.flavor.get("extra_specs") or {},
        image_properties=server.image_meta.get("properties") or {},
        needs=host_needs.capabilities_of(server),
    )
    _apply_hints(spec, server)
    if server.server_group_id:
        _apply_group(spec, server)
    _apply_volumes(spec, server)
    return spec


def _apply_volumes(spec: RequestSpec, server: Server) -> None:
    """A server goes where its volumes are, or are given out to."""
    able, homes = block_devices.hosts_of(server)
    if able is not None:
        spec.only = able if spec.only is None else spec.only & able
        spec.prefer |= homes


def _hosts_of(server_ids: list[str], project_id: str) -> frozenset[str]:
    """Names of the hosts of the project's own servers among `server_ids`: a hint must not reveal the host of others."""
    own = Server.objects.living().filter(id__in=server_ids, project_id=project_id)
    return frozenset(own.exclude(host="").values_list("host", flat=True))


def _as_list(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _apply_hints(spec: RequestSpec, server: Server) -> None:
    hints = server.scheduler_hints
    if hints.get("same_host"):
        spec.only = _hosts_of(_as_list(hints["same_host"]), server.project_id)
    if hints.get("different_host"):
        spec.avoid = _hosts_of(_as_list(hints["different_host"]), server.project_id)


def _apply_group(spec: RequestSpec, server: Server) -> None:
    group = groups.ServerGroup.objects.filter(id=server.server_group_id).first()
    if group is None:
        return
    others = Server.objects.living().filter(server_group_id=group.id).exclude(id=server.id).exclude(host="")
    used = list(others.values_list("host", flat=True))
    at_most = int(group.rules.get("max_server_per_host", 1))
    match group.policy:
        case groups.AFFINITY if used:
            spec.only = frozenset(used) if spec.only is None else spec.only & frozenset(used)
        case groups.ANTI_AFFINITY:
            spec.avoid |= frozenset(h for h in used if used.count(h) >= at_most)
        case groups.SOFT_AFFINITY:
            spec.prefer = frozenset(used)
        case groups.SOFT_ANTI_AFFINITY:
            spec.shun = frozenset(used)


def decide(spec: RequestSpec, hosts: Iterable[Candidate]) -> Decision[Candidate]:
    """Decide on a host for a spec."""
    return deciding.decide(FILTERS, _weight, spec, hosts)


def _weight(host: Candidate, spec: RequestSpec) -> tuple[int, int, int, str]:
    provider = host.provider
    free = provider.free("MEMORY_MB") if provider else 0
    cpus = provider.free("VCPU") if provider else 0
    return (int(host.name in spec.prefer) - int(host.name in spec.shun), free, cpus, host.name)


def choose(
    server: Server, show: Callable[..., None] = lambda **_: None, *, only: str = "", avoid: frozenset[str] = frozenset()
) -> Candidate:
    """Decide and claim, in the caller's transaction. `show(**verdict)` gets the reasons, also when this raises.

    `only`: the name of the one host that may be chosen; `avoid`: those that may not. Raises: NoHostFits, NoHosts.
    """
    spec = spec_of(server)
    spec.forced_host, spec.avoid = only or spec.forced_host, spec.avoid | avoid
    decision = decide(spec, candidates_for(spec, lock=True))
    show(**decision.verdict())
    host = decision.chosen
    if host is None or (provider := host.provider) is None:
        raise refused(decision)
    placement.allocate(
        provider, consumer=server.id, project_id=server.project_id, user_id=server.user_id, resources=spec.resources
    )
    return host


def refused(decision: Decision[Candidate]) -> NoCapacity:
    best = decision.best_refusal()
    return NoHostFits(host=best[0], need=best[1], have=best[2]) if best else NoHosts()
