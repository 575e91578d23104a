"""Status words: shape, colour and word for what a thing is, or for what is being done to it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hosts import states as host_states
from portal.ui import Text


@dataclass(frozen=True)
class Status:
    """`kind` is ok | off | busy | warn | bad; `api` is the API's own word, shown as data-status and in the tooltip."""

    kind: str
    word: Text
    api: str = ""
    note: Text = ""
    since: datetime | None = None


def _table(rows: dict[str, tuple[str, Text]]) -> dict[str, tuple[str, Text]]:
    return rows


SERVER = _table({
    "ACTIVE": ("ok", _("Active")), "BUILD": ("busy", _("Building")), "SHUTOFF": ("off", _("Shut off")),
    "PAUSED": ("warn", _("Paused")), "SUSPENDED": ("off", _("Suspended")), "RESCUE": ("warn", _("Rescued")),
    "VERIFY_RESIZE": ("warn", _("Confirm resize")), "SHELVED": ("off", _("Shelved")),
    "SHELVED_OFFLOADED": ("off", _("Shelved")), "ERROR": ("bad", _("Error")), "DELETED": ("off", _("Deleted")),
})  # fmt: skip

#: task_state → the verb in progress.
SERVER_BUSY: dict[str, Text] = {
    "scheduling": _("Building"), "networking": _("Building"), "block_device_mapping": _("Building"),
    "spawning": _("Building"), "powering-on": _("Starting"), "powering-off": _("Stopping"),
    "rebooting": _("Rebooting"), "rebooting_hard": _("Rebooting"), "pausing": _("Pausing"),
    "unpausing": _("Resuming"), "suspending": _("Suspending"), "resuming": _("Resuming"),
    "rebuilding": _("Rebuilding"), "resize_prep": _("Resizing"), "resize_migrating": _("Resizing"),
    "resize_finish": _("Resizing"), "resize_reverting": _("Reverting"), "migrating": _("Migrating"),
    "image_snapshot": _("Snapshotting"), "image_backup": _("Snapshotting"), "rescuing": _("Rescuing"),
    "unrescuing": _("Leaving rescue"), "shelving": _("Shelving"), "shelving_offloading": _("Shelving"),
    "unshelving": _("Unshelving"), "deleting": _("Deleting"),
}  # fmt: skip

IMAGE = _table({
    "queued": ("busy", _("Queued")), "saving": ("busy", _("Saving")), "uploading": ("busy", _("Uploading")),
    "importing": ("busy", _("Importing")), "active": ("ok", pgettext_lazy("image", "Active")), "deactivated": ("off", _("Deactivated")),
    "killed": ("bad", _("Killed")), "pending_delete": ("warn", _("Pending delete")),
})  # fmt: skip

NETWORK = _table({
    "ACTIVE": ("ok", pgettext_lazy("network", "Active")), "BUILD": ("busy", _("Building")), "DOWN": ("warn", _("Down")),
    "ERROR": ("bad", _("Error")), "N/A": ("off", _("Not bound")),
})  # fmt: skip

HOST = _table({
    "up": ("ok", _("Up")), "unreachable": ("warn", _("Silent")), "down": ("bad", _("Down")),
    "new": ("busy", _("Joining")),
})  # fmt: skip

#: action of an operation → (in progress, done, failed).
ACTIONS: dict[str, tuple[Text, Text, Text]] = {
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

BUSY_SERVERS = frozenset(SERVER_BUSY)


def server(api: str, task: str | None, *, note: Text = "", since: datetime | None = None) -> Status:
    """Busy wins: while a task runs, its verb is the word."""
    if task:
        return Status("busy", SERVER_BUSY.get(task, task), api, note, since)
    kind, word = SERVER.get(api, ("busy" if api not in SERVER else "ok", api.capitalize()))
    return Status(kind, word, api, note, None if kind != "busy" else since)


def image(api: str) -> Status:
    kind, word = IMAGE.get(api, ("off", api))
    return Status(kind, word, api)


def network(api: str, admin_up: bool = True) -> Status:
    if not admin_up:
        return Status("off", _("Down (admin)"), "DOWN")
    kind, word = NETWORK.get(api, ("off", api))
    return Status(kind, word, api)


def floating_ip(port_id: str | None, api: str) -> Status:
    if not port_id:
        return Status("off", _("Not associated"), api)
    return Status("ok", _("Associated"), api) if api == "ACTIVE" else Status("busy", _("Associating"), api)


def host(state: str, *, enabled: bool, forced_down: bool, since: datetime | None = None) -> Status:
    if forced_down:
        return Status("bad", _("Forced down"), "forced_down")
    if host_states.is_up(state) and not enabled:
        return Status("off", _("Off for upkeep"), "disabled")
    kind, word = HOST.get(state, ("off", state))
    return Status(kind, word, state, since=since if kind in ("bad", "warn") else None)


def switch(enabled: bool) -> Status:
    return Status("ok", _("Enabled"), "enabled") if enabled else Status("off", _("Disabled"), "disabled")


def operation(action: str, state: str, *, since: datetime | None = None) -> Status:
    """The word of one run of a verb, in the list of what happened."""
    doing, done, failed = ACTIONS.get(action, (action, action, action))
    if state == "done":
        return Status("ok", done, state)
    if state in ("failed", "broken"):
        return Status("bad", failed, state)
    return Status("busy", doing, state, since=since)
