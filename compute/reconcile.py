"""Compute's handlers of hosts' reports and debts, and its checks of hosts' requests for images."""

from compute.servers.lifecycle import image_access, owed, reconcile, services
from hostagent.contract.reports import Event
from hosts import agents, debts, reconciliation
from networking.ports import devices
from operations import on_event, parking
from operations.steps import broken


def register() -> None:
    owed.register()
    devices.register("server", services.project_of)
    parking.on_broken("server", broken)
    reconciliation.register(reconcile.KIND)
    on_event(Event.LEASE, reconcile.on_lease)
    on_event(Event.LOGIN, reconcile.on_login)
    on_event(Event.STATE, reconcile.on_state)
    debts.on_paid(reconcile.on_paid)
    agents.allow("read image", image_access.reads_image)
    agents.allow("write image", image_access.writes_image)
