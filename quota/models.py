"""The row by which takers of one project's quota wait for each other."""

from django.db import models


class QuotaLock(models.Model):
    """One row a project; whoever counts and then adds holds it, so that two cannot both take the last one."""

    project_id = models.CharField(primary_key=True, max_length=64)
    taken = models.BigIntegerField(default=0)

    class Meta:
        app_label = "identity"
