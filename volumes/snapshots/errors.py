"""Errors of snapshots, in Cinder's words."""

from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotFound


class SnapshotNotFound(NotFound):
    template = _("Snapshot %(id)s could not be found.")


class WrongSnapshotStatus(Invalid):
    wire_type = "InvalidSnapshot"
    template = _("Invalid snapshot: snapshot %(id)s is %(status)s, and this is done with one that is %(wanted)s.")


class NotNewestSnapshot(Invalid):
    wire_type = "InvalidSnapshot"
    template = _("Invalid snapshot: volume %(volume)s goes back to its newest snapshot alone, which is %(newest)s.")
