"""Rows of trusts."""

from django.db import models

from common.clock import now
from common.ids import new_hex
from identity.projects.models import Project
from identity.roles.models import Role
from identity.users.models import User


class Trust(models.Model):
    """`trustee` may act with `roles` on `project` as `trustor` (impersonation) or as themselves.

    `remaining_uses` None: without limit. `deleted_at` keeps a deleted trust for its history.
    """

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    trustor = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    trustee = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="+")
    impersonation = models.BooleanField()
    expires_at = models.DateTimeField(null=True)
    remaining_uses = models.PositiveIntegerField(null=True)
    redelegated_trust = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="redelegations")
    redelegation_count = models.PositiveIntegerField(default=0)
    roles = models.ManyToManyField(Role, related_name="+")
    created_at = models.DateTimeField(default=now)
    deleted_at = models.DateTimeField(null=True)
    extra = models.JSONField(default=dict)
