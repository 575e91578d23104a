"""Rows of tasks."""

from django.db import models

from common.clock import now
from common.errors import sentence
from common.ids import new_id
from images.tasks import states


class Task(models.Model):
    """One import. Kept for two days after its end."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    type = models.CharField(max_length=30, default="api_image_import")
    status = models.CharField(max_length=20, default=states.PENDING)
    project_id = models.CharField(max_length=64, null=True, db_index=True)
    image_id = models.CharField(max_length=36, db_index=True)
    user_id = models.CharField(max_length=64, default="")
    request_id = models.CharField(max_length=64, default="")
    input = models.JSONField(default=dict)
    result = models.JSONField(null=True)
    message = models.TextField(default="")  # why it failed, in English
    error_code = models.CharField(max_length=64, default="")  # the same, for a reader's language
    error_data = models.JSONField(default=dict)
    announced = models.BigIntegerField(null=True)  # bytes that the source said it has
    arrived = models.BigIntegerField(default=0)  # bytes read so far
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.type} {self.id} ({self.status})"

    @property
    def why(self) -> str:
        """Why it failed, in the reader's language."""
        return sentence(self.error_code, self.error_data) if self.error_code else self.message
