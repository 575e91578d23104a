"""Status words of instances and of their verbs."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from compute.servers.lifecycle import states
from portal.ui import Text
from portal.ui.status import Status

STATES: dict[str, tuple[str, Text]] = {
    "ACTIVE": ("ok", _("Active")), "BUILD": ("busy", _("Building")), "SHUTOFF": ("off", _("Shut off")),
    "PAUSED": ("warn", _("Paused")), "SUSPENDED": ("off", _("Suspended")), "RESCUE": ("warn", _("Rescued")),
    "VERIFY_RESIZE": ("warn", _("Confirm resize")), "SHELVED": ("off", _("Shelved")),
    "SHELVED_OFFLOADED": ("off", _("Shelved")), "ERROR": ("bad", _("Error")), "DELETED": ("off", _("Deleted")),
}  # fmt: skip

#: task_state → the verb in progress.
BUSY: dict[str, Text] = {
    "scheduling": _("Building"), "networking": _("Building"), "block_device_mapping": _("Building"),
    "spawning": _("Building"), "powering-on": _("Starting"), "powering-off": _("Stopping"),
    "rebooting": _("Rebooting"), "rebooting_hard": _("Rebooting"), "pausing": _("Pausing"),
    "unpausing": _("Resuming"), "suspending": _("Suspending"), "resuming": _("Resuming"),
    "rebuilding": _("Rebuilding"), "resize_prep": _("Resizing"), "resize_migrating": _("Resizing"),
    "resize_finish": _("Resizing"), "resize_reverting": _("Reverting"), "migrating": _("Migrating"),
    "image_snapshot": _("Snapshotting"), "image_backup": _("Snapshotting"), "image_uploading": _("Snapshotting"), "rescuing": _("Rescuing"),
    "unrescuing": _("Leaving rescue"), "shelving": _("Shelving"), "shelving_offloading": _("Shelving"),
    "unshelving": _("Unshelving"), "deleting": _("Deleting"),
}  # fmt: skip

#: Nova's number of a power state → its word.
POWER: dict[int, Text] = {
    states.NOSTATE: _("No state"), states.RUNNING: _("Running"), states.POWER_PAUSED: _("Paused"), states.SHUTDOWN: _("Shut down"),
    states.CRASHED: _("Crashed"), states.POWER_SUSPENDED: _("Suspended"),
}  # fmt: skip

#: action of an operation → (in progress, done, failed).
VERBS: dict[str, tuple[Text, Text, Text]] = {
    "create": (_("Launching"), _("Launched"), _("Launch failed")),
    "start": (_("Starting"), _("Started"), _("Start failed")),
    "stop": (_("Stopping"), _("Stopped"), _("Stop failed")),
    "reboot": (_("Rebooting"), _("Rebooted"), _("Reboot failed")),
    "pause": (_("Pausing"), _("Paused"), _("Pause failed")),
    "unpause": (_("Resuming"), _("Resumed"), _("Resume failed")),
    "suspend": (_("Suspending"), _("Suspended"), _("Suspend failed")),
    "resume": (_("Resuming"), _("Resumed"), _("Resume failed")),
    "rebuild": (_("Rebuilding"), _("Rebuilt"), _("Rebuild failed")),
    "resize": (_("Resizing"), _("Resized"), _("Resize failed")),
    "migrate": (_("Migrating"), _("Migrated"), _("Migration failed")),
    "confirmResize": (_("Confirming resize"), _("Resize confirmed"), _("Confirming failed")),
    "revertResize": (_("Reverting resize"), _("Resize reverted"), _("Reverting failed")),
    "createImage": (_("Taking snapshot"), _("Snapshot taken"), _("Snapshot failed")),
    "createBackup": (_("Taking backup"), _("Backup taken"), _("Backup failed")),
    "attach_interface": (_("Attaching interface"), _("Interface attached"), _("Attaching failed")),
    "detach_interface": (_("Detaching interface"), _("Interface detached"), _("Detaching failed")),
    "shelve": (_("Shelving"), _("Shelved"), _("Shelving failed")),
    "unshelve": (_("Unshelving"), _("Unshelved"), _("Unshelving failed")),
    "rescue": (_("Rescuing"), _("Rescued"), _("Rescue failed")),
    "unrescue": (_("Leaving rescue"), _("Rescue ended"), _("Leaving rescue failed")),
    "delete": (_("Deleting"), _("Deleted"), _("Delete failed")),
}


def server(api: str, task: str | None, *, note: Text = "", since: datetime | None = None) -> Status:
    """Busy wins: while a task runs, its verb is the word."""
    if task:
        return Status("busy", BUSY.get(task, task), api, note, since)
    kind, word = STATES.get(api, ("busy" if api not in STATES else "ok", api.capitalize()))
    return Status(kind, word, api, note, None if kind != "busy" else since)
