"""What a server can be, which verb may run from where, and how the wire names it. Data only.

`vm_state` is where the server rests; `task_state` is what is being done to it, empty at rest. Names are Nova's own.
"""

from dataclasses import dataclass
from typing import Final

ACTIVE: Final = "active"
BUILDING: Final = "building"
PAUSED: Final = "paused"
SUSPENDED: Final = "suspended"
STOPPED: Final = "stopped"
RESCUED: Final = "rescued"
RESIZED: Final = "resized"
SHELVED: Final = "shelved"
SHELVED_OFFLOADED: Final = "shelved_offloaded"
ERROR: Final = "error"
DELETED: Final = "deleted"

VM_STATES: Final = frozenset(
    {
        ACTIVE,
        BUILDING,
        PAUSED,
        SUSPENDED,
        STOPPED,
        RESCUED,
        RESIZED,
        SHELVED,
        SHELVED_OFFLOADED,
        ERROR,
        DELETED,
    }
)
ANY: Final = VM_STATES - {DELETED}

# Nova's numbers of power states.
NOSTATE: Final = 0
RUNNING: Final = 1
POWER_PAUSED: Final = 3
SHUTDOWN: Final = 4
CRASHED: Final = 6
POWER_SUSPENDED: Final = 7

#: What an agent reports of a domain (hostagent.contract.server.STATES) → power state.
POWER_OF_DOMAIN: Final = {
    "running": RUNNING,
    "paused": POWER_PAUSED,
    "shutoff": SHUTDOWN,
    "saved": POWER_SUSPENDED,
    "crashed": CRASHED,
    "absent": NOSTATE,
}

#: vm_state in which the domain should be in that state.
DOMAIN_WANTED: Final = {
    ACTIVE: "running",
    RESCUED: "running",
    PAUSED: "paused",
    STOPPED: "shutoff",
    SUSPENDED: "saved",
}

#: Where a server rests when its domain came into a state by itself. What is not here is left to the next verb.
AFTER_BY_ITSELF: Final = {
    "shutoff": STOPPED,
    "crashed": STOPPED,
    "paused": PAUSED,
    "saved": SUSPENDED,
    "running": ACTIVE,
}

POWER_OF_VM_STATE: Final = {
    ACTIVE: RUNNING,
    RESCUED: RUNNING,
    RESIZED: RUNNING,
    PAUSED: POWER_PAUSED,
    SUSPENDED: POWER_SUSPENDED,
    STOPPED: SHUTDOWN,
    SHELVED: SHUTDOWN,
    SHELVED_OFFLOADED: SHUTDOWN,
    BUILDING: NOSTATE,
    ERROR: NOSTATE,
    DELETED: NOSTATE,
}


@dataclass(frozen=True)
class Verb:
    """A verb: where it may start, its task_state while it runs, where it ends.

    `ends` None: where it started. `locked` True: allowed on a locked server too.
    `action` is the name in os-instance-actions.
    """

    start: frozenset[str]
    task: str
    ends: str | None
    action: str
    locked: bool = False


def _verb(start: set[str] | frozenset[str], task: str, ends: str | None, action: str, *, locked: bool = False) -> Verb:
    return Verb(frozenset(start), task, ends, action, locked)


