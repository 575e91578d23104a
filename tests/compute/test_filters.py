"""D: a launch asks only the filters that may say no to it; 500 hosts cost it no more than their summaries."""

import itertools
from typing import Any

import pytest

from compute.servers.create.scheduling import FILTERS, Candidate, RequestSpec, decide
from hostagent.contract.capabilities import KERNEL_IMAGES, OLDER
from hosts.drivers import HostDrivers
from placement.services import ProviderSummary

VARIANTS: tuple[dict[str, Any], ...] = (
    {"forced_host": "h1"},
    {"zone": "z1"},
    {"only": frozenset({"h1"})},
    {"avoid": frozenset({"h1"})},
    {"image_properties": {"hw_architecture": "aarch64"}},
    {"image_properties": {"architecture": "aarch64", "os_type": "linux"}},
    {"image_properties": {"img_hv_type": "xen"}},
    {"extra_specs": {"trait:HW_CPU_X86_AVX2": "required"}},
    {"extra_specs": {"capabilities:secure": "1", "hw:cpu_policy": "dedicated"}},
    {"extra_specs": {"aggregate_instance_extra_specs:ssd": "true"}},
    {"needs": (KERNEL_IMAGES,)},
)
FAKES = HostDrivers((), frozenset(OLDER) - {KERNEL_IMAGES.name})
HOSTS = [
    Candidate(name, state, name != "off", ProviderSummary("p", name, {"MEMORY_MB": memory, "VCPU": 8}), zone, frozenset(), arch, "kvm", metadata, drivers=FAKES)
    for name, state, memory, zone, arch, metadata in (
        ("h1", "up", 4096, "nova", "x86_64", []),
        ("h2", "up", 512, "z1", "aarch64", [{"ssd": "true"}]),
        ("h3", "down", 4096, "z1", "", []),
        ("off", "up", 4096, "nova", "x86_64", [{"ssd": "false"}]),
    )
]  # fmt: skip


def specs() -> list[RequestSpec]:
    plain = {"resources": {"MEMORY_MB": 1024, "VCPU": 1}, "project_id": "p"}
    pairs = [{**a, **b} for a, b in itertools.combinations(VARIANTS, 2)]
    return [RequestSpec(**plain, **more) for more in ({}, *VARIANTS, *pairs)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("number", "name"), [(n, name) for n, (name, *_) in enumerate(FILTERS)])
def test_a_filter_that_is_not_asked_would_refuse_nobody(number: int, name: str) -> None:
    """D: and each one is asked, and refuses somebody, in some launch."""
    _name, check, matters = FILTERS[number]
    refused = 0
    for spec in specs():
        verdicts = [check(host, spec) for host in HOSTS]
        refused += sum(verdict is not None for verdict in verdicts)
        assert matters(spec) or verdicts == [None] * len(HOSTS), spec
    assert refused


def test_the_answers_are_those_of_all_filters() -> None:
    for spec in specs():
        answers = {host: (number, verdict) for host, number, verdict in decide(spec, HOSTS).answers}
        for host in HOSTS:
            said = [
                (number, verdict) for number, (_n, check, _m) in enumerate(FILTERS) if (verdict := check(host, spec))
            ]
            assert answers[host.name] == (said[0] if said else (len(FILTERS), None))
