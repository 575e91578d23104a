"""The drivers of hosts and what each can do, as agents' hellos tell it (hostagent.contract.capabilities)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

from django.db.models import TextField
from django.db.models.functions import Cast

from common.prepared import Prepared, PreparedMany
from hostagent.contract import binding
from hostagent.contract.binding import Vif, VifDetails
from hostagent.contract.capabilities import KINDS, OLDER, Capability, DriverInstance, of_host
from hosts.models import Host

MOST: Final = 64  # drivers of one host, and capabilities of one driver
LONGEST: Final = 64  # characters of a name


@dataclass(frozen=True)
class HostDrivers:
    """The drivers of a host as it told them. `can` are names of capabilities."""

    instances: tuple[DriverInstance, ...]
    can: frozenset[str]

    @property
    def vif(self) -> Vif:
        """How the host's network driver binds ports."""
        own = [instance["vif"] for instance in self.instances if "vif" in instance]
        return own[0] if own else binding.OLDER

    def lacking(self, capability: Capability) -> str:
        """Return the drivers for want of which the host lacks a capability, as "hypervisor fake"; "" where it has it."""
        if capability.name in self.can:
            return ""
        for kind in capability.kinds:
            own = [instance for instance in self.instances if instance["kind"] == kind]
            if not any(capability.name in instance["capabilities"] for instance in own):
                return f"{kind} {', '.join(sorted({instance['driver'] for instance in own}))}".strip()
        return ", ".join(capability.kinds)


def told(hello: Mapping[str, object]) -> list[DriverInstance]:
    """List the drivers that a hello tells of; [] of an agent that tells of none. What is no driver is left out."""
    drivers = hello.get("drivers")
    instances = drivers.get("instances") if isinstance(drivers, dict) else None
    if not isinstance(instances, list):
        return []
    found = (_instance(instance) for instance in instances[:MOST])
    return [instance for instance in found if instance is not None]


def _instance(said: object) -> DriverInstance | None:
    if not isinstance(said, dict) or said.get("kind") not in KINDS or not isinstance(said.get("capabilities"), list):
        return None
    kind, name, driver = (str(said.get(key, ""))[:LONGEST] for key in ("kind", "name", "driver"))
    able = sorted({str(capability)[:LONGEST] for capability in said["capabilities"][:MOST]})
    found: DriverInstance = {"kind": kind, "name": name, "driver": driver, "capabilities": able}
    if (vif := _vif(said.get("vif"))) is not None:
        found["vif"] = vif
    return found


def _vif(said: object) -> Vif | None:
    details = said.get("vif_details") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(details, dict) or len(json.dumps(details)) > LONGEST * 8:
        return None
    return {"vif_type": str(said.get("vif_type", ""))[:LONGEST], "vif_details": cast(VifDetails, details)}


@lru_cache(maxsize=1024)
def read(instances: str, capabilities: str) -> HostDrivers:
    """Read the two columns of a host's row, which say the same for days. An agent that tells of no drivers is as agents were."""
    known: list[DriverInstance] = json.loads(instances) or []
    listed = json.loads(capabilities) or []
    return HostDrivers(tuple(known), of_host(known) if known else OLDER.union(listed))


#: The two columns that `read` takes, for queries that read more of a host.
COLUMNS: Final = (Cast("driver_instances", TextField()), Cast("capabilities", TextField()))
_several = PreparedMany(lambda names: Host.objects.filter(name__in=names).values_list("name", *COLUMNS))
_columns = Prepared(lambda name: Host.objects.filter(name=name).values_list(*COLUMNS))


def of(name: str) -> HostDrivers:
    """Return the drivers of a host. One query; a host that is not known is as one that says nothing."""
    return read(*(_columns.first(name) or ("[]", "[]")))


def vifs(names: Iterable[str]) -> dict[str, Vif]:
    """How each of these hosts binds ports. One query; none without a name."""
    wanted = set(names)
    known = {name: read(*columns).vif for name, *columns in _several(sorted(wanted))}
    return {name: known.get(name, binding.OLDER) for name in wanted}
