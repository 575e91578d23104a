"""The inventory of a host, and the verb that lists all of ours on it."""

import platform

from hostagent.agent.job import Job
from hostagent.agent.tasks import setaside
from hostagent.agent.tasks.served import Served
from hostagent.contract.capabilities import of_host
from hostagent.contract.host import HostFound
from hostagent.contract.verb import Nothing
from hostagent.contract.version import RELEASE


def inventory(host: Served) -> dict[str, object]:
    """contract.host.Inventory."""
    return {
        "hostname": host.name,
        "cpu_arch": platform.machine(),
        "drivers": host.settings.drivers.names,
        "underlay_ip": host.settings.underlay_ip,
        "version": RELEASE,
        **host.storage.read_facts(),
        **host.hypervisor.read_facts(),
        "backends": {name: backend.read_facts() for name, backend in host.backends.items()},
        "capabilities": sorted(of_host(host.drivers["instances"])),
    }


def read(host: Served, body: Nothing, job: Job) -> HostFound:
    """Read everything of ours on this host, wanted or not: what a doctor compares with the rows."""
    links = host.network.driver.read_links()
    return {
        "servers": host.hypervisor.read_states(),
        "disks": host.storage.read_disks(),
        "volumes": {name: backend.read_volumes() for name, backend in host.backends.items()},
        "exports": {id: host.exports.find(id) for id in host.exports.volumes()},
        "taps": links["taps"],
        "namespaces": links["namespaces"],
        "setaside": setaside.short(host),
    }
