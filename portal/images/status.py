"""Status words of images, and of projects' answers to offers."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from images.members import states as members
from portal.ui import Text
from portal.ui.status import Status

STATES: dict[str, tuple[str, Text]] = {
    "queued": ("busy", _("Queued")), "saving": ("busy", _("Saving")), "uploading": ("busy", _("Uploading")),
    "importing": ("busy", _("Importing")), "active": ("ok", pgettext_lazy("image", "Active")), "deactivated": ("off", _("Deactivated")),
    "killed": ("bad", _("Killed")), "deleted": ("off", _("Deleted")), "pending_delete": ("warn", _("Pending delete")),
}  # fmt: skip
ANSWERS: dict[str, Text] = {
    members.PENDING: _("Not answered"),
    members.ACCEPTED: _("Accepted"),
    members.REJECTED: _("Rejected"),
}


def image(api: str) -> Status:
    kind, word = STATES.get(api, ("off", api))
    return Status(kind, word, api)
