"""Leftovers: taps and namespaces that a host has and no row wants. The kind "network" of the registry in hosts/reconciliation.py."""

from django.utils.translation import gettext as _

from hostagent.contract.host import HostFound
from hostagent.contract.network import dhcp_namespace, router_namespace, tap_name
from hosts.reconciliation import Done, Finding, Kind
from networking.desired import sync
from networking.networks.models import Network
from networking.ports.models import Port
from networking.routers.models import Router


def of(host: str, found: HostFound) -> list[tuple[str, str]]:
    """Name and kind of each leftover on a host."""
    taps = {tap_name(id) for id in Port.objects.filter(host=host).values_list("id", flat=True)}
    extra = [(name, "tap") for name in found["taps"] if name.startswith("tap") and name not in taps]
    known = {router_namespace(id) for id in Router.objects.values_list("id", flat=True)}
    known |= {dhcp_namespace(id) for id in Network.objects.values_list("id", flat=True)}
    names = [name for name in found["namespaces"] if name.startswith(("qrouter-", "qdhcp-"))]
    return extra + [(name, "namespace") for name in names if name not in known]


def inspect(host: str, found: HostFound) -> list[Finding]:
    return [Finding(host, kind, name, _("No row wants this here.")) for name, kind in of(host, found)]


def reconcile(host: str, found: HostFound, allowed: bool) -> Done:
    """Send a host that has leftovers its whole network again; the agent sets aside what that does not name."""
    names = [name for name, _kind in of(host, found)]
    if names:
        sync.send_everything(host)
    return {"network": names}


KIND = Kind("network", inspect=inspect, reconcile=reconcile)