VERBS: Final[dict[str, Verb]] = {
    #                       allowed from                                   while it runs          ends as     action
    "create": _verb({BUILDING}, "scheduling", ACTIVE, "create"),
    "start": _verb({STOPPED}, "powering-on", ACTIVE, "start"),
    "stop": _verb({ACTIVE, ERROR}, "powering-off", STOPPED, "stop"),
    "reboot": _verb({ACTIVE}, "rebooting", ACTIVE, "reboot"),
    "reboot_hard": _verb({ACTIVE, STOPPED, PAUSED, SUSPENDED, ERROR}, "rebooting_hard", ACTIVE, "reboot"),
    "pause": _verb({ACTIVE}, "pausing", PAUSED, "pause"),
    "unpause": _verb({PAUSED}, "unpausing", ACTIVE, "unpause"),
    "suspend": _verb({ACTIVE}, "suspending", SUSPENDED, "suspend"),
    "resume": _verb({SUSPENDED}, "resuming", ACTIVE, "resume"),
    "rebuild": _verb({ACTIVE, STOPPED, ERROR}, "rebuilding", None, "rebuild"),
    "resize": _verb({ACTIVE, STOPPED}, "resize_prep", RESIZED, "resize"),
    "migrate": _verb({ACTIVE, STOPPED}, "resize_prep", RESIZED, "migrate"),
    "confirm_resize": _verb({RESIZED}, "", None, "confirmResize"),
    "revert_resize": _verb({RESIZED}, "resize_reverting", None, "revertResize"),
    "snapshot": _verb({ACTIVE, STOPPED, PAUSED, SUSPENDED}, "image_snapshot", None, "createImage"),
    "backup": _verb({ACTIVE, STOPPED, PAUSED, SUSPENDED}, "image_backup", None, "createBackup"),
    "attach_interface": _verb({ACTIVE, PAUSED, STOPPED}, "", None, "attach_interface"),
    "detach_interface": _verb({ACTIVE, PAUSED, STOPPED}, "", None, "detach_interface"),
    "rescue": _verb({ACTIVE, STOPPED, ERROR}, "rescuing", RESCUED, "rescue"),
    "unrescue": _verb({RESCUED}, "unrescuing", ACTIVE, "unrescue"),
    "shelve": _verb({ACTIVE, STOPPED, PAUSED, SUSPENDED}, "shelving", SHELVED_OFFLOADED, "shelve"),
    "shelve_offload": _verb({SHELVED}, "shelving_offloading", SHELVED_OFFLOADED, "shelveOffload"),
    "unshelve": _verb({SHELVED, SHELVED_OFFLOADED}, "unshelving", ACTIVE, "unshelve"),
    "delete": _verb(ANY, "deleting", DELETED, "delete"),
}

#: (vm_state, task_state) → the wire's status; the entry with "" is the default of the vm_state.
_STATUS: Final[dict[str, dict[str, str]]] = {
    ACTIVE: {
        "": "ACTIVE",
        "rebooting": "REBOOT",
        "rebooting_hard": "HARD_REBOOT",
        "rebuilding": "REBUILD",
        "resize_prep": "RESIZE",
        "resize_migrating": "RESIZE",
        "resize_finish": "RESIZE",
        "migrating": "MIGRATING",
    },
    BUILDING: {"": "BUILD"},
    STOPPED: {
        "": "SHUTOFF",
        "resize_prep": "RESIZE",
        "resize_migrating": "RESIZE",
        "resize_finish": "RESIZE",
        "rebooting_hard": "HARD_REBOOT",
        "rebuilding": "REBUILD",
    },
    PAUSED: {"": "PAUSED", "rebooting_hard": "HARD_REBOOT"},
    SUSPENDED: {"": "SUSPENDED", "rebooting_hard": "HARD_REBOOT"},
    RESCUED: {"": "RESCUE"},
    RESIZED: {"": "VERIFY_RESIZE", "resize_reverting": "REVERT_RESIZE"},
    SHELVED: {"": "SHELVED"},
    SHELVED_OFFLOADED: {"": "SHELVED_OFFLOADED"},
    ERROR: {"": "ERROR", "rebuilding": "REBUILD", "rebooting_hard": "HARD_REBOOT"},
    DELETED: {"": "DELETED"},
}

#: Statuses whose answers carry `progress`, and those that carry `fault`.
WITH_PROGRESS: Final = frozenset({"ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"})
WITH_FAULT: Final = frozenset({"ERROR", "DELETED"})


def status(vm_state: str, task_state: str | None) -> str:
    """The wire's `status`."""
    table = _STATUS[vm_state]
    return table.get(task_state or "") or table[""]


STATUSES: Final = frozenset(s for table in _STATUS.values() for s in table.values())


def vm_states_of(wire_status: str) -> tuple[list[str], list[str]] | None:
    """(vm_states, task_states) whose status can be `wire_status`; task_states empty = any. None: no such status."""
    wanted = wire_status.upper()
    vm_states: list[str] = []
    tasks: set[str] = set()
    default = False
    for vm_state, table in _STATUS.items():
        hits = [task for task, name in table.items() if name == wanted]
        if hits:
            vm_states.append(vm_state)
            default = default or "" in hits
            tasks.update(t for t in hits if t)
    if not vm_states:
        return None
    return vm_states, [] if default else sorted(tasks)
