"""Handlers of hosts' reports, and of hosts that come back or fall silent."""

from hostagent.contract.reports import TROUBLE, Kind
from hosts import debts, epoch, heartbeats, reconciliation, reports, services
from operations import arrivals, engine, lost, queue, rpc, steps


def register() -> None:
    rpc.use(key_of=services.key_of, line_of=services.line_of, stamp=epoch.stamp, refusal=epoch.refusal)
    arrivals.use(floors_of=services.floors_of, other_keys_of=services.other_keys_of)
    rpc.on_report(Kind.HELLO, reports.hello)
    rpc.on_report(Kind.HEARTBEAT, reports.heartbeat)
    rpc.on_report(Kind.INVENTORY, reports.inventory)
    lost.use(services.is_down)
    services.on_state(services.end_waiting)
    services.on_state(debts.on_state)  # before all others: what a host owes comes before anything new
    services.on_hello(debts.on_hello)
    services.on_state(reconciliation.on_state)
    services.on_hello(reconciliation.on_hello)
    steps.on_doubt(reconciliation.on_doubt)
    engine.on_given_up(debts.given_up)
    queue.on_control(heartbeats.start)
    for event in TROUBLE:
        rpc.on_event(event, reports.trouble)
