"""Status words of hosts."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from hosts import states as host_states
from networking.agents.models import BRIDGE, DHCP, L3
from portal.ui import Text
from portal.ui.status import Status

STATES: dict[str, tuple[str, Text]] = {
    "up": ("ok", _("Up")), "unreachable": ("warn", _("Silent")), "down": ("bad", _("Down")),
    "new": ("busy", _("Joining")),
}  # fmt: skip

#: What a host or a driver is for → its word.
ROLES: dict[str, Text] = {
    "control": _("Control"),
    "compute": _("Compute"),
    "network": _("Network"),
    "storage": _("Storage"),
    "hypervisor": _("Hypervisor"),
}
#: Kind of a network agent, as the API has it → its word.
AGENTS: dict[str, Text] = {BRIDGE: _("Linux bridge agent"), DHCP: _("DHCP agent"), L3: _("L3 agent")}


def host(state: str, *, enabled: bool, forced_down: bool, since: datetime | None = None) -> Status:
    if forced_down:
        return Status("bad", _("Forced down"), "forced_down")
    if host_states.is_up(state) and not enabled:
        return Status("off", _("Off for upkeep"), "disabled")
    kind, word = STATES.get(state, ("off", state))
    return Status(kind, word, state, since=since if kind in ("bad", "warn") else None)
