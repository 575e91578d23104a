"""Rows of placement. A host is one resource provider; its id never changes while the host exists."""

from django.db import models

from common.clock import now
from common.ids import new_id

LARGEST_CAPACITY = 2**53


class ResourceProvider(models.Model):
    """Something that has resources, perhaps a part of another (`parent`). `generation` rises with each change of its inventory or allocations."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    name = models.CharField(max_length=200, unique=True)
    generation = models.IntegerField(default=0)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.name


class Inventory(models.Model):
    """How much of one resource class a provider has.

    Its capacity is ``(total - reserved) * allocation_ratio``, in the class's own unit (MiB, GiB, count).
    """

    provider = models.ForeignKey(ResourceProvider, on_delete=models.CASCADE, related_name="inventories")
    resource_class = models.CharField(max_length=255)
    total = models.BigIntegerField()
    reserved = models.BigIntegerField(default=0)
    min_unit = models.BigIntegerField(default=1)
    max_unit = models.BigIntegerField(default=2147483647)
    step_size = models.BigIntegerField(default=1)
    allocation_ratio = models.FloatField(default=1.0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("provider", "resource_class"), name="one_inventory_a_class")]

    @property
    def capacity(self) -> int:
        return capacity(self.total, self.reserved, self.allocation_ratio)


def capacity(total: int, reserved: int, ratio: float) -> int:
    """How much of a class may be allocated; at most what JSON's readers count exactly."""
    return int(min((total - reserved) * ratio, LARGEST_CAPACITY))


class Consumer(models.Model):
    """The holder of allocations: a server, by its id."""

    id = models.CharField(primary_key=True, max_length=36)
    project_id = models.CharField(max_length=64)
    user_id = models.CharField(max_length=64, default="")
    type = models.CharField(max_length=64, default="INSTANCE")
    generation = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=now)


class Allocation(models.Model):
    """An amount of one class, of one provider, that one consumer holds."""

    provider = models.ForeignKey(ResourceProvider, on_delete=models.PROTECT, related_name="allocations")
    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="allocations")
    resource_class = models.CharField(max_length=255)
    used = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("provider", "consumer", "resource_class"), name="one_allocation_a_class")
        ]


class Usage(models.Model):
    """The sum of all allocations of one class on one provider, kept by usage.py in the transactions that change them.

    Summing them anew takes 0.25 s at 30,000 servers, under the lock that every boot waits for.
    """

    id = models.BigAutoField(primary_key=True)
    provider = models.ForeignKey(ResourceProvider, on_delete=models.CASCADE, related_name="usages")
    resource_class = models.CharField(max_length=255)
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("provider", "resource_class"), name="one_usage_a_class")]


class ResourceClass(models.Model):
    """A custom resource class that exists. Standard ones are in traits.py."""

    name = models.CharField(primary_key=True, max_length=255)


class Trait(models.Model):
    """A custom trait that exists, whether or not a provider has it. Standard ones are in traits.py."""

    name = models.CharField(primary_key=True, max_length=255)


class ProviderTrait(models.Model):
    """A trait of a provider."""

    provider = models.ForeignKey(ResourceProvider, on_delete=models.CASCADE, related_name="traits")
    name = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("provider", "name"), name="one_trait_a_provider")]


class ProviderAggregate(models.Model):
    """A provider's membership of an aggregate, by the aggregate's uuid."""

    provider = models.ForeignKey(ResourceProvider, on_delete=models.CASCADE, related_name="aggregates")
    aggregate_id = models.CharField(max_length=36)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("provider", "aggregate_id"), name="one_membership_an_aggregate")]
