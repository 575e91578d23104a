"""Rows of keys: each wrapped, so that the database alone opens nothing."""

from django.db import models

from common.clock import now
from common.ids import new_id


class Key(models.Model):
    """A data key. `wrapped` is the key under the key-encryption key whose fingerprint is `wrapped_under`."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    purpose = models.CharField(max_length=32)
    project_id = models.CharField(max_length=64, null=True)
    wrapped = models.TextField()
    wrapped_under = models.CharField(max_length=16)
    made_under = models.CharField(max_length=16)  # the same of the time when it was made
    is_active = models.BooleanField(default=False)  # columns of its purpose are encrypted with it
    created_at = models.DateTimeField(default=now)
    retired_at = models.DateTimeField(null=True)  # since then it only decrypts

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["purpose"], condition=models.Q(is_active=True), name="one_active_key"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"
