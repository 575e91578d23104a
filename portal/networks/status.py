"""Status words of networks, ports, routers and floating IPs."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.ui import Text
from portal.ui.status import Status

STATES: dict[str, tuple[str, Text]] = {
    "ACTIVE": ("ok", pgettext_lazy("network", "Active")), "BUILD": ("busy", _("Building")), "DOWN": ("warn", _("Down")),
    "ERROR": ("bad", _("Error")), "N/A": ("off", _("Not bound")),
}  # fmt: skip


def network(api: str, admin_up: bool = True) -> Status:
    if not admin_up:
        return Status("off", _("Down (admin)"), "DOWN")
    kind, word = STATES.get(api, ("off", api))
    return Status(kind, word, api)


def floating_ip(port_id: str | None, api: str) -> Status:
    if not port_id:
        return Status("off", _("Not associated"), api)
    return Status("ok", _("Associated"), api) if api == "ACTIVE" else Status("busy", _("Associating"), api)
