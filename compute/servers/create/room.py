"""How many more servers of each flavor the hosts can take, by the filters that choose a host and what is allocated now."""

from collections.abc import Iterable

from compute.flavors.models import Flavor
from compute.servers.create.scheduling import Candidate, RequestSpec, candidates, decide
from compute.servers.lifecycle import host_needs


def room(flavors: Iterable[Flavor]) -> dict[str, int]:
    """Count how many servers of each flavor fit, were they of this flavor alone: flavor id → number. Five queries.

    Of a flavor that takes nothing of any host none is counted.
    """
    hosts = candidates(with_traits=True)
    return {flavor.pk: sum(_fit(host, spec) for host in decide(spec, hosts).passed) for flavor, spec in _specs(flavors)}


def _specs(flavors: Iterable[Flavor]) -> Iterable[tuple[Flavor, RequestSpec]]:
    for flavor in flavors:
        needs = {name: amount for name, amount in host_needs.resources_of(flavor.embedded()).items() if amount}
        yield flavor, RequestSpec(resources=needs, project_id="", extra_specs=flavor.extra_specs)


def _fit(host: Candidate, spec: RequestSpec) -> int:
    assert host.provider is not None, "a filter refuses hosts without an inventory"
    return min((host.provider.free(name) // need for name, need in spec.resources.items()), default=0)
