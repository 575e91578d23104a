"""The password that a guest makes for its administrator and posts, encrypted to the server's key."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Conflict, Invalid
from compute.servers.lifecycle import services
from compute.servers.models import Server

#: Nova keeps four pieces of 255 bytes.
LARGEST = 1020


class PasswordIsSet(Conflict):
    template = _("The password is set already; clear it first.")


class PasswordRefused(Invalid):
    template = _("The password must be text of at most %(largest)s bytes.")


@transaction.atomic
def keep(server_id: str, body: bytes) -> None:
    """Keep what a guest posts, once. Raises: PasswordIsSet, PasswordRefused."""
    if Server.objects.locked().find(server_id).guest_password:
        raise PasswordIsSet()
    if len(body) > LARGEST or not body.isascii() or b"\0" in body:
        raise PasswordRefused(largest=LARGEST)
    Server.objects.filter(id=server_id).update(guest_password=body.decode("ascii"))


def clear(actor: RequestContext, server_id: str) -> None:
    """Clear the password that a guest has posted, so that it may post another. Raises: ServerNotFound, Forbidden."""
    server = services.find(actor, server_id, "os_compute_api:os-server-password:clear")
    Server.objects.filter(id=server.id).update(guest_password="")
