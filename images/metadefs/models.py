"""Rows of metadata definitions."""

from django.db import models

from common.clock import now

OBJECT = "objects"
PROPERTY = "properties"
TAG = "tags"
RESOURCE_TYPE = "resource_types"


class Namespace(models.Model):
    """A set of definitions under a name that is unique in the cloud."""

    namespace = models.CharField(primary_key=True, max_length=80)
    display_name = models.CharField(max_length=80, null=True)
    description = models.CharField(max_length=500, null=True)
    visibility = models.CharField(max_length=10, default="private")
    protected = models.BooleanField(default=False)
    project_id = models.CharField(max_length=255, default="")  # `owner` on the wire
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.namespace


class Definition(models.Model):
    """One object, property, tag or association of a namespace; `data` is what the wire shows besides its name."""

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="definitions")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "kind", "name"], name="metadef_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
