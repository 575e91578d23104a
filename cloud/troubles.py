"""Checks of backups and of the policy file for `manage.py doctor`."""

from django.conf import settings
from django.utils.translation import gettext as _

from authorization import rules
from cloud.backup import turn
from common import troubles
from common.troubles import Trouble


def register() -> None:
    troubles.register(_backups)
    troubles.register(_policy)


def _backups() -> list[Trouble]:
    """Report the nightly backup if the last one failed or is older than two days."""
    what, detail = turn.trouble()
    if what == "failed":
        text = _("The last backup to %(to)s failed: %(why)s") % {"to": settings.BACKUP_TO, "why": detail}
    elif what:
        text = _("There is no backup of the last two days in %(to)s: `manage.py cloud_backup` makes one.")
        text %= {"to": settings.BACKUP_TO}
    else:
        return []
    return [Trouble("backup", settings.BACKUP_TO, text)]


def _policy() -> list[Trouble]:
    """Report a policy file that is not in force as it is written."""
    why = rules.trouble()
    text = _("The policy file %(file)s has a fault. A process that begins now logs: %(why)s")
    return (
        [Trouble("policy", str(settings.POLICY_FILE), text % {"file": settings.POLICY_FILE, "why": why})] if why else []
    )
