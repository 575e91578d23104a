"""What bounds placement's tables."""

from common.ceilings import elsewhere
from placement import models


def register() -> None:
    elsewhere(models.Consumer, "the quota of servers: one row a server")
    elsewhere(models.Allocation, "the quota of servers: one row a server and resource class")
    for model in (models.Inventory, models.Usage, models.ResourceClass, models.Trait):
        elsewhere(model, "rows that only hosts and operators make")
    for model in (models.ProviderTrait, models.ProviderAggregate):
        elsewhere(model, "rows that only hosts and operators make")
