"""What bounds the tables of durable work."""

from common.ceilings import elsewhere
from operations.models import Hold, Operation, OperationStep, Waiter


def register() -> None:
    elsewhere(Operation, "operations.sweep.prune")
    for model in (OperationStep, Hold, Waiter):
        elsewhere(model, "what the flow of one operation has: its steps, its subjects, what it waits for")
