"""What bounds the tables of durable work."""

from common.ceilings import elsewhere
from operations.models import Hold, Operation, OperationStep, Schedule, Subscription


def register() -> None:
    elsewhere(Operation, "operations.recovery.prune")
    elsewhere(Schedule, "one a periodic task, and what the quota of the thing that is scheduled allows")
    for model in (OperationStep, Hold, Subscription):
        elsewhere(model, "what the flow of one operation has: its steps, its subjects, what it waits for")
