"""The policy rule of each verb of a server, by Nova's names."""

from typing import Final

#: Verb (of states.VERBS, and what is done at once) → rule.
RULES: Final[dict[str, str]] = {
    "relaunch": "os_compute_api:servers:create",
    "start": "os_compute_api:servers:start",
    "stop": "os_compute_api:servers:stop",
    "reboot": "os_compute_api:servers:reboot",
    "reboot_hard": "os_compute_api:servers:reboot",
    "pause": "os_compute_api:os-pause-server:pause",
    "unpause": "os_compute_api:os-pause-server:unpause",
    "suspend": "os_compute_api:os-suspend-server:suspend",
    "resume": "os_compute_api:os-suspend-server:resume",
    "shelve": "os_compute_api:os-shelve:shelve",
    "unshelve": "os_compute_api:os-shelve:unshelve",
    "confirm_resize": "os_compute_api:servers:confirm_resize",
    "revert_resize": "os_compute_api:servers:revert_resize",
    "lock": "os_compute_api:os-lock-server:lock",
    "unlock": "os_compute_api:os-lock-server:unlock",
    "attach_interface": "os_compute_api:os-attach-interfaces:create",
    "detach_interface": "os_compute_api:os-attach-interfaces:delete",
    "attach_volume": "os_compute_api:os-volumes-attachments:create",
    "detach_volume": "os_compute_api:os-volumes-attachments:delete",
    "add_group": "os_compute_api:os-security-groups:add",
    "remove_group": "os_compute_api:os-security-groups:remove",
    "backup": "os_compute_api:os-create-backup",
    "snapshot": "os_compute_api:servers:create_image",
    "resize": "os_compute_api:servers:resize",
    "rebuild": "os_compute_api:servers:rebuild",
    "delete": "os_compute_api:servers:delete",
}
