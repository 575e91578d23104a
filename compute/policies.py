"""Who may do what in compute: rule → check, and what each rule is about."""

from django.utils.translation import gettext_lazy as _

from authorization import rules
from compute.servers import sharing

READER = "rule:reader"
MEMBER = "rule:member"
ADMIN = "rule:admin"
ANY = "rule:any"

_SERVER_VERBS = (
    "create",
    "update",
    "delete",
    "start",
    "stop",
    "reboot",
    "pause",
    "unpause",
    "suspend",
    "resume",
    "rebuild",
    "resize",
    "confirm_resize",
    "revert_resize",
    "snapshot",
    "backup",
    "rescue",
    "unrescue",
    "shelve",
    "unshelve",
    "lock",
    "unlock",
    "console_output",
    "console",
    "attach_interface",
    "detach_interface",
    "security_groups",
    "metadata",
    "tags",
    "share",
)

#: Level of a share → the verbs that it opens on one instance. What takes from the project's other things (its networks,
#: security groups, addresses, other images) is not among them: those were not shared.
_SHARED = {
    "view": ("get", "action_events"),
    "console": ("console_output", "console"),
    "operate": ("start", "stop", "reboot", "pause", "unpause", "suspend", "resume"),
    "full": (
        "update", "delete", "rebuild", "resize", "confirm_resize", "revert_resize", "snapshot", "rescue", "unrescue",
        "lock", "unlock", "metadata", "tags", "share",
    ),
}  # fmt: skip

RULES: dict[str, str] = {
    "compute:server:get": READER,
    "compute:server:list": READER,
    "compute:server:list_all": ADMIN,
    "compute:server:create_on_host": ADMIN,
    "compute:server:unlock_override": ADMIN,
    "compute:server:reset_state": ADMIN,
    "compute:server:shelve_offload": ADMIN,
    "compute:server:diagnostics": ADMIN,
    "compute:server:action_events": READER,
    "compute:server:host": ADMIN,
    "compute:flavor:get": ANY,
    "compute:flavor:manage": ADMIN,
    "compute:keypair": ANY,
    "compute:keypair:others": ADMIN,
    "compute:server_group:get": READER,
    "compute:server_group:create": MEMBER,
    "compute:server_group:delete": MEMBER,
    "compute:server_group:list_all": ADMIN,
    "compute:aggregate": ADMIN,
    "compute:availability_zone": ANY,
    "compute:availability_zone:detail": ADMIN,
    "compute:hypervisor": ADMIN,
    "compute:service": ADMIN,
    "compute:host": ADMIN,
    "compute:migration": ADMIN,
    "compute:quota:get": READER,
    "compute:quota:set": ADMIN,
    "compute:quota_class": ADMIN,
    "compute:limits": ANY,
    "compute:usage:get": READER,
    "compute:usage:list": ADMIN,
    "compute:usage:audit": ADMIN,
    "compute:console_token": ADMIN,
    "compute:external_events": "rule:service",
    "compute:server:who": READER,
    **{f"compute:server:{verb}": MEMBER for verb in _SERVER_VERBS},
}
RULES |= {
    f"compute:server:{verb}": f"{RULES[f'compute:server:{verb}']} or share:{level}"
    for level, verbs in _SHARED.items()
    for verb in verbs
}

DESCRIPTIONS = {
    "compute:server:get": _("See an instance"),
    "compute:server:list": _("List the instances of a project"),
    "compute:server:list_all": _("List the instances of every project"),
    "compute:server:create_on_host": _("Launch an instance on a chosen host"),
    "compute:server:unlock_override": _("Unlock what somebody else locked, and act on locked instances"),
    "compute:server:reset_state": _("Set an instance's state by hand"),
    "compute:server:diagnostics": _("See an instance's counters"),
    "compute:server:host": _("See which host an instance is on"),
    "compute:flavor:get": _("See flavors"),
    "compute:flavor:manage": _("Create, change and delete flavors and who may use them"),
    "compute:keypair": _("Manage one's own key pairs"),
    "compute:keypair:others": _("Manage the key pairs of other users"),
    "compute:aggregate": _("Manage host aggregates and availability zones"),
    "compute:hypervisor": _("See the hypervisors"),
    "compute:service": _("See, enable and disable the services on hosts"),
    "compute:quota:set": _("Change a project's quotas"),
    **{f"compute:server:{verb}": _("Act on instances of the project") for verb in _SERVER_VERBS},
    "compute:server:share": _("Share one instance with a user or a group"),
    "compute:server:who": _("See who can see an instance of the project"),
}


def register() -> None:
    sharing.register()
    rules.register("compute", RULES, DESCRIPTIONS)
