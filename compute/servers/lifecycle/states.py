"""The states of a server, the verbs that may run from each, and how the wire names them. Data only.

`vm_state` is where the server rests; `task_state` is what is being done to it, empty at rest. Names are Nova's own.
"""

from typing import Final

from common.errors import Data
from hostagent.contract import capabilities
from hostagent.contract.capabilities import Capability
from operations.subject import Lifecycle, Verb

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

STATES: Final = {
    BUILDING: "It is being launched: it gets a host, a disk and its network.",
    ACTIVE: "Its machine runs.",
    PAUSED: "Its machine is frozen; its memory stays on the host.",
    SUSPENDED: "Its machine is off; its memory lies on the host's disk.",
    STOPPED: "Its machine is off.",
    RESCUED: "Its machine runs from another image to mend its own disk. No verb leads here yet.",
    RESIZED: "It has its new size, and waits to be told to keep it or to go back.",
    SHELVED: "Its disk is an image, and its place on the host is kept. Shelving here goes on to shelved_offloaded at once.",
    SHELVED_OFFLOADED: "Its disk is an image; it is on no host.",
    ERROR: "A verb failed and left it as no other state says; its fault tells why.",
    DELETED: "It is gone: the row stays for usage and history.",
}
ANY: Final = STATES.keys() - {DELETED}

# Nova's numbers of power states.
NOSTATE: Final = 0
RUNNING: Final = 1
POWER_PAUSED: Final = 3
SHUTDOWN: Final = 4
CRASHED: Final = 6
POWER_SUSPENDED: Final = 7

#: State of a domain that a host does not report.
ABSENT: Final = "absent"

#: State of a domain as an agent reports it (hostagent.contract.states.STATES) → power state.
POWER_OF_DOMAIN: Final = {
    "running": RUNNING,
    "paused": POWER_PAUSED,
    "shutoff": SHUTDOWN,
    "saved": POWER_SUSPENDED,
    "crashed": CRASHED,
    ABSENT: NOSTATE,
}

#: Power states in which there is a machine that shows a screen.
RUNNING_STATES: Final = frozenset({RUNNING, POWER_PAUSED})

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


#: Nova answers attaching and detaching when they are over, so clients ask for the next verb at once: it waits for them.
VERBS: Final[dict[str, Verb]] = {
    #                       allowed from                                   while it runs          ends as     action
    "create": Verb({BUILDING}, "scheduling", ACTIVE, "create"),
    "relaunch": Verb({ERROR}, "scheduling", ACTIVE, "create"),
    "start": Verb({STOPPED}, "powering-on", ACTIVE, "start"),
    "stop": Verb({ACTIVE, ERROR}, "powering-off", STOPPED, "stop"),
    "reboot": Verb({ACTIVE}, "rebooting", ACTIVE, "reboot"),
    "reboot_hard": Verb({ACTIVE, STOPPED, PAUSED, SUSPENDED, ERROR}, "rebooting_hard", ACTIVE, "reboot"),
    "pause": Verb({ACTIVE}, "pausing", PAUSED, "pause"),
    "unpause": Verb({PAUSED}, "unpausing", ACTIVE, "unpause"),
    "suspend": Verb({ACTIVE}, "suspending", SUSPENDED, "suspend"),
    "resume": Verb({SUSPENDED}, "resuming", ACTIVE, "resume"),
    "rebuild": Verb({ACTIVE, STOPPED, ERROR}, "rebuilding", None, "rebuild"),
    "resize": Verb({ACTIVE, STOPPED}, "resize_prep", RESIZED, "resize"),
    "confirm_resize": Verb({RESIZED}, "", None, "confirmResize"),
    "revert_resize": Verb({RESIZED}, "resize_reverting", None, "revertResize"),
    "snapshot": Verb({ACTIVE, STOPPED, PAUSED, SUSPENDED}, "image_snapshot", None, "createImage"),
    "backup": Verb({ACTIVE, STOPPED, PAUSED, SUSPENDED}, "image_backup", None, "createBackup"),
    "attach_interface": Verb({ACTIVE, PAUSED, STOPPED}, "", None, "attach_interface", is_waited_for=True),
    "detach_interface": Verb({ACTIVE, PAUSED, STOPPED}, "", None, "detach_interface", is_waited_for=True),
    "attach_volume": Verb({ACTIVE, PAUSED, STOPPED}, "", None, "attach_volume", is_waited_for=True),
    "detach_volume": Verb({ACTIVE, PAUSED, STOPPED, SUSPENDED}, "", None, "detach_volume", is_waited_for=True),
    "add_group": Verb({ACTIVE, STOPPED, PAUSED, SUSPENDED}, "", None, "addSecurityGroup"),
    "remove_group": Verb({ACTIVE, STOPPED, PAUSED, SUSPENDED}, "", None, "removeSecurityGroup"),
    "shelve": Verb({ACTIVE, STOPPED, PAUSED, SUSPENDED}, "shelving", SHELVED_OFFLOADED, "shelve"),
    "unshelve": Verb({SHELVED, SHELVED_OFFLOADED}, "unshelving", ACTIVE, "unshelve"),
    "delete": Verb(ANY, "deleting", DELETED, "delete", preempts=True),
}

