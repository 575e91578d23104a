"""The network service's background work and periodic tasks."""

from networking import rebalancing
from networking.desired import reports, sync
from networking.desired.changes import TASK
from operations import background, periodic


def register() -> None:
    background.register(TASK, sync.run, pool=sync.pool_of)
    periodic.every(1.0, "networking", sync.recover, urgent=True)
    periodic.every(sync.LOOK_EVERY / sync.PARTS, "networking.look", sync.look)
    periodic.every(rebalancing.seconds_between() or 3600, "networking.rebalance", rebalancing.tick)
    periodic.every(5.0, "networking.ready", reports.wake_waiting)
