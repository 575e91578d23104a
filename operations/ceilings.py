"""What bounds the tables of durable work."""

from common.ceilings import elsewhere
from operations.models import Hold, Operation, OperationStep, Schedule, Subscription


def register() -> None:
    elsewhere(Operation, "operations.recovery.prune")
    elsewhere(Schedule, "one a periodic task")
    for model in (OperationStep, Hold, Subscription):
        elsewhere(model, "what the flow of one operation has: its steps, its subjects, what it waits for")
