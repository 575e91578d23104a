"""Rows of host aggregates."""

from django.db import models

from common.clock import now
from common.ids import new_id


class Aggregate(models.Model):
    """A named set of hosts with metadata; the key `availability_zone` makes it a zone."""

    id = models.AutoField(primary_key=True)
    uuid = models.CharField(max_length=36, unique=True, default=new_id)
    name = models.CharField(max_length=255, unique=True)
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(null=True, default=None)


class AggregateHost(models.Model):
    """A host in an aggregate, by its name."""

    aggregate = models.ForeignKey(Aggregate, on_delete=models.CASCADE, related_name="hosts")
    host = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("aggregate", "host"), name="one_place_in_an_aggregate")]
