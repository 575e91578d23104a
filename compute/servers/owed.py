"""What hosts owe of servers: domains and disks that could not be removed, or put back, when they had to be."""

from django.utils.translation import gettext_lazy as _

from common.errors import Conflict
from compute.servers import strangers
from compute.servers.models import Server
from hosts import debts
from hosts.models import HostDebt

#: The verbs by which flows of servers undo and delete.
KINDS = ("server.remove", "disk.remove", "disk.ensure", "server.detach_port")


class BusyServer(Conflict):
    template = _("Instance %(id)s is busy. What its host owes of it waits.")


def register() -> None:
    for kind in KINDS:
        debts.register(kind, asking)
    strangers.register()


def removal(server: Server) -> None:
    """The server goes while its host is away: its domain, then its disks, are owed. In the caller's transaction."""
    for kind in ("server.remove", "disk.remove"):
        subject = f"server:{server.id}"
        debts.owe(server.host, kind, server.id, {"server_id": server.id}, subject=subject, generation=server.generation)


def asking(debt: HostDebt) -> debts.Ask | None:
    """As written, unless the server has begun something newer on that host since: that counts.

    One thing is left of it then: a disk that should have come back after a failed resize is older than what the server
    has written since, and goes, so that no later revert brings it back. Raises: BusyServer.
    """
    server_id = debt.subject.removeprefix("server:")
    server = Server.objects.living().filter(id=server_id, host=debt.host, generation__gt=debt.generation).first()
    if server is None:
        return debts.as_written(debt)
    if debt.kind != "disk.ensure":
        return None
    if server.before_resize or strangers.is_busy(server_id):
        raise BusyServer(id=server_id)
    return debts.Ask(debt.kind, {**debt.body, "kept": "gone"}, server.generation)
