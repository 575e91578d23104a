"""Limits on the rows of compute's tables: each table names the limit that holds it, or has one here."""

from common.ceilings import elsewhere, hold
from compute.models import (
    Aggregate,
    AggregateHost,
    BlockDevice,
    ConsoleLink,
    ConsoleTicket,
    Draft,
    Flavor,
    FlavorAccess,
    Migration,
)


def register() -> None:
    for model in (Flavor, FlavorAccess, Aggregate, AggregateHost):
        elsewhere(model, "rows that only operators make")
    elsewhere(Migration, "the states of a server: one at a time, and the purge of what ended")
    elsewhere(
        ConsoleTicket, "as many as one user or link may have open or about to be (compute.consoles.services.MOST)"
    )
    elsewhere(BlockDevice, "the letters of a server's disks: compute.servers.block_devices.device_for")
    hold(ConsoleLink, "server_id", 20)
    hold(Draft, "user_id", 200)
