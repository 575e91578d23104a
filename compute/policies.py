"""Policy rules of compute: rule → check, and what each rule is about. Names are Nova's, as in its policy.yaml.

Rules without a name there are ours: `compute:flavor:get`, and sharing one instance.
"""

from django.utils.translation import gettext_lazy as _

from authorization import rules
from compute.servers import sharing

READER = "rule:reader"
MEMBER = "rule:member"
ADMIN = "rule:admin"
ANY = "rule:any"

_API = "os_compute_api"
_S = f"{_API}:servers"

#: Rules that Nova's own rules refer to, for the checks of a policy file.
BASE: dict[str, str] = {
    "context_is_admin": "role:admin",
    "admin_api": "role:admin",
    "project_manager_api": "role:manager and project_id:%(project_id)s",
    "project_member_api": "role:member and project_id:%(project_id)s",
    "project_reader_api": "role:reader and project_id:%(project_id)s",
    "service_api": "role:service",
    "project_manager_or_admin": "rule:project_manager_api or rule:context_is_admin",
    "project_member_or_admin": "rule:project_member_api or rule:context_is_admin",
    "project_reader_or_admin": "rule:project_reader_api or rule:context_is_admin",
}

#: Our name of before → its check, and the rules of Nova's that it guarded.
_BEFORE: dict[str, tuple[str, tuple[str, ...]]] = {
    "compute:server:get": (
        f"{READER} or share:view",
        (
            f"{_S}:show", f"{_API}:ips:index", f"{_API}:ips:show", f"{_API}:server-metadata:index",
            f"{_API}:server-metadata:show", f"{_API}:os-server-tags:index", f"{_API}:os-server-tags:show",
            f"{_API}:os-attach-interfaces:list", f"{_API}:os-attach-interfaces:show", f"{_API}:os-security-groups:list",
            f"{_API}:os-server-password:show", f"{_API}:os-instance-actions:list", f"{_API}:os-instance-actions:show",
            "compute:server:topology:index",
        ),
    ),
    "compute:server:list": (READER, (f"{_S}:index", f"{_S}:detail")),
    "compute:server:list_all": (ADMIN, (f"{_S}:index:get_all_tenants", f"{_S}:detail:get_all_tenants")),
    "compute:server:create": (MEMBER, (f"{_S}:create",)),
    "compute:server:create_on_host": (ADMIN, (f"{_S}:create:forced_host", f"{_API}:os-shelve:unshelve_to_host")),
    "compute:server:update": (f"{MEMBER} or share:full", (f"{_S}:update", f"{_API}:os-server-password:clear")),
    "compute:server:delete": (
        f"{MEMBER} or share:full",
        (f"{_S}:delete", f"{_API}:os-deferred-delete:force", f"{_API}:os-deferred-delete:restore"),
    ),
    "compute:server:start": (f"{MEMBER} or share:operate", (f"{_S}:start",)),
    "compute:server:stop": (f"{MEMBER} or share:operate", (f"{_S}:stop",)),
    "compute:server:reboot": (f"{MEMBER} or share:operate", (f"{_S}:reboot",)),
    "compute:server:pause": (f"{MEMBER} or share:operate", (f"{_API}:os-pause-server:pause",)),
    "compute:server:unpause": (f"{MEMBER} or share:operate", (f"{_API}:os-pause-server:unpause",)),
    "compute:server:suspend": (f"{MEMBER} or share:operate", (f"{_API}:os-suspend-server:suspend",)),
    "compute:server:resume": (f"{MEMBER} or share:operate", (f"{_API}:os-suspend-server:resume",)),
    "compute:server:rebuild": (f"{MEMBER} or share:full", (f"{_S}:rebuild", f"{_API}:os-admin-password")),
    "compute:server:resize": (f"{MEMBER} or share:full", (f"{_S}:resize",)),
    "compute:server:confirm_resize": (f"{MEMBER} or share:full", (f"{_S}:confirm_resize",)),
    "compute:server:revert_resize": (f"{MEMBER} or share:full", (f"{_S}:revert_resize",)),
    "compute:server:snapshot": (f"{MEMBER} or share:full", (f"{_S}:create_image",)),
    "compute:server:backup": (MEMBER, (f"{_API}:os-create-backup",)),
    "compute:server:shelve": (MEMBER, (f"{_API}:os-shelve:shelve",)),
    "compute:server:unshelve": (MEMBER, (f"{_API}:os-shelve:unshelve",)),
    "compute:server:shelve_offload": (ADMIN, (f"{_API}:os-shelve:shelve_offload",)),
    "compute:server:lock": (f"{MEMBER} or share:full", (f"{_API}:os-lock-server:lock",)),
    "compute:server:unlock": (f"{MEMBER} or share:full", (f"{_API}:os-lock-server:unlock",)),
    "compute:server:unlock_override": (ADMIN, (f"{_API}:os-lock-server:unlock:unlock_override",)),
    "compute:server:reset_state": (
        ADMIN, (f"{_API}:os-admin-actions:reset_state", f"{_API}:os-admin-actions:inject_network_info"),
    ),
    "compute:server:diagnostics": (ADMIN, (f"{_API}:os-server-diagnostics",)),
    "compute:server:action_events": (f"{READER} or share:view", (f"{_API}:os-instance-actions:events",)),
    "compute:server:host": (
        ADMIN,
        (
            f"{_API}:os-extended-server-attributes", f"{_S}:show:host_status",
            f"{_API}:os-instance-actions:events:details",
        ),
    ),
    "compute:server:console_output": (f"{MEMBER} or share:console", (f"{_API}:os-console-output",)),
    "compute:server:console": (f"{MEMBER} or share:console", (f"{_API}:os-remote-consoles",)),
    "compute:server:attach_interface": (
        MEMBER, (f"{_API}:os-attach-interfaces:create", f"{_API}:os-multinic:add", f"{_API}:os-floating-ips:add"),
    ),
    "compute:server:detach_interface": (
        MEMBER, (f"{_API}:os-attach-interfaces:delete", f"{_API}:os-multinic:remove", f"{_API}:os-floating-ips:remove"),
    ),
    "compute:server:volumes": (
        f"{READER} or share:view", (f"{_API}:os-volumes-attachments:index", f"{_API}:os-volumes-attachments:show"),
    ),
    "compute:server:attach_volume": (MEMBER, (f"{_API}:os-volumes-attachments:create",)),
    "compute:server:detach_volume": (MEMBER, (f"{_API}:os-volumes-attachments:delete",)),
    "compute:server:security_groups": (MEMBER, (f"{_API}:os-security-groups:add", f"{_API}:os-security-groups:remove")),
    "compute:server:metadata": (
        f"{MEMBER} or share:full",
        (
            f"{_API}:server-metadata:create", f"{_API}:server-metadata:update", f"{_API}:server-metadata:update_all",
            f"{_API}:server-metadata:delete",
        ),
    ),
    "compute:server:tags": (
        f"{MEMBER} or share:full",
        (
            f"{_API}:os-server-tags:update", f"{_API}:os-server-tags:update_all", f"{_API}:os-server-tags:delete",
            f"{_API}:os-server-tags:delete_all",
        ),
    ),
    "compute:flavor:manage": (
        ADMIN,
        (
            f"{_API}:os-flavor-manage:create", f"{_API}:os-flavor-manage:update", f"{_API}:os-flavor-manage:delete",
            f"{_API}:os-flavor-extra-specs:create", f"{_API}:os-flavor-extra-specs:update",
            f"{_API}:os-flavor-extra-specs:delete", f"{_API}:os-flavor-access",
            f"{_API}:os-flavor-access:add_tenant_access", f"{_API}:os-flavor-access:remove_tenant_access",
        ),
    ),
    "compute:server_group:get": (READER, (f"{_API}:os-server-groups:index", f"{_API}:os-server-groups:show")),
    "compute:server_group:create": (MEMBER, (f"{_API}:os-server-groups:create",)),
    "compute:server_group:delete": (MEMBER, (f"{_API}:os-server-groups:delete",)),
    "compute:server_group:list_all": (ADMIN, (f"{_API}:os-server-groups:index:all_projects",)),
    "compute:aggregate": (
        ADMIN,
        (
            f"{_API}:os-aggregates:index", f"{_API}:os-aggregates:show", f"{_API}:os-aggregates:create",
            f"{_API}:os-aggregates:update", f"{_API}:os-aggregates:delete", f"{_API}:os-aggregates:add_host",
            f"{_API}:os-aggregates:remove_host", f"{_API}:os-aggregates:set_metadata",
        ),
    ),
    "compute:availability_zone": (ANY, (f"{_API}:os-availability-zone:list",)),
    "compute:availability_zone:detail": (ADMIN, (f"{_API}:os-availability-zone:detail",)),
    "compute:hypervisor": (
        ADMIN,
        (
            f"{_API}:os-hypervisors:list", f"{_API}:os-hypervisors:list-detail", f"{_API}:os-hypervisors:statistics",
            f"{_API}:os-hypervisors:show", f"{_API}:os-hypervisors:uptime", f"{_API}:os-hypervisors:search",
            f"{_API}:os-hypervisors:servers",
        ),
    ),
    "compute:service": (ADMIN, (f"{_API}:os-services:list", f"{_API}:os-services:update")),
    "compute:host": (
        ADMIN,
        (
            f"{_API}:os-hosts:list", f"{_API}:os-hosts:show", f"{_API}:os-hosts:update", f"{_API}:os-hosts:reboot",
            f"{_API}:os-hosts:shutdown", f"{_API}:os-hosts:start",
        ),
    ),
    "compute:migration": (
        ADMIN,
        (
            f"{_API}:os-migrations:index", f"{_S}:migrations:index", f"{_S}:migrations:show", f"{_S}:migrations:delete",
            f"{_S}:migrations:force_complete",
        ),
    ),
    "compute:quota:get": (READER, (f"{_API}:os-quota-sets:show", f"{_API}:os-quota-sets:detail")),
    "compute:quota:set": (ADMIN, (f"{_API}:os-quota-sets:update", f"{_API}:os-quota-sets:delete")),
    "compute:quota_class": (ADMIN, (f"{_API}:os-quota-class-sets:show", f"{_API}:os-quota-class-sets:update")),
    "compute:limits": (ANY, (f"{_API}:limits", f"{_API}:os-quota-sets:defaults")),
    "compute:usage:get": (READER, (f"{_API}:os-simple-tenant-usage:show", f"{_API}:limits:other_project")),
    "compute:usage:list": (ADMIN, (f"{_API}:os-simple-tenant-usage:list",)),
    "compute:usage:audit": (
        ADMIN, (f"{_API}:os-instance-usage-audit-log:list", f"{_API}:os-instance-usage-audit-log:show"),
    ),
    "compute:console_token": (ADMIN, (f"{_API}:os-console-auth-tokens",)),
    "compute:external_events": ("rule:service", (f"{_API}:os-server-external-events:create",)),
}  # fmt: skip

