"""Reports that agents send on their own: hello, heartbeat, inventory, trouble. Each touches its own host's row only."""

import json
import logging
from typing import Any, Final

from django.db import transaction

from common.clock import now
from common.live import announce
from hosts import drivers, epoch, heartbeats, services
from hosts.models import Host
from hosts.states import HostState, is_down

log = logging.getLogger(__name__)

Body = dict[str, Any]

#: Limits on reported values in a host's row, in characters of JSON: each query of hosts reads them. An inventory has about 2,000.
LARGEST_INVENTORY: Final = 256 * 1024
LARGEST_FACT: Final = 1000
MOST_FACTS: Final = 20


def heartbeat(name: str, body: Body) -> None:
    """Note a heartbeat. Agents of version 2 send theirs by a queue of their own (heartbeats.py)."""
    heartbeats.note(name, body)


def hello(name: str, body: Body) -> None:
    """Note that an agent has restarted, with its boot id, version and drivers. Welcomes one that speaks version 2."""
    epoch.heard(name, body)
    with transaction.atomic():
        host = Host.objects.select_for_update().filter(name=name).first()
        if host is None:
            return
        host.boot_id, host.booted_at, host.last_seen_at = str(body.get("boot", "")), now(), now()
        host.speaks, host.driver_instances = services.version_spoken(body), drivers.told(body)
        host.save(update_fields=["boot_id", "booted_at", "last_seen_at", "speaks", "driver_instances"])
        services.forget_line(name)
        if is_down(host.state):  # it can be asked again; what it has follows, and makes it usable
            services.change_state(host, HostState.UNREACHABLE)
        if host.speaks > 1:
            transaction.on_commit(lambda: services.welcome(name, body.get("challenge")), robust=True)
        services.tell_hello(host)


def inventory(name: str, body: Body) -> None:
    """Write a host's inventory. The first makes the host usable; an unchanged one only counts as a sign of life."""
    if len(json.dumps(body)) > LARGEST_INVENTORY:
        log.error("host %s: its inventory is larger than any, and was refused", name)
        return
    if Host.objects.filter(name=name, state=HostState.UP, inventory=body).exists():
        heartbeats.note(name, {})
        return
    with transaction.atomic():
        host = Host.objects.select_for_update().filter(name=name).first()
        if host is None:
            return
        changed = host.inventory != body
        host.inventory, host.last_seen_at = body, now()
        host.drivers, host.capabilities = body.get("drivers", {}), body.get("capabilities", [])
        host.underlay_ip, host.version = body.get("underlay_ip", ""), body.get("version", "")
        host.save(update_fields=["inventory", "last_seen_at", "drivers", "capabilities", "underlay_ip", "version"])
        if changed:
            announce("host", name)
            services.tell_inventory(host)
        services.change_state(host, HostState.UP)


@transaction.atomic
def trouble(name: str, body: Body) -> None:
    """Keep what an agent says is wrong with it, with the host: the last of each kind and how many there were."""
    kind = str(body.get("event", ""))
    facts = {key: _bounded(value) for key, value in list(body.items())[:MOST_FACTS] if key != "event"}
    log.warning("host %s: %s: %s", name, kind, facts)
    host = Host.objects.select_for_update().filter(name=name).first()
    if host is None:
        return
    before = host.trouble.get(kind, {}).get("count", 0)
    more = facts.get("count") if kind == "refused" else 1
    host.trouble[kind] = {**facts, "count": before + (more if isinstance(more, int) else 1)}
    host.save(update_fields=["trouble"])
    announce("host", name)


def _bounded(value: object) -> object:
    text = json.dumps(value)
    return value if len(text) <= LARGEST_FACT else f"{text[:LARGEST_FACT]}…"
