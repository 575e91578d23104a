"""What agents say on their own: hello, heartbeat, inventory."""

from typing import Any

from django.db import transaction

from common.clock import now
from common.live import announce
from hosts import services
from hosts.models import Host
from hosts.states import HostState

Body = dict[str, Any]


def heartbeat(name: str, body: Body) -> None:
    """The host lives. Writes one column unless its state changes."""
    moment = now()
    if Host.objects.filter(name=name, state=HostState.UP).update(last_seen_at=moment):
        return
    with transaction.atomic():
        host = Host.objects.select_for_update().filter(name=name).first()
        if host is None or not host.inventory:
            return  # never heard what it has: its inventory makes it usable
        host.last_seen_at = moment
        host.save(update_fields=["last_seen_at"])
        services.change_state(host, HostState.UP)


def hello(name: str, body: Body) -> None:
    """An agent began anew."""
    with transaction.atomic():
        host = Host.objects.select_for_update().filter(name=name).first()
        if host is None:
            return
        host.boot_id, host.booted_at, host.last_seen_at = str(body.get("boot", "")), now(), now()
        host.version = str(body.get("version", host.version))
        host.save(update_fields=["boot_id", "booted_at", "last_seen_at", "version"])
        services.tell_hello(host)


def inventory(name: str, body: Body) -> None:
    """What the host has. The first one makes it usable."""
    with transaction.atomic():
        host = Host.objects.select_for_update().filter(name=name).first()
        if host is None:
            return
        changed = host.inventory != body
        host.inventory, host.last_seen_at = body, now()
        host.drivers, host.capabilities = body.get("drivers", {}), body.get("capabilities", [])
        host.underlay_ip, host.version = body.get("underlay_ip", ""), body.get("version", "")
        host.save()
        if changed:
            announce("host", name)
            services.tell_inventory(host)
        services.change_state(host, HostState.UP)
