"""Rows of volume types, and which projects may use one that is not public."""

from django.db import models
from django.db.models import Q

from authorization.context import RequestContext
from common.clock import now
from common.ids import new_id


class TypeQuerySet(models.QuerySet["VolumeType"]):
    def visible_to(self, actor: RequestContext) -> "TypeQuerySet":
        """Filter to public types and those that the actor's project was given; an operator sees all."""
        if actor.is_admin:
            return self
        return self.filter(Q(is_public=True) | Q(access__project_id=actor.project_id or "")).distinct()


class VolumeType(models.Model):
    """A kind of volumes. `extra_specs` are compared with what backends can (volumes.scheduling)."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=255, null=True, default=None)
    is_public = models.BooleanField(default=True)
    extra_specs = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(null=True, default=None)

    objects = TypeQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class TypeAccess(models.Model):
    """A project that may use a type that is not public."""

    type = models.ForeignKey(VolumeType, on_delete=models.CASCADE, related_name="access")
    project_id = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["type", "project_id"], name="volume_type_access_once")]

    def __str__(self) -> str:
        return f"{self.project_id}: {self.type_id}"
