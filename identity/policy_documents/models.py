"""Rows of policy blobs; kept for clients, the cloud itself decides by `authorization.policy`."""

from django.db import models

from common.ids import new_hex
from identity.catalogs.models import Endpoint, Region, Service


class Policy(models.Model):
    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    type = models.CharField(max_length=255)
    blob = models.TextField()
    extra = models.JSONField(default=dict)


class PolicyAssociation(models.Model):
    """A policy on one endpoint, one service, or one service in one region."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="associations")
    endpoint = models.ForeignKey(Endpoint, null=True, on_delete=models.CASCADE, related_name="+")
    service = models.ForeignKey(Service, null=True, on_delete=models.CASCADE, related_name="+")
    region = models.ForeignKey(Region, null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint"], condition=~models.Q(endpoint=None), name="policy_endpoint"),
            models.UniqueConstraint(
                fields=["service", "region"], condition=~models.Q(region=None), name="policy_service_region"
            ),
            models.UniqueConstraint(
                fields=["service"], condition=models.Q(region=None) & ~models.Q(service=None), name="policy_service"
            ),
        ]
