"""Rows of roles. Each role owns exactly one Django permission, which guardian's assignment rows name."""

from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models

from common.ids import new_hex
from identity.projects.models import Project


class Role(models.Model):
    """A role. One with a domain never appears in a token; only the global roles it implies do."""

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    name = models.CharField(max_length=255)
    domain = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="+")
    description = models.TextField(null=True)
    options = models.JSONField(default=dict)
    extra = models.JSONField(default=dict)
    permission = models.OneToOneField(Permission, on_delete=models.CASCADE, related_name="role")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["domain", "name"], name="role_name_in_domain"),
            models.UniqueConstraint(fields=["name"], condition=models.Q(domain=None), name="role_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.permission_id is None:
            kind = ContentType.objects.get_for_model(Role)
            self.permission = Permission.objects.create(content_type=kind, codename=self.id, name=f"role {self.id}")
        super().save(*args, **kwargs)


class ImpliedRole(models.Model):
    """Whoever has `prior` has `implied` too."""

    prior = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="implies")
    implied = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="implied_by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prior", "implied"], name="implied_role")]
