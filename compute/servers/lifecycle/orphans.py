"""Orphans: servers that a host has and no row places there. They are never destroyed on a suspicion.

A few are stopped and set aside on the host (hostagent/agent/setaside.py), where they are kept for two weeks. Where they are
many (hostagent.contract.setaside.is_many), the rows are more likely wrong than the host: none is
touched, and an operator is asked. `manage.py setaside` holds the answers.
"""

import logging
from typing import Final

from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.errors import Conflict
from common.live import announce
from compute.servers.models import Server
from hostagent.contract.host import HostFound
from hostagent.contract.setaside import SETASIDE_DROP, SETASIDE_PUT, is_many
from hosts import debts
from hosts.models import Host, HostDebt
from operations.models import LIVE, Operation

log = logging.getLogger(__name__)

WHY: Final = "no row of the database places it on this host"


class KnownAgain(Conflict):
    template = _("Instance %(id)s is busy. Whether its host should have it is looked at later.")


def register() -> None:
    debts.register(SETASIDE_PUT.name, cast_for)
    debts.register(SETASIDE_DROP.name)


def reported(found: HostFound) -> list[str]:
    """List the ids of servers of which a host's answer to host.read names a domain or a disk."""
    return sorted({*found["servers"], *found["disks"]})


def of(host: str, found: HostFound) -> list[str]:
    """Find the ids of a host's orphans in its answer to host.read."""
    return among(host, reported(found))


def among(host: str, server_ids: list[str]) -> list[str]:
    """Filter `server_ids`: those that no row places on the host, no debt names, and no operation is busy with."""
    known = set(Server.objects.living().filter(host=host, id__in=server_ids).values_list("id", flat=True))
    known |= set(HostDebt.objects.filter(host=host, key__in=server_ids).values_list("key", flat=True))
    return [id for id in server_ids if id not in known and not is_busy(id)]


def is_busy(server_id: str) -> bool:
    return Operation.objects.filter(subject_kind="server", subject_id=server_id, state__in=LIVE).exists()


def set_aside(host: str, server_ids: list[str], *, allowed: bool = False) -> list[str]:
    """Have the orphans among a host's servers set aside, or ask an operator. Returns the ids that are set aside.

    `server_ids`: all that the host has, as domain or disk. `allowed`: an operator has said so. In the caller's transaction.
    """
    found = among(host, server_ids)
    if is_many(len(found), len(server_ids)) and not allowed:
        ask_operator(host, found, len(server_ids))
        return []
    ask_operator(host, [], 0)
    generations = dict(Server.objects.filter(id__in=found).values_list("id", "generation"))
    for server_id in found:
        body = {"server_id": server_id, "why": WHY}
        # without a row there is no generation: one that is adopted later begins at the first
        generation = generations.get(server_id, 0)
        debts.owe(host, SETASIDE_PUT.name, server_id, body, subject=f"server:{server_id}", generation=generation)
    if found:
        debts.work_off(host)
    return found


def ask_operator(host: str, found: list[str], have: int) -> None:
    """Write the question about `found` orphans of `have` servers to the host's row, once; [] withdraws it."""
    row = Host.objects.select_for_update().filter(name=host).first()
    before = row.question["servers"] if row is not None and row.question else []
    if row is None or before == sorted(found):
        return
    row.question = {"servers": sorted(found), "have": have, "since": now().isoformat()} if found else None
    row.save(update_fields=["question"])
    announce("host", host)
    if found:
        log.error(
            "%s has %d instances (of %d) that nobody knows: none is touched until an operator decides (manage.py doctor)",
            host, len(found), have,
        )  # fmt: skip


def cast_for(debt: HostDebt) -> debts.DebtCast | None:
    """Return the debt's cast as written, while no row places the server here. Raises: KnownAgain while an operation is busy with it."""
    if Server.objects.living().filter(id=debt.key, host=debt.host).exists():
        return None
    if is_busy(debt.key):
        raise KnownAgain(id=debt.key)
    return debts.as_written(debt)