#: Rules whose user was two rules before: one's own, and those of others.
_KEYPAIRS = tuple(f"{_API}:os-keypairs:{verb}" for verb in ("index", "show", "create", "delete"))
_KEYPAIR_BEFORE = "(rule:compute:keypair and user_id:%(user_id)s) or rule:compute:keypair:others"

#: Rules that Nova has no name for, and finer ones that flavors' readers had no rule of their own for.
_OURS: dict[str, str] = {
    "compute:flavor:get": ANY,
    f"{_API}:os-flavor-extra-specs:index": "rule:compute:flavor:get",
    f"{_API}:os-flavor-extra-specs:show": "rule:compute:flavor:get",
    "compute:server:share": f"{MEMBER} or share:full",
    "compute:server:who": READER,
}

RULES: dict[str, str] = {
    **BASE,
    **{rule: check for check, new in _BEFORE.values() for rule in new},
    **dict.fromkeys(_KEYPAIRS, f"{ADMIN} or user_id:%(user_id)s"),
    **_OURS,
}
OLD: dict[str, str] = {
    **{name: check for name, (check, _new) in _BEFORE.items()},
    "compute:keypair": ANY,
    "compute:keypair:others": ADMIN,
}
FORMERLY: dict[str, str] = {
    **{rule: f"rule:{name}" for name, (_check, new) in _BEFORE.items() for rule in new},
    **dict.fromkeys(_KEYPAIRS, _KEYPAIR_BEFORE),
}