#: Verbs that a server without a host allows too.
HOSTLESS: Final = frozenset({"create", "delete", "unshelve", "relaunch"})

#: Verbs of a server that has never run, and has left nothing on a host.
NEVER_RAN: Final = frozenset({"relaunch"})


#: Verbs that make something of a root disk on the host, which a server that boots from a volume has not.
OF_ROOT_DISK: Final = frozenset({"rebuild", "snapshot", "backup", "shelve"})

#: Verb → capability that the drivers of the server's host must have; all drivers can carry out the other verbs.
NEEDS: Final[dict[str, Capability]] = {
    "reboot": capabilities.REBOOT_SOFT,
    "pause": capabilities.PAUSE,
    "unpause": capabilities.PAUSE,
    "suspend": capabilities.SUSPEND,
    "resume": capabilities.SUSPEND,
    "resize": capabilities.DISK_RESIZE,
    "snapshot": capabilities.SNAPSHOT,
    "backup": capabilities.SNAPSHOT,
    "shelve": capabilities.SNAPSHOT,
    "attach_interface": capabilities.ATTACH_PORT,
    "detach_interface": capabilities.ATTACH_PORT,
    "attach_volume": capabilities.ATTACH_DISK,
    "detach_volume": capabilities.ATTACH_DISK,
}


def _on_stable(vm_state: str) -> Data:
    return {"power_state": POWER_OF_VM_STATE[vm_state], "progress": 0}


LIFECYCLE: Final = Lifecycle(
    "server",
    STATES,
    VERBS,
    column="vm_state",
    task_column="task_state",
    error=ERROR,
    gone=DELETED,
    on_stable=_on_stable,
    first_at={ACTIVE: "launched_at"},
)

# Task states that single steps set, besides those of the verbs.
SCHEDULING: Final = VERBS["create"].task
NETWORKING: Final = "networking"
SPAWNING: Final = "spawning"
RESIZE_MIGRATING: Final = "resize_migrating"
IMAGE_UPLOADING: Final = "image_uploading"

# States of a move of a server between hosts, or of a resize on the same host.
QUEUED: Final = "queued"
MIGRATING: Final = "migrating"
FINISHED: Final = "finished"
CONFIRMED: Final = "confirmed"
REVERTED: Final = "reverted"
MOVE_STATES: Final = {
    QUEUED: "It is written down.",
    MIGRATING: "Its flow runs.",
    FINISHED: "The server has its new size or place, and waits to be told to keep it or to go back.",
    CONFIRMED: "It was kept.",
    REVERTED: "It was taken back.",
    ERROR: "Its flow failed.",
}
MOVES: Final = Lifecycle("migration", MOVE_STATES, {})
MOVES_ENDED: Final = (CONFIRMED, REVERTED, ERROR)

# How an event of another service ended (os-server-external-events), and what usage says of a deleted server.
EVENT_COMPLETED: Final = "completed"
EVENT_FAILED: Final = "failed"
TERMINATED: Final = "terminated"

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
    """Return the wire's `status`."""
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


def says_deleted(wire_status: str) -> bool:
    """Whether a filter by status asks for deleted servers."""
    return wire_status.upper() == _STATUS[DELETED][""]


def has_progress(wire_status: str) -> bool:
    return wire_status in WITH_PROGRESS


def has_fault(wire_status: str) -> bool:
    return wire_status in WITH_FAULT


def is_building(vm_state: str) -> bool:
    return vm_state == BUILDING


def is_active(vm_state: str) -> bool:
    return vm_state == ACTIVE


def is_error(vm_state: str) -> bool:
    return vm_state == ERROR


def is_off(vm_state: str) -> bool:
    """Whether a server that rests there stays off when a verb made its machine anew."""
    return vm_state == STOPPED


def runs(power_state: int) -> bool:
    """Whether there is a machine, running or paused."""
    return power_state in RUNNING_STATES
