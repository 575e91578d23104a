"""Rows of snapshots."""

from django.db import models

from authorization.owned import OwnedQuerySet
from common.clock import now
from common.errors import CloudError
from common.ids import new_id
from operations.subject import HostSubject, Verb, Why
from volumes.snapshots import states
from volumes.snapshots.errors import WrongSnapshotStatus
from volumes.volumes.models import Volume


class Snapshot(HostSubject, models.Model):
    """A volume as it was. It lies with its volume."""

    lifecycle = states.LIFECYCLE

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    project_id = models.CharField(max_length=64)
    user_id = models.CharField(max_length=64)
    volume = models.ForeignKey(Volume, on_delete=models.PROTECT, related_name="snapshots")
    name = models.CharField(max_length=255, null=True, default=None)
    description = models.CharField(max_length=255, null=True, default=None)
    size = models.PositiveIntegerField()  # GiB: the volume's when it was made
    status = models.CharField(max_length=30, default=states.CREATING)
    metadata = models.JSONField(default=dict)
    generation = models.IntegerField(default=0)
    fault_code = models.CharField(max_length=64, default="")
    fault_data = models.JSONField(default=dict)
    fault_at = models.DateTimeField(null=True, default=None)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "-created_at", "id"], name="snapshots_of"),
            models.Index(fields=["-created_at", "id"], name="snapshots_by_age"),
            models.Index(fields=["project_id", "size"], name="snapshots_quota"),
        ]

    def __str__(self) -> str:
        return self.name or self.id

    @property
    def host(self) -> str:  # type: ignore[override]
        """The host of its volume."""
        return self.volume.host

    def refused(self, verb: Verb, why: Why) -> CloudError:
        return WrongSnapshotStatus(id=self.id, status=self.status, wanted=" / ".join(sorted(verb.start)))
