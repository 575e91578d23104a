"""Status words of images."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.ui import Text
from portal.ui.status import Status

STATES: dict[str, tuple[str, Text]] = {
    "queued": ("busy", _("Queued")), "saving": ("busy", _("Saving")), "uploading": ("busy", _("Uploading")),
    "importing": ("busy", _("Importing")), "active": ("ok", pgettext_lazy("image", "Active")), "deactivated": ("off", _("Deactivated")),
    "killed": ("bad", _("Killed")), "deleted": ("off", _("Deleted")), "pending_delete": ("warn", _("Pending delete")),
}  # fmt: skip


def image(api: str) -> Status:
    kind, word = STATES.get(api, ("off", api))
    return Status(kind, word, api)
