"""Diagnostics of a running server: its devices and uptime. Its counters are null: hosts do not report them."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Conflict
from compute.servers.lifecycle import domain, states
from compute.servers.models import Server
from hosts.models import Host
from networking.ports.models import Port
from openstackapi.versioned import ByVersion

_STATE = {
    states.RUNNING: "running",
    states.POWER_PAUSED: "paused",
    states.SHUTDOWN: "shutdown",
    states.CRASHED: "crashed",
    states.POWER_SUSPENDED: "suspended",
    states.NOSTATE: "pending",
}


class NotRunning(Conflict):
    template = _("Cannot 'get_diagnostics' instance %(id)s while it is in vm_state %(state)s")


def diagnostics(server: Server, version: tuple[int, int]) -> dict[str, object]:
    """Describe a running server in the form of the API version.

    Raises: NotRunning for a server whose machine does not run.
    """
    if not states.runs(server.power_state):
        raise NotRunning(id=server.id, state=server.vm_state)
    return _TOLD.at(version)(server)


def _memory(server: Server) -> dict[str, object]:
    return {"memory": int(server.flavor["ram"]) * 1024}


def _everything(server: Server) -> dict[str, object]:
    host = Host.objects.filter(Q(name=server.host)).first()
    macs = Port.objects.of_server(server).values_list("mac_address", flat=True)
    disks = [dict.fromkeys(_COUNTED) for _disk in domain.disks_of(server, domain.attached_to(server))]
    since = server.launched_at
    return {
        "state": _STATE[server.power_state],
        "driver": "libvirt",
        "hypervisor": str((host.inventory if host else {}).get("acceleration", "") or "qemu"),
        "hypervisor_os": "linux",
        "uptime": int((now() - since).total_seconds()) if since else None,  # since the launch, as Nova counts it
        "config_drive": server.config_drive,
        "num_cpus": int(server.flavor["vcpus"]),
        "num_nics": len(macs),
        "num_disks": len(disks),
        "memory_details": {"maximum": int(server.flavor["ram"]), "used": None},
        "cpu_details": [{"id": n, "time": None, "utilisation": None} for n in range(int(server.flavor["vcpus"]))],
        "nic_details": [{"mac_address": mac, **dict.fromkeys(_SENT)} for mac in macs],
        "disk_details": disks,
    }


#: Only the memory until 2.47, in KiB.
_TOLD = ByVersion({(2, 0): _memory, (2, 48): _everything})
_COUNTED = ("read_bytes", "read_requests", "write_bytes", "write_requests", "errors_count")
_SENT = tuple(f"{way}_{what}" for way in ("rx", "tx") for what in ("octets", "errors", "drop", "packets", "rate"))
#: What `diagnostics` makes.
DIAGNOSTICS: ByVersion[object] = ByVersion(
    {
        (2, 0): {"memory": int},
        (2, 48): {
            "state": str,
            "driver": str,
            "hypervisor": str,
            "hypervisor_os": str,
            "uptime": int | None,
            "config_drive": bool,
            "num_cpus": int,
            "num_nics": int,
            "num_disks": int,
            "memory_details": {"maximum": int, "used": None},
            "cpu_details": [{"id": int, "time": None, "utilisation": None}],
            "nic_details": [{"mac_address": str, **dict.fromkeys(_SENT)}],
            "disk_details": [dict.fromkeys(_COUNTED)],
        },
    }
)
