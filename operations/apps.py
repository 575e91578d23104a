from django.apps import AppConfig


class Config(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from cloud import beat
        from cloud.backup import nightly as backup
        from common.ceilings import elsewhere
        from operations import background, broker_memory, nightly, sweep
        from operations.models import Hold, Operation, OperationStep, Waiter

        elsewhere(Operation, "operations.sweep.prune")
        for model in (OperationStep, Hold, Waiter):
            elsewhere(model, "what the flow of one operation has: its steps, its subjects, what it waits for")
        beat.every(1.0, "operations", sweep.sweep, urgent=True)
        background.register(nightly.KIND, nightly.purge, pool="bulk")
        background.register(backup.KIND, backup.run, pool="bulk")
        beat.every(nightly.EVERY, "operations.nightly", nightly.look)
        beat.every(3600.0, "backup", backup.look)
        beat.every(broker_memory.EVERY, "operations.broker_memory", broker_memory.look)
        beat.every(3600.0, "operations.prune", sweep.prune)
