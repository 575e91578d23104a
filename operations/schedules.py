"""Periodic recovery of operations, and the nightly purge."""

from operations import background, broker_memory, doorbell, engine, nightly, periodic, queue, sweep


def register() -> None:
    doorbell.use(advance=engine.advance, background=background.run, background_pool=background.pool_of)
    queue.on_control(background.forget_dead_claims)
    queue.on_control(doorbell.become_control)
    periodic.every(1.0, "operations", sweep.sweep, urgent=True)
    background.register(nightly.KIND, nightly.purge, pool="bulk")
    periodic.every(nightly.EVERY, "operations.nightly", nightly.look)
    periodic.every(broker_memory.EVERY, "operations.broker_memory", broker_memory.look)
    periodic.every(3600.0, "operations.prune", sweep.prune)
