"""Rows of federation: who vouches for users, and how their words become ours."""

from django.db import models

from common.ids import new_hex
from identity.projects.models import Project


class IdentityProvider(models.Model):
    id = models.CharField(primary_key=True, max_length=64)
    domain = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    enabled = models.BooleanField(default=False)
    description = models.TextField(null=True)
    authorization_ttl = models.IntegerField(null=True)


class RemoteId(models.Model):
    id = models.CharField(primary_key=True, max_length=255)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="remote_ids")


class Mapping(models.Model):
    id = models.CharField(primary_key=True, max_length=64)
    rules = models.JSONField()
    schema_version = models.CharField(max_length=5, default="1.0")


class Protocol(models.Model):
    key = models.CharField(primary_key=True, max_length=32, default=new_hex)
    id = models.CharField(max_length=64)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="protocols")
    mapping = models.ForeignKey(Mapping, on_delete=models.PROTECT, related_name="+")
    remote_id_attribute = models.CharField(max_length=64, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "id"], name="protocol")]


class ServiceProvider(models.Model):
    id = models.CharField(primary_key=True, max_length=64)
    auth_url = models.CharField(max_length=256)
    sp_url = models.CharField(max_length=256)
    enabled = models.BooleanField(default=False)
    description = models.TextField(null=True)
    relay_state_prefix = models.CharField(max_length=256, default="ss:mem:")
