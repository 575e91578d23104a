"""Rows of application credentials: a secret with a part of a user's roles on one project."""

from django.db import models

from common.clock import now
from common.ids import new_hex
from identity.projects.models import Project
from identity.roles.models import Role
from identity.users.models import User


class AccessRule(models.Model):
    """One request that an application credential may make: service type, path pattern, method."""

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_rules")
    service = models.CharField(max_length=64)
    path = models.CharField(max_length=128)
    method = models.CharField(max_length=16)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "service", "path", "method"], name="access_rule")]


class ApplicationCredential(models.Model):
    """`secret` is an HMAC with the cloud's key of a random one, a slow hash of one that a user chose."""

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    name = models.CharField(max_length=255)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="application_credentials")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="+")
    secret = models.CharField(max_length=255)
    description = models.TextField(null=True)
    unrestricted = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)
    roles = models.ManyToManyField(Role, related_name="+")
    access_rules = models.ManyToManyField(AccessRule, related_name="application_credentials")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="application_credential_name")]
