"""Rows of projects. A domain is a project with `is_domain`, as in Keystone, so that one tree holds both."""

from django.db import models

from common.clock import now
from common.ids import new_hex


class ProjectQuerySet(models.QuerySet["Project"]):
    def domains(self) -> "ProjectQuerySet":
        return self.filter(is_domain=True)

    def plain(self) -> "ProjectQuerySet":
        """Projects that are not domains."""
        return self.filter(is_domain=False)


class Project(models.Model):
    """A project, or a domain when `is_domain`. A top-level project's parent is its domain; a domain has neither."""

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    name = models.CharField(max_length=64)
    domain = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="domain_projects")
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    is_domain = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    description = models.TextField(default="", blank=True)
    options = models.JSONField(default=dict)
    extra = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["domain", "name"], name="project_name_in_domain"),
            models.UniqueConstraint(fields=["name"], condition=models.Q(is_domain=True), name="domain_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def project_id(self) -> str:
        """Its own id, so that policy sees a project as its own target."""
        return self.id


class DomainManager(models.Manager["Domain"]):
    def get_queryset(self) -> models.QuerySet["Domain"]:
        return super().get_queryset().filter(is_domain=True)


class Domain(Project):
    """The rows of `Project` that are domains."""

    objects = DomainManager()  # type: ignore[assignment,misc]

    class Meta:
        proxy = True

    def __init__(self, *args: object, **kwargs: object) -> None:
        if kwargs:
            kwargs.setdefault("is_domain", True)
        super().__init__(*args, **kwargs)


class ProjectTag(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="project_tag")]
