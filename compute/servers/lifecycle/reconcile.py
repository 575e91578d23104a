"""Reconcile servers' rows with hosts' reports: the kind "server" of the registry in hosts/reconciliation.py.

A guest that powered itself off becomes SHUTOFF; one that should run and does not, on a host that came back, is started
again. Nothing is done to a server that an operation is busy with: that operation will finalize it.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import CloudError
from common.ids import is_id
from compute.servers.lifecycle import orphans, owed, power, services, states
from compute.servers.models import Server
from hostagent.contract.host import HostFound
from hosts import reconciliation
from hosts.models import HostDebt
from hosts.reconciliation import Done, Finding, Kind
from networking.ports.models import Port
from operations import start
from operations.models import LIVE, Operation

log = logging.getLogger(__name__)


class OperationLost(CloudError):
    template = _("The operation that was busy with this (%(task)s) is gone. Try the verb again.")


def _at(body: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(float(body["at"]), UTC)


def on_lease(host: str, body: dict[str, object]) -> None:
    """dnsmasq gave a port its address. The agent names the port, or only its MAC and address.

    Believed of the host that serves the port's network, and of the one that runs the guest.
    """
    port = body.get("port_id")
    rows = Port.objects.filter(id=port) if port else Port.objects.filter(mac_address=str(body.get("mac", "")).lower())
    rows = rows.filter(Q(host=host) | Q(network__dhcp_host=host))
    server_id = rows.exclude(server_id="").values_list("server_id", flat=True).first()
    if server_id:
        services.note_fact(server_id, "leased_at", _at(body))


def on_login(host: str, body: dict[str, Any]) -> None:
    """Note when a server's login prompt appeared on its serial port."""
    if Server.objects.living().filter(id=body["server_id"], host=host).exists():
        services.note_fact(body["server_id"], "login_at", _at(body))


def on_state(host: str, body: dict[str, Any]) -> None:
    """Take over the new state of a domain that changed by itself."""
    settle_reported(host, str(body["server_id"]), str(body["state"]))


@transaction.atomic
def settle_reported(host: str, server_id: str, state: str) -> bool:
    """Take over the state (hostagent.contract.states.STATES) that a host reports of a resting server.

    Returns whether that changed the row.
    """
    server = Server.objects.living().locked().filter(id=server_id, host=host).first()
    if server is None or server.task_state or orphans.is_busy(server_id):
        return False
    wanted = states.DOMAIN_WANTED.get(server.vm_state)
    if wanted is None or state == wanted:
        return False
    rests = states.AFTER_BY_ITSELF.get(state)
    if rests is None:
        return False
    log.info("server %s is %s on %s and was %s", server_id, state, host, server.vm_state)
    server.change(vm_state=rests, power_state=states.POWER_OF_DOMAIN[state])
    return True


# ── All that a host has ─────────────────────────────────────────────────────────────────────────────────────────────


def inspect(host: str, found: HostFound) -> list[Finding]:
    """Find servers whose state differs from their rows, orphans, and servers whose disk is missing. Changes nothing."""
    out = []
    for server in Server.objects.living().filter(host=host, task_state=None):
        wanted = states.DOMAIN_WANTED.get(server.vm_state)
        state = found["servers"].get(server.id, states.ABSENT)
        if wanted is not None and state != wanted:
            text = gettext("It should be %(a)s and is %(b)s.") % {"a": wanted, "b": state}
            out.append(Finding(host, "server", server.id, text))
    for id in orphans.of(host, found):
        if id in found["servers"]:
            out.append(Finding(host, "domain", id, gettext("No row places this domain here.")))
        else:
            out.append(Finding(host, "disk", id, gettext("No row places this disk here.")))
    disks = [id for id in found["disks"] if is_id(id)]
    resting = Server.objects.living().filter(host=host, task_state=None).exclude(vm_state=states.ERROR)
    resting = resting.exclude(boots_from_volume=True)
    for id in resting.exclude(id__in=disks).values_list("id", flat=True):
        out.append(Finding(host, "disk", id, gettext("The disk of this instance is missing.")))
    return out


def reconcile(host: str, found: HostFound, allowed: bool) -> Done:
    """Start what should run, take over what is off, set aside what no row knows."""
    started = ensure_running(host, found["servers"])
    taken_over = [id for id, state in found["servers"].items() if settle_reported(host, id, state)]
    set_aside = orphans.set_aside(host, orphans.reported(found), allowed=allowed)
    return {"started": started, "taken_over": taken_over, "set_aside": set_aside}


def accept(host: str, found: HostFound, server_id: str) -> None:
    """Take over the state of one server in a host's answer to host.read."""
    settle_reported(host, server_id, found["servers"].get(server_id, states.ABSENT))


KIND = Kind("server", inspect=inspect, reconcile=reconcile, orphans=orphans.of, accept=accept)


def on_paid(debt: HostDebt) -> None:
    """Inspect a host again once it has paid what it owed of a server that should run and waited for that alone."""
    waiting = Server.objects.living().filter(host=debt.host, vm_state=states.ACTIVE, task_state=None)
    server = waiting.filter(id=debt.subject.removeprefix("server:"), generation__lte=debt.generation).first()
    if server is not None and not owed.is_pending(server):
        reconciliation.inspect_once(debt.host)


def ensure_running(host: str, reported: dict[str, str]) -> list[str]:
    """Start each resting server that should run on a host and does not. Returns their ids."""
    rows = Server.objects.living().filter(host=host, vm_state=states.ACTIVE, task_state=None)
    out = []
    for server in rows.locked():
        if reported.get(server.id) == states.DOMAIN_WANTED[states.ACTIVE] or orphans.is_busy(server.id):
            continue
        if owed.is_pending(server):  # the host is inspected again when it has paid
            continue
        server.generation += 1
        server.save(update_fields=["generation"])
        start(
            power.ENSURE_RUNNING,
            subject=("server", server.id),
            project_id=server.project_id,
            actor=RequestContext.internal("host came back", project_id=server.project_id),
            holds=[f"server:{server.id}"],
            data={"rest": server.vm_state},
            action="keep",
        )
        out.append(server.id)
    return out


# ── Servers that wait for nothing ───────────────────────────────────────────────────────────────────────────────────


def stuck() -> QuerySet[Server]:
    """Query the servers with a task but without a live operation."""
    live = Operation.objects.filter(subject_kind="server", subject_id=OuterRef("pk"), state__in=LIVE)
    return Server.objects.living().filter(task_state__isnull=False).exclude(Exists(live)).order_by("pk")


def recover_stuck() -> None:
    """Periodic recovery: bring servers into error that wait for an operation that no longer exists."""
    for server in stuck()[:500]:
        with transaction.atomic():
            row = Server.objects.locked().find(server.id)
            if row.task_state == server.task_state and not orphans.is_busy(server.id):
                task, row.task_state = row.task_state, None
                row.fail(states.ERROR, OperationLost.code, {"task": str(task)})
