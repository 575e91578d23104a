"""Limits on the rows of placement's tables."""

from django.db.models import Model

from common.ceilings import elsewhere
from placement import models


def register() -> None:
    elsewhere(models.Consumer, "the quota of servers: one row a server")
    elsewhere(models.Allocation, "the quota of servers: one row a server and resource class")
    made_by_hosts: tuple[type[Model], ...] = (
        models.Inventory,
        models.Usage,
        models.ResourceClass,
        models.Trait,
        models.ProviderTrait,
        models.ProviderAggregate,
    )
    for model in made_by_hosts:
        elsewhere(model, "rows that only hosts and operators make")
