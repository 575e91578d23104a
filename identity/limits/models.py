"""Rows of unified limits. A limit of -1 means: without limit."""

from django.db import models

from common.ids import new_hex
from identity.catalogs.models import Region, Service
from identity.projects.models import Project


class RegisteredLimit(models.Model):
    """The default of a resource of a service, for every project that has none of its own."""

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="+")
    region = models.ForeignKey(Region, null=True, on_delete=models.CASCADE, related_name="+")
    resource_name = models.CharField(max_length=255)
    default_limit = models.IntegerField()
    description = models.TextField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service", "region", "resource_name"], name="registered_limit"),
            models.UniqueConstraint(
                fields=["service", "resource_name"], condition=models.Q(region=None), name="registered_limit_no_region"
            ),
        ]


class Limit(models.Model):
    """A project's (or domain's) own limit in place of the default."""

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    registered_limit = models.ForeignKey(RegisteredLimit, on_delete=models.PROTECT, related_name="limits")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="+")
    domain = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="+")
    resource_limit = models.IntegerField()
    description = models.TextField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["registered_limit", "project"], condition=models.Q(domain=None), name="limit_project"
            ),
            models.UniqueConstraint(
                fields=["registered_limit", "domain"], condition=models.Q(project=None), name="limit_domain"
            ),
        ]
