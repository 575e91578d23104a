"""A hypervisor without guests: it keeps their states in a journal and tells the facts a guest would cause.

Everything else of the cloud is real around it: casts, reports, wanted networks, quotas, consoles' tickets.
`STACKLING_FAKE_VCPUS` and `STACKLING_FAKE_MEMORY_MIB` size such a host.
"""

import json
import os
import time
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Final, Literal, TypedDict

from hostagent.agent.job import Job
from hostagent.contract import capabilities as can
from hostagent.contract import states
from hostagent.contract.capabilities import Capability
from hostagent.contract.failures import Failure
from hostagent.contract.location import DiskSource
from hostagent.contract.reports import Event
from hostagent.contract.samples import ServerSample
from hostagent.contract.server import SERVER_REBOOT, DiskSpec, Known, PortSpec, ServerSpec
from hostagent.drivers.context import HostContext
from hostagent.drivers.hypervisor import HypervisorFacts
from hostagent.process.journal import Journal

BOOT_SECONDS: Final = 0.05  # until a fake guest has its address, its metadata and its login prompt


class FakeDomain(TypedDict):
    """A server as the journal keeps it."""

    state: str  # of contract.states.STATES
    spec: ServerSpec
    since: float  # unix seconds


class FakeHypervisor:
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            can.PAUSE, can.SUSPEND, can.SNAPSHOT, can.ATTACH_PORT, can.ATTACH_DISK, can.CONSOLE_LOG, can.CONFIG_DRIVE,
            # tickets of a console are real, what is behind them is not
            can.CONSOLE_VNC, can.CONSOLE_SERIAL,
            can.KERNEL_IMAGES, can.REBOOT_SOFT, can.DISK_ISCSI,
        }
    )  # fmt: skip

    is_up = True  # there is no daemon that could be away

    def __init__(self, host: HostContext) -> None:
        self._host = host
        self._domains = Journal(host.own.data / "fake-domains.jsonl")  # server id → {"state", "spec", "since"}

    def start(self) -> None:
        """Fake guests survive their agent, as real ones do."""

    def stop(self) -> None:
        self._domains.close()

    def ensure(self, spec: ServerSpec, job: Job) -> str:
        server_id = spec["server_id"]
        _require_secrets(spec["disks"], spec.get("secrets") or {})
        spec = typing.cast(ServerSpec, {name: value for name, value in spec.items() if name != "secrets"})
        for disk in spec["disks"]:
            self._host.locate(server_id, disk["source"], job)
        for port in spec["ports"]:
            self._host.network.driver.bind(port)
        before = self._domains.get(server_id) or {"state": states.ABSENT}
        state = states.of_power(spec["power"])
        if before["state"] != state or before["spec"] != spec:
            self._domains.set(server_id, {"state": state, "spec": spec, "since": time.time()})
        if states.is_running(state) and not states.is_running(before["state"]):
            self._host.timers.after(BOOT_SECONDS, lambda: self._booted(spec))
        return state

    def _booted(self, spec: ServerSpec) -> None:
        """Report what dnsmasq and the serial port would have told of a real guest."""
        pieces = getattr(self._host.network.driver, "pieces", {})
        for port in spec["ports"]:
            wanted = pieces.get(f"port:{port['port_id']}")
            for ip in wanted["body"]["ips"] if wanted else ():
                self._host.reporter.event(Event.LEASE, port_id=port["port_id"], mac=port["mac"], ip=ip)
        self._host.reporter.event(Event.LOGIN, server_id=spec["server_id"])

    def remove(self, server_id: str, job: Job) -> None:
        self._domains.drop(server_id)

    def _find(self, server_id: str) -> FakeDomain:
        domain: FakeDomain | None = self._domains.get(server_id)
        if domain is None:
            raise Failure("not_found", what="server", id=server_id)
        return domain

    def power(self, server_id: str, job: Job) -> str:
        domain = self._find(server_id)
        if not states.may(job.verb, domain["state"]):
            raise Failure("hypervisor_refused", detail=f"{job.verb.name} of a domain that is {domain['state']}")
        _allowed, after = states.POWER[job.verb]
        if domain["state"] != after or job.verb is SERVER_REBOOT:
            self._domains.set(server_id, {**domain, "state": after, "since": time.time()})
            if job.verb is SERVER_REBOOT:
                self._host.timers.after(BOOT_SECONDS, lambda: self._booted(domain["spec"]))
        return after

    def _keep(self, server_id: str, part: Literal["ports", "disks"], things: list[PortSpec] | list[DiskSpec]) -> None:
        """Write these ports or disks into the domain's spec."""
        domain = self._find(server_id)
        self._domains.set(server_id, {**domain, "spec": {**domain["spec"], part: things}})

    def _other_ports(self, server_id: str, port: PortSpec) -> list[PortSpec]:
        return [other for other in self._find(server_id)["spec"]["ports"] if other["port_id"] != port["port_id"]]

    def _other_disks(self, server_id: str, disk: DiskSpec) -> list[DiskSpec]:
        return [other for other in self._find(server_id)["spec"]["disks"] if other["serial"] != disk["serial"]]

    def ensure_port(self, server_id: str, port: PortSpec, job: Job) -> None:
        self._host.network.driver.bind(port)
        self._keep(server_id, "ports", [*self._other_ports(server_id, port), port])

    def remove_port(self, server_id: str, port: PortSpec, job: Job) -> None:
        self._keep(server_id, "ports", self._other_ports(server_id, port))

    def ensure_disk(self, server_id: str, disk: DiskSpec, secrets: Mapping[str, str], job: Job) -> None:
        _require_secrets([disk], secrets)
        self._host.locate(server_id, disk["source"], job)
        self._keep(server_id, "disks", [*self._other_disks(server_id, disk), disk])

    def remove_disk(self, server_id: str, disk: DiskSpec, job: Job) -> None:
        self._keep(server_id, "disks", self._other_disks(server_id, disk))

    def holders(self, volume_id: str) -> list[str]:
        return [
            server_id
            for server_id, domain in list(self._domains.values.items())
            if any(_is_volume(disk["source"], volume_id) for disk in domain["spec"]["disks"])
        ]

    def snapshot(self, server_id: str, name: str, job: Job) -> tuple[Path, int]:
        self._find(server_id)
        return self._host.storage.copy_out(server_id, name, job)

    def describe(self, server_id: str) -> Known:
        domain = self._domains.get(server_id)
        if domain is None:
            return {"state": states.ABSENT, "xml": "", "record": {}}
        spec = domain["spec"]
        return {"state": domain["state"], "xml": json.dumps(spec), "record": spec.get("metadata", {})}

    def put_aside(self, server_id: str, place: Path, job: Job) -> None:
        self._domains.drop(server_id)

    def define(self, server_id: str, xml: str, job: Job) -> None:
        if self._domains.get(server_id) is None:
            self._domains.set(server_id, {"state": states.SHUTOFF, "spec": json.loads(xml), "since": time.time()})

    def read_states(self) -> dict[str, str]:
        return {server_id: domain["state"] for server_id, domain in self._domains.values.items()}

    def read_samples(self) -> dict[str, ServerSample]:
        """Read an idle guest's: some cpu, half of its memory, no traffic."""
        now = time.time()
        return {
            server_id: {
                "cpu_ns": int((now - domain["since"]) * 5_000_000),
                "memory_used_mib": domain["spec"]["memory_mib"] // 2,
                "disk_read_bytes": 0,
                "disk_write_bytes": 0,
                "disk_read_requests": 0,
                "disk_write_requests": 0,
                "net_in_bytes": 0,
                "net_out_bytes": 0,
            }
            for server_id, domain in list(self._domains.values.items())
            if states.is_running(domain["state"])
        }

    def read_facts(self) -> HypervisorFacts:
        return {
            "vcpus": int(os.environ.get("STACKLING_FAKE_VCPUS", "4096")),
            "memory_mib": int(os.environ.get("STACKLING_FAKE_MEMORY_MIB", str(16 * 1024 * 1024))),
            "hypervisor": "fake",
            "hypervisor_version": 1_000_000,
            "cpu_model": "fake",
            "acceleration": "tcg",
            "acceleration_reason": "a fake host runs no guests",
        }


def _require_secrets(disks: Iterable[DiskSpec], secrets: Mapping[str, str]) -> None:
    """Raises: Failure hypervisor_refused where a disk wants a secret that was not told."""
    for disk in disks:
        source = disk["source"]
        if source["kind"] == "network" and source.get("auth", {}).get("secret", "") not in ("", *secrets):
            raise Failure("hypervisor_refused", detail=f"no secret for disk {disk['device']}")


def _is_volume(source: DiskSource, volume_id: str) -> bool:
    return source["kind"] == "volume" and source["volume_id"] == volume_id
