"""Rows of image members."""

from django.db import models

from common.clock import now
from images.members import states


class ImageMember(models.Model):
    """An offer of one image to one project. Only `accepted` ones appear in that project's lists."""

    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="members")
    member_id = models.CharField(max_length=64, db_index=True)  # a project
    status = models.CharField(max_length=10, default=states.PENDING)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["image", "member_id"], name="image_member_once")]

    def __str__(self) -> str:
        return f"{self.member_id} ({self.status})"
