"""Rows of attachments."""

from django.db import models

from common.clock import now
from common.ids import new_id
from volumes.attachments import states
from volumes.volumes.models import Volume


class Attachment(models.Model):
    """A volume that a server has, or is to get. `device`: where the guest was asked to see it, which is no promise."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    volume = models.ForeignKey(Volume, on_delete=models.PROTECT, related_name="attachments")
    project_id = models.CharField(max_length=64)
    server_id = models.CharField(max_length=36, db_index=True)
    host = models.CharField(max_length=64, default="")  # that of the server
    device = models.CharField(max_length=255, default="")
    # Where it lies on another host than the server: how that one gives it out (hostagent.contract.volume.Exported), and to whom.
    export = models.JSONField(default=dict)
    encrypted_password = models.TextField(blank=True, default="", verbose_name="password")
    mode = models.CharField(max_length=2, default="rw")
    status = models.CharField(max_length=16, default=states.RESERVED)
    created_at = models.DateTimeField(default=now)
    attached_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["volume", "server_id"], name="volume_attached_once")]

    def __str__(self) -> str:
        return f"{self.volume_id} {self.status} {self.server_id}"

    @property
    def is_far(self) -> bool:
        """Whether the volume is, or may be, given out to another host for it."""
        return bool(self.encrypted_password)
