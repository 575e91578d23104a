"""Periodic recovery of operations, and the nightly purge."""

from operations import background, broker_memory, engine, nightly, periodic, queue, recovery, scheduling, wakeups


def register() -> None:
    wakeups.register(wakeups.OPERATIONS, engine.advance)
    wakeups.register(wakeups.BACKGROUND, background.run, pool_of=background.pool_of)
    scheduling.on_due(scheduling.BACKGROUND, background.enqueue_named)
    queue.on_control(background.forget_dead_claims)
    queue.on_control(wakeups.become_control)
    periodic.register(1.0, "operations", recovery.recover, urgent=True)
    background.register(nightly.KIND, nightly.purge, pool="bulk")
    periodic.register(nightly.EVERY, "operations.nightly", nightly.look)
    periodic.register(broker_memory.EVERY, "operations.broker_memory", broker_memory.look)
    periodic.register(3600.0, "operations.prune", recovery.prune)
