"""Helpers of servers' flows: finding the server, beginning anew on another host. The steps stand beside their flows."""

from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from common.errors import CloudError, HostDown
from compute.servers.models import Server, locked
from operations import flows as registered
from operations import start
from operations.flows import Superseded
from operations.op import Op


class DeletedMeanwhile(Superseded):
    template = _("The instance was deleted while this was going on.")


def of(op: Op) -> Server:
    """Read and lock the server of an operation."""
    return locked(op.subject_id)


def alive(op: Op) -> Server:
    """Read and lock the server, unless its deletion waits: then the flow unwinds, or past a final step does no more for it.

    Raises: DeletedMeanwhile.
    """
    server = of(op)
    if server.is_deleting:
        raise DeletedMeanwhile()
    return server


def old_claim(server_id: str) -> str:
    """Return the consumer that keeps a server's former claim until a resize is confirmed."""
    return f"{server_id[:30]}-old"


MOST_HOSTS = 3  # that one launch may lose before it fails


def elsewhere(finalize: Callable[[Op, CloudError], None]) -> Callable[[Op, CloudError], None]:
    """Build an `on_failed` that begins the flow anew, on another host, where this one's went down; else `finalize` ends it.

    What the flow left on the lost host is owed by it: its undos were given up.
    """

    def finalized(op: Op, error: CloudError) -> None:
        server = of(op)
        before = op.data.get("avoid", ())
        avoid = sorted({*before, str(error.data.get("host", ""))})
        # one that was avoided already is no host of the server's: it has a volume of it
        is_bound = server.forced_host or op.data.get("to_host") or len(avoid) == len(before)
        if not isinstance(error, HostDown) or server.is_deleting or is_bound or len(avoid) > MOST_HOSTS:
            finalize(op, error)
            return
        server.change(generation=server.generation + 1)
        again = start(
            registered.find(op.row.flow, op.row.version),
            subject=("server", server.id),
            project_id=server.project_id,
            actor=op.actor,
            holds=[f"server:{server.id}"],
            data={**{k: v for k, v in op.data.items() if k != "port_ids"}, "avoid": avoid},
            action=op.row.action,
        )
        again.user_id = op.row.user_id
        again.save(update_fields=["user_id"])

    return finalized
