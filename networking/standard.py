"""Attributes of every resource of the network service: id, project, name, description, tags, times, revision."""

from collections.abc import Iterable, Sequence

from django.db import models
from django.db.models import F

from common.clock import now
from common.ids import new_id
from openstackapi.fields import Field, iso_z

NAME = {"type": "string", "maxLength": 255}

#: Wire name → column of what any of them may be filtered and sorted by.
ZONES = {"type": "array", "items": {"type": "string", "maxLength": 255}, "maxItems": 10}
STANDARD_COLUMNS = {
    "id": "id",
    "tenant_id": "project_id",
    "project_id": "project_id",
    "description": "description",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "revision_number": "revision_number",
}


class StandardAttributes(models.Model):
    """The columns Neutron calls standard attributes. `revision_number` grows by one with each change."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    project_id = models.CharField(max_length=64, db_index=True, blank=True)
    name = models.CharField(max_length=255, blank=True, default="")
    description = models.CharField(max_length=255, blank=True, default="")
    revision_number = models.BigIntegerField(default=1)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name or type(self).__name__} {self.id}"

    def save_changes(self, changes: dict[str, object]) -> None:
        """Write the given columns and count one revision."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.updated_at = now()
        self.revision_number += 1
        names = list(changes)
        self.save(update_fields=[*names, "updated_at", "revision_number"])


def count_revision(model: type[StandardAttributes], ids: Iterable[str]) -> None:
    """Count one revision on rows whose relatives changed (a port's groups, a group's rules, a tag)."""
    model._default_manager.filter(pk__in=list(ids)).update(revision_number=F("revision_number") + 1, updated_at=now())


class Tag(models.Model):
    """One tag on one resource. `kind` is the plural in the URL, e.g. ``networks``."""

    kind = models.CharField(max_length=32)
    resource_id = models.CharField(max_length=36)
    tag = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("resource_id", "tag"), name="network_tag_once")]
        indexes = [models.Index(fields=("kind", "tag"), name="network_tag_find")]

    def __str__(self) -> str:
        return f"{self.kind}/{self.resource_id}: {self.tag}"


def tags_of(ids: Iterable[str]) -> dict[str, list[str]]:
    """{resource id: its tags, sorted} in one query."""
    found: dict[str, list[str]] = {}
    rows = Tag.objects.filter(resource_id__in=list(ids)).order_by("tag").values_list("resource_id", "tag")
    for resource_id, tag in rows:
        found.setdefault(resource_id, []).append(tag)
    return found


def standard_fields() -> list[Field]:
    """List the attributes every resource ends with."""
    return [
        Field("tags", type="array", items="string"),
        Field("created_at"),
        Field("updated_at"),
        Field("revision_number", type="integer"),
        Field("project_id", create=True),
    ]


def standard_values(row: StandardAttributes, tags: Sequence[str]) -> dict[str, object]:
    """Build a row's standard attributes on the wire; its name is not among them, for floating IPs and rules have none."""
    return {
        "id": row.id,
        "tenant_id": row.project_id,
        "project_id": row.project_id,
        "description": row.description,
        "tags": tags,
        "created_at": iso_z(row.created_at),
        "updated_at": iso_z(row.updated_at),
        "revision_number": row.revision_number,
    }
