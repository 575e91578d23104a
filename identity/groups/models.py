"""Rows of groups."""

from django.db import models

from common.ids import new_hex
from identity.projects.models import Project


class Group(models.Model):
    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    domain = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=64)
    description = models.TextField(default="", blank=True)
    extra = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "name"], name="group_name_in_domain")]

    def __str__(self) -> str:
        return self.name
