"""Periodic recovery of operations, and the nightly purge. What wake-ups run stands beside its code (wakeups.works_off)."""

from operations import background, broker_memory, nightly, periodic, queue, recovery, wakeups
from operations import engine as _engine  # noqa: F401 - so that wake-ups find what advances an operation


def register() -> None:
    queue.on_control(background.forget_dead_claims)
    queue.on_control(wakeups.become_control)
    periodic.register(1.0, "operations", recovery.recover, urgent=True)
    background.register(nightly.KIND, nightly.purge, pool="bulk")
    periodic.register(nightly.EVERY, "operations.nightly", nightly.look)
    periodic.register(broker_memory.EVERY, "operations.broker_memory", broker_memory.look)
    periodic.register(3600.0, "operations.prune", recovery.prune)
