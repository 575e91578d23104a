"""Rows of the outbox, and how far each reader has come."""

from django.db import models

from common.clock import now

OPERATORS = "admin"  # the room that hears of everything


def project_room(project_id: str) -> str:
    """Name the room of a project's people: what its sockets are asked for by."""
    return f"project.{project_id}"


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
    rooms = models.TextField(
        default="", blank=True
    )  # who hears of it besides project and operators, separated by spaces

    def __str__(self) -> str:
        return f"{self.number} {self.kind}:{self.object_id} {self.what}"

    def heard_by(self) -> set[str]:
        """Return the rooms that hear of it."""
        own = [project_room(self.project_id)] if self.project_id else []
        return {OPERATORS, *own, *self.rooms.split()}

    def is_of_a_project(self) -> bool:
        """Say whether it is of a project's object, of none that belongs to the cloud."""
        return bool(self.project_id) or any(room.startswith(project_room("")) for room in self.rooms.split())


class Place(models.Model):
    """How far a reader has read."""

    reader = models.CharField(primary_key=True, max_length=64)
    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.reader} {self.number}"
