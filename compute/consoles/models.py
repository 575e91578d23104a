"""Rows of consoles: tickets, each of which opens one console once, and links that hand out tickets to look on."""

import hashlib
import hmac
from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.clock import now
from common.ids import new_id
from compute.servers.models import Server

KINDS = ("vnc", "serial")
#: From making a ticket to opening the console with it.
LIFE = timedelta(seconds=60)
#: A console that is open says so each minute; one that did not for so long is over.
QUIET = timedelta(seconds=150)


def digest(secret: str) -> str:
    """SHA-256 of a ticket, a link's secret or a browser's cookie, in hex: only this is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_same(kept: str, secret: str) -> bool:
    return bool(kept) and hmac.compare_digest(kept, digest(secret))


def _in_a_minute() -> object:
    return now() + LIFE


class ConsoleLink(models.Model):
    """A link that shows a server's consoles to whoever has it, to look on only, until its end. Deleting it ends it.

    `who` is the one who made it (watch.who): the link lasts no longer than their right to open the console.
    """

    id = models.CharField(primary_key=True, max_length=36, default=new_id)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="console_links")
    secret = models.CharField(max_length=64, unique=True)
    user_id = models.CharField(max_length=64)
    who = models.JSONField()
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = _("links to look on")


class ConsoleTicket(models.Model):
    """One opening of one console. The key is the ticket's digest: who reads the row cannot open anything by it.

    `cookie`: digest of a cookie that the browser has to show with the ticket, "" for none. `page`: of the one by which the
    page of an API's address asks for the next ticket. `share`: the share's key and the user, where a share allowed it.
    """

    id = models.CharField(primary_key=True, max_length=64)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=6, choices=[(kind, kind) for kind in KINDS])
    user_id = models.CharField(max_length=64)
    who = models.JSONField()
    cookie = models.CharField(max_length=64, default="", blank=True)
    page = models.CharField(max_length=64, default="", blank=True)
    share = models.CharField(max_length=128, default="", blank=True, db_index=True)
    link = models.ForeignKey(ConsoleLink, null=True, on_delete=models.CASCADE, related_name="tickets")
    view_only = models.BooleanField(default=False)
    until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(default=_in_a_minute, db_index=True)
    opened_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(default=now)

    class Meta:
        indexes = [models.Index(fields=["user_id", "link"], name="console_ticket_owner")]
        verbose_name_plural = _("console tickets")

    @property
    def is_fresh(self) -> bool:
        """Whether the ticket is unused and not expired. Rights are checked elsewhere (watch)."""
        return self.opened_at is None and self.expires_at > now()


def end_all(server_id: str) -> None:
    """End all consoles and links of a server."""
    ConsoleTicket.objects.filter(server_id=server_id).delete()
    ConsoleLink.objects.filter(server_id=server_id).delete()
