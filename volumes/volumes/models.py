"""Rows of volumes."""

from django.db import models
from django.db.models import Q

from authorization.owned import OwnedQuerySet
from common.clock import now
from common.errors import CloudError
from common.ids import new_id
from operations.subject import HostSubject, Verb, Why
from volumes.backends.models import pool_name
from volumes.types.models import VolumeType
from volumes.volumes import states
from volumes.volumes.errors import WrongVolumeStatus


class Volume(HostSubject, models.Model):
    """A disk. It lies in the backend `backend` of the host `host`, both "" while none is chosen."""

    lifecycle = states.LIFECYCLE

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    project_id = models.CharField(max_length=64)
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, null=True, default=None)
    description = models.CharField(max_length=255, null=True, default=None)
    size = models.PositiveIntegerField()  # GiB
    status = models.CharField(max_length=30, default=states.CREATING)
    type = models.ForeignKey(VolumeType, null=True, on_delete=models.PROTECT, related_name="volumes")
    availability_zone = models.CharField(max_length=255, default="")
    bootable = models.BooleanField(default=False)
    read_only = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict)
    image_metadata = models.JSONField(default=dict)  # of the image that it was made of: what is known of it later
    scheduler_hints = models.JSONField(default=dict)
    # What it was made of, each None where it was not; ids of things that may be gone.
    image_id = models.CharField(max_length=36, null=True, default=None)
    snapshot_id = models.CharField(max_length=36, null=True, default=None)
    source_volume_id = models.CharField(max_length=36, null=True, default=None)
    host = models.CharField(max_length=64, default="")
    backend = models.CharField(max_length=64, default="")
    generation = models.IntegerField(default=0)
    fault_code = models.CharField(max_length=64, default="")
    fault_data = models.JSONField(default=dict)
    fault_at = models.DateTimeField(null=True, default=None)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)
    launched_at = models.DateTimeField(null=True, default=None)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "-created_at", "id"], name="volumes_of"),
            models.Index(fields=["-created_at", "id"], name="volumes_by_age"),
            models.Index(fields=["host", "backend", "size"], name="volumes_on_backend"),
            models.Index(fields=["project_id", "size"], name="volumes_quota"),
            models.Index(fields=["name", "id", "project_id"], name="volumes_by_name"),
            models.Index(fields=["image_id"], condition=Q(status=states.CREATING), name="volumes_reading"),
        ]

    def __str__(self) -> str:
        return self.name or self.id

    @property
    def pool(self) -> str:
        """Return where it lies, as Cinder writes it: host@backend#pool."""
        return pool_name(self.host, self.backend)

    def refused(self, verb: Verb, why: Why) -> CloudError:
        return WrongVolumeStatus(id=self.id, status=self.status, wanted=" / ".join(sorted(verb.start)))
