"""Which entry of a directory a user or group of ours stands for."""

from django.db import models

from identity.projects.models import Project


class DirectoryId(models.Model):
    """Keystone's identity mapping: `public_id` is the id of our row, `local_id` the entry's id attribute.

    `gone` says that the directory did not have the entry when we last looked. Our row stays, with its roles, and is
    shown to nobody.
    """

    public_id = models.CharField(primary_key=True, max_length=64)
    domain = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    local_id = models.CharField(max_length=255)
    entity_type = models.CharField(max_length=5)  # "user" or "group"
    gone = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "local_id", "entity_type"], name="directory_id")]
