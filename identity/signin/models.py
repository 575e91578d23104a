"""Rows of portal sessions, and of failed attempts to sign in."""

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from common.clock import now
from identity.users.models import User


class PortalSession(AbstractBaseSession):
    """A session of the portal; `signin.store` reads and writes its data.

    `expire_date` is when it ends if nothing more comes: `seen_at` and the idle time, never after `ends_at`.

    Without a user it holds a sign-in that is under way.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="portal_sessions")
    opened_at = models.DateTimeField(default=now)
    seen_at = models.DateTimeField(default=now)
    ends_at = models.DateTimeField(default=now)
    address = models.CharField(max_length=45, default="", blank=True)
    agent = models.CharField(max_length=255, default="", blank=True)


class FailedTry(models.Model):
    """Failed attempts in a row at one thing from one source, or of one source at everything (identity.auth.attempts).

    `key` is a keyed hash: what people mistype is not kept. `pauses` is how often a pause began. Rows go an hour or two days
    after the last attempt.
    """

    key = models.CharField(primary_key=True, max_length=64)
    failures = models.PositiveIntegerField(default=0)
    pauses = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(default=now, db_index=True)
