"""What hosts say of servers, against what the rows want.

A guest that powered itself off becomes SHUTOFF; one that should run and does not, on a host that came back, is started
again. Nothing is done to a server that an operation is busy with: that operation will finalize it.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from common.actor import Actor
from common.errors import CloudError
from compute.servers.lifecycle import orphans, owed, power, services, states
from compute.servers.models import Server
from hostagent.contract.host import HOST_READ
from hostagent.contract.verb import Nothing
from hosts.models import Host, HostDebt
from hosts.states import is_up
from networking.ports.models import Port
from operations import Flow, Step, Wait, start
from operations.models import LIVE, Operation
from operations.op import Op
from operations.subject import HostSubject

log = logging.getLogger(__name__)


class OperationLost(CloudError):
    template = _("The operation that was busy with this (%(task)s) is gone. Try the verb again.")


def _at(body: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(float(body["at"]), UTC)


def on_lease(host: str, body: dict[str, Any]) -> None:
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
    """The login prompt was seen on the serial port."""
    if Server.objects.living().filter(id=body["server_id"], host=host).exists():
        services.note_fact(body["server_id"], "login_at", _at(body))


def on_state(host: str, body: dict[str, Any]) -> None:
    """A domain changed by itself."""
    settle_reported(host, str(body["server_id"]), str(body["state"]))


@transaction.atomic
def settle_reported(host: str, server_id: str, state: str) -> None:
    """Take over what a host says of a resting server. `state` is one of hostagent.contract.server.STATES."""
    server = Server.objects.living().locked().filter(id=server_id, host=host).first()
    if server is None or server.task_state or orphans.is_busy(server_id):
        return
    wanted = states.DOMAIN_WANTED.get(server.vm_state)
    if wanted is None or state == wanted:
        return
    rests = states.AFTER_BY_ITSELF.get(state)
    if rests is None:
        return
    log.info("server %s is %s on %s and was %s", server_id, state, host, server.vm_state)
    server.change(vm_state=rests, power_state=states.POWER_OF_DOMAIN[state])


# ── A host that is back ─────────────────────────────────────────────────────────────────────────────────────────────


def on_hello(host: Host) -> None:
    """An agent began anew: look at what its host has."""
    _look_once(host.name)


def on_host_state(host: str, state: str) -> None:
    """A host is heard again by a heartbeat, after a silence in which it was not told what went: look at what it has."""
    if is_up(state):
        _look_once(host)


def _look_once(host: str) -> None:
    """One look at a time; a look under way is asked again by itself."""
    if not Operation.objects.filter(flow=LOOK.name, subject_kind="host", subject_id=host, state__in=LIVE).exists():
        look(host, mend=True)


def on_paid(debt: HostDebt) -> None:
    """What a host owed of a server is done: one that waited for that alone is started again."""
    waiting = Server.objects.living().filter(host=debt.host, vm_state=states.ACTIVE, task_state=None)
    server = waiting.filter(id=debt.subject.removeprefix("server:"), generation__lte=debt.generation).first()
    if server is not None and not owed.is_pending(server):
        _look_once(debt.host)


def look(
    host: str, *, mend: bool, server_id: str = "", reason: str = "host came back", allowed: bool = False
) -> Operation:
    """Have a host tell what it has, and with `mend` put right what differs. In the caller's transaction.

    With `server_id`, what the host says of this one server is taken over and nothing else happens. `allowed`: an operator
    has said that what nobody knows may be set aside, however much it is.
    """
    operation: Operation = start(
        LOOK,
        subject=("host", host),
        project_id=None,
        actor=Actor.internal(reason),
        data={"mend": mend, "server_id": server_id, "allowed": allowed},
        action="look",
    )
    return operation


def look_in_doubt(server: HostSubject, *, mend: bool, reason: str) -> None:
    """Have the host of a server looked at (operations.steps.on_doubt).

    One that fell silent may have done what it was asked all the same: without `mend` what it says of this server is taken over.
    """
    look(server.host, mend=mend, server_id="" if mend else server.id, reason=reason)


def read_host(op: Op) -> Wait | None:
    if op.answer is not None:
        return None
    return op.cast(op.subject_id, HOST_READ, Nothing())


def mend_host(op: Op) -> None:
    """Start what should run, take over what is off, set aside what no row knows."""
    answer = op.row.steps.filter(name="read").values_list("answer", flat=True).first() or {}
    reported: dict[str, str] = answer.get("servers", {})
    host = op.subject_id
    if Host.objects.filter(name=host, estranged=True).exists():
        op.show(estranged=True, unknown=orphans.unknown(host, orphans.said_of(answer)))
        return  # it knows more than the rows do: they are no measure of what it has
    if one := op.data.get("server_id"):
        settle_reported(host, one, reported.get(one, "absent"))
    if not op.data["mend"]:
        return
    kept = keep_running(host, reported)
    for server_id, state in reported.items():
        settle_reported(host, server_id, state)
    aside = orphans.deal_with(host, orphans.said_of(answer), allowed=bool(op.data.get("allowed")))
    op.show(started=kept, set_aside=aside)


LOOK = Flow(
    "host.look",
    version=1,
    steps=(
        Step("read", do=read_host, deadline=60, label=_("Ask the host what it has")),
        Step("mend", do=mend_host, label=_("Put right what differs")),
    ),
    label=_("Look at a host"),
)


def keep_running(host: str, reported: dict[str, str]) -> list[str]:
    """Start each resting server that should run on a host and does not. Returns their ids."""
    rows = Server.objects.living().filter(host=host, vm_state=states.ACTIVE, task_state=None)
    out = []
    for server in rows.locked():
        if reported.get(server.id) == states.DOMAIN_WANTED[states.ACTIVE] or orphans.is_busy(server.id):
            continue
        if owed.is_pending(server):  # the host is looked at again when it has paid
            continue
        server.generation += 1
        server.save(update_fields=["generation"])
        start(
            power.KEEP,
            subject=("server", server.id),
            project_id=server.project_id,
            actor=Actor.internal("host came back", project_id=server.project_id),
            holds=[f"server:{server.id}"],
            data={"rest": server.vm_state},
            action="keep",
        )
        out.append(server.id)
    return out


def recover() -> None:
    """Servers that wait for an operation that no longer exists are given a word instead of waiting for ever."""
    live = Operation.objects.filter(subject_kind="server", subject_id=OuterRef("pk"), state__in=LIVE)
    for server in Server.objects.living().filter(task_state__isnull=False).exclude(Exists(live)).order_by("pk")[:500]:
        with transaction.atomic():
            row = Server.objects.locked().find(server.id)
            if row.task_state == server.task_state and not orphans.is_busy(server.id):
                task, row.task_state = row.task_state, None
                row.fail(states.ERROR, OperationLost.code, {"task": str(task)})
