"""The network service's background work and periodic tasks."""

from networking import rebalancing
from networking.desired import reports, sync
from networking.desired.changes import TASK
from networking.ports import probing
from operations import background, periodic


def register() -> None:
    background.register(TASK, sync.run, pool=sync.pool_of)
    background.register(probing.KIND, probing.send)
    periodic.register(1.0, "networking", sync.recover, urgent=True)
    periodic.register(sync.INSPECT_EVERY / sync.PARTS, "networking.look", sync.inspect)
    periodic.register(rebalancing.seconds_between() or 3600, "networking.rebalance", rebalancing.move_some)
    periodic.register(5.0, "networking.ready", reports.wake_waiting)
