"""How an agent is, as numbers: sent with each heartbeat, shown by control's /metrics. Cheap, and waits for nobody."""

import os
from typing import TYPE_CHECKING

from hostagent.contract.host import AgentFigures

if TYPE_CHECKING:
    from hostagent.agent.host import Host


def read(host: "Host", *, reports: int, parked: int, deaths: int) -> AgentFigures:
    """`reports` wait for the broker, `parked` could not be encoded, threads died `deaths` times since the agent began."""
    try:
        disk = os.statvfs(host.own.data)
        free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    except OSError:
        free, size = 0, 0
    return AgentFigures(
        jobs=host.lanes.jobs(),
        reports=reports,
        parked=parked,
        deaths=deaths,
        hypervisor_up=host.hypervisor.is_up,
        disk_free=free,
        disk_size=size,
        set_aside=host.aside.count(),
    )
