"""Rows of regions, services and endpoints, and of the filters that hide endpoints from projects."""

from django.db import models

from common.ids import new_hex
from identity.projects.models import Project


class Region(models.Model):
    id = models.CharField(primary_key=True, max_length=255, default=new_hex)
    description = models.TextField(default="", blank=True)
    parent_region = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    extra = models.JSONField(default=dict)


class Service(models.Model):
    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    type = models.CharField(max_length=255)
    name = models.CharField(max_length=255, default="", blank=True)
    description = models.TextField(null=True)
    enabled = models.BooleanField(default=True)
    extra = models.JSONField(default=dict)


class Endpoint(models.Model):
    """`url` may hold $(public_url)s, $(project_id)s, $(tenant_id)s and $(user_id)s."""

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="endpoints")
    region = models.ForeignKey(Region, null=True, on_delete=models.PROTECT, related_name="endpoints")
    interface = models.CharField(max_length=8)
    url = models.TextField()
    enabled = models.BooleanField(default=True)
    extra = models.JSONField(default=dict)


class EndpointGroup(models.Model):
    """Endpoints by a filter (service_id, region_id, interface), given to projects."""

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    name = models.CharField(max_length=255)
    description = models.TextField(null=True)
    filters = models.JSONField(default=dict)
    projects = models.ManyToManyField(Project, related_name="endpoint_groups")


class ProjectEndpoint(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "endpoint"], name="project_endpoint")]
