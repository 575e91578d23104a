"""Debts of hosts about servers: domains and disks that could not be removed, or put back, when they had to be."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from common.errors import Conflict
from compute.servers.lifecycle import orphans
from compute.servers.models import Server
from hostagent.contract import Verb
from hostagent.contract.disk import DISK_ENSURE, DISK_REMOVE
from hostagent.contract.server import SERVER_DETACH_DISK, SERVER_DETACH_PORT, SERVER_REMOVE
from hosts import debts
from hosts.models import HostDebt

#: The verbs by which flows of servers undo and delete.
KINDS = tuple(verb.name for verb in (SERVER_REMOVE, DISK_REMOVE, DISK_ENSURE, SERVER_DETACH_PORT, SERVER_DETACH_DISK))


class BusyServer(Conflict):
    template = _("Instance %(id)s is busy. What its host owes of it waits.")


def register() -> None:
    for kind in KINDS:
        debts.register(kind, cast_for)
    orphans.register()


def removal(server: Server) -> None:
    """Owe the removal of a server's domain, then of its disks, while its host is down. In the caller's transaction."""
    for verb in (SERVER_REMOVE, DISK_REMOVE):
        _owe(server, verb, {})


def end_of_resize(server: Server, growth: dict[str, object] | None, *, is_reverted: bool) -> None:
    """Owe the end of a resize that is confirmed or reverted while the host is down. In the caller's transaction.

    The disk from before it is owed, to be put back or removed (steps.end_of_growth). What still runs there with the new
    flavor ends first when it was reverted; the look at the host that follows starts it with the old one.
    """
    if is_reverted:
        _owe(server, SERVER_REMOVE, {})
    if growth is not None:
        _owe(server, DISK_ENSURE, growth)


def _owe(server: Server, verb: Verb[Any, Any], body: dict[str, Any]) -> None:
    told = {"server_id": server.id, **body}
    debts.owe(server.host, verb.name, server.id, told, subject=f"server:{server.id}", generation=server.generation)


def is_pending(server: Server) -> bool:
    """Whether its host still has to do something to the server as it is now, and has not failed at it yet."""
    rows = HostDebt.objects.filter(host=server.host, subject=f"server:{server.id}", tries=0)
    return rows.filter(kind__in=KINDS, generation__gte=server.generation).exists()


def cast_for(debt: HostDebt) -> debts.DebtCast | None:
    """Return the debt's cast as written; None if the server has a newer generation on that host, which supersedes the debt.

    One thing is left of it then: a disk that should have come back after a failed resize is older than what the server
    has written since, and goes, so that no later revert brings it back. Raises: BusyServer.
    """
    server_id = debt.subject.removeprefix("server:")
    server = Server.objects.living().filter(id=server_id, host=debt.host, generation__gt=debt.generation).first()
    if server is None:
        return debts.as_written(debt)
    if debt.kind != DISK_ENSURE.name:
        return None
    if server.before_resize or orphans.is_busy(server_id):
        raise BusyServer(id=server_id)
    return debts.DebtCast(DISK_ENSURE, {**debt.body, "kept": "gone"}, server.generation)
