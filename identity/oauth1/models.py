"""Rows of OAuth 1.0a: a consumer asks, a user authorizes, the consumer gets an access token."""

from django.db import models

from common.ids import new_hex
from identity.projects.models import Project
from identity.users.models import User


class Consumer(models.Model):
    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    secret = models.CharField(max_length=64, default=new_hex)
    description = models.TextField(null=True)
    extra = models.JSONField(default=dict)


class RequestToken(models.Model):
    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    secret = models.CharField(max_length=64, default=new_hex)
    verifier = models.CharField(max_length=64, null=True)
    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    role_ids = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True)


class AccessToken(models.Model):
    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    secret = models.CharField(max_length=64, default=new_hex)
    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    role_ids = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True)


class Nonce(models.Model):
    """A request that was seen, so that it cannot be played again."""

    consumer_id = models.CharField(max_length=64)
    nonce = models.CharField(max_length=64)
    timestamp = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer_id", "nonce", "timestamp"], name="oauth1_nonce")]
