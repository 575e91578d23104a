"""Rows of portal sessions, and of tries to sign in as nobody known."""

from typing import Any

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from common.clock import now
from identity.users.models import User


class PortalSession(AbstractBaseSession):
    """`expire_date` is when it ends if nothing more comes: `seen_at` and the idle time, never after `ends_at`.

    Without a user it holds a sign-in that is under way.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="portal_sessions")
    opened_at = models.DateTimeField(default=now)
    seen_at = models.DateTimeField(default=now)
    ends_at = models.DateTimeField(default=now)
    address = models.CharField(max_length=45, default="", blank=True)
    agent = models.CharField(max_length=255, default="", blank=True)

    @classmethod
    def get_session_store_class(cls) -> Any:
        from identity.signins.store import SessionStore

        return SessionStore


class FailedSignIn(models.Model):
    """Failed tries in a row for a name that nobody has, so that it answers as a known one does.

    `key` is a keyed hash of domain and name: what people mistype is not kept.
    """

    key = models.CharField(primary_key=True, max_length=64)
    failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(default=now, db_index=True)