_DESCRIBED = {
    "compute:server:get": _("See an instance"),
    "compute:server:list": _("List the instances of a project"),
    "compute:server:list_all": _("List the instances of every project"),
    "compute:server:create_on_host": _("Launch an instance on a chosen host"),
    "compute:server:unlock_override": _("Unlock what somebody else locked, and act on locked instances"),
    "compute:server:reset_state": _("Set an instance's state by hand"),
    "compute:server:diagnostics": _("See an instance's counters"),
    "compute:server:host": _("See which host an instance is on"),
    "compute:flavor:manage": _("Create, change and delete flavors and who may use them"),
    "compute:aggregate": _("Manage host aggregates and availability zones"),
    "compute:hypervisor": _("See the hypervisors"),
    "compute:service": _("See, enable and disable the services on hosts"),
    "compute:quota:set": _("Change a project's quotas"),
}
_ACT = _("Act on instances of the project")

DESCRIPTIONS = {
    **{
        rule: _DESCRIBED.get(name, _ACT)
        for name, (_check, new) in _BEFORE.items()
        if name in _DESCRIBED or name.startswith("compute:server:")
        for rule in new
    },
    **dict.fromkeys(_KEYPAIRS, _("Manage one's own key pairs, and with the role admin those of other users")),
    "compute:flavor:get": _("See flavors"),
    "compute:server:share": _("Share one instance with a user or a group"),
    "compute:server:who": _("See who can see an instance of the project"),
}


def register() -> None:
    sharing.register()
    rules.register("compute", RULES, DESCRIPTIONS, formerly=FORMERLY, old=OLD)
