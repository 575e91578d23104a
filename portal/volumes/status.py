"""Status words of volumes and of their snapshots."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.ui import Text
from portal.ui.status import Status
from volumes.snapshots.models import Snapshot
from volumes.volumes.models import Volume

STATES: dict[str, tuple[str, Text]] = {
    "creating": ("busy", _("Creating")),
    "available": ("ok", pgettext_lazy("volume", "Available")),
    "reserved": ("busy", _("Reserved")),
    "attaching": ("busy", _("Attaching")),
    "in-use": ("ok", _("In use")),
    "detaching": ("busy", _("Detaching")),
    "extending": ("busy", _("Extending")),
    "reverting": ("busy", _("Reverting")),
    "uploading": ("busy", _("Uploading")),
    "deleting": ("busy", _("Deleting")),
    "error": ("bad", _("Error")),
    "error_deleting": ("bad", _("Not deleted")),
    "error_extending": ("bad", _("Not extended")),
}


def of(row: Volume | Snapshot) -> Status:
    kind, word = STATES[row.status]
    return Status(kind, word, row.status, note=row.fault_message)
