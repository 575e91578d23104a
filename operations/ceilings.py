"""What bounds the tables of durable work."""

from common.ceilings import elsewhere
from operations.models import Hold, Operation, OperationStep, Subscription


def register() -> None:
    elsewhere(Operation, "operations.recovery.prune")
    for model in (OperationStep, Hold, Subscription):
        elsewhere(model, "what the flow of one operation has: its steps, its subjects, what it waits for")
