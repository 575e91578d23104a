"""Rows of the outbox, and how far each reader has come."""

from django.db import models

from common.clock import now


class Event(models.Model):
    """One object that changed in one transaction. Numbers rise in the order of the commits."""

    number = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=now)
    kind = models.CharField(max_length=32)
    object_id = models.CharField(max_length=255)
    project_id = models.CharField(max_length=64, default="", blank=True)
    what = models.CharField(max_length=32)  # create | update | delete | a verb
    before = models.CharField(max_length=32, default="", blank=True)  # states, of kinds that have some
    after = models.CharField(max_length=32, default="", blank=True)
    user_id = models.CharField(max_length=64, default="", blank=True)
    request_id = models.CharField(max_length=64, default="", blank=True)

    def __str__(self) -> str:
        return f"{self.number} {self.kind}:{self.object_id} {self.what}"


class Place(models.Model):
    """How far a reader has read."""

    reader = models.CharField(primary_key=True, max_length=64)
    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.reader} {self.number}"
