"""Who may do what with networks, by Neutron's names. `member` and `reader` look at the project of the thing itself.

Rules without a name there are ours: having ports on a network, and sharing one network.
"""

from authorization import rules
from networking.networks import sharing

_OWNED = ("network", "subnet", "port", "router", "floatingip", "security_group", "subnetpool", "address_scope")
_TAGGED = ("network", "subnet", "port", "router", "floatingip", "security_group", "subnetpool")
_SHOWN = (*_OWNED, "security_group_rule", "rbac_policy")

#: Our name of before → its check, and the rules of Neutron's that it guarded.
_BEFORE: dict[str, tuple[str, tuple[str, ...]]] = {
    **{
        f"network:{kind}:{verb}": ("rule:member", (f"{verb}_{kind}",))
        for kind in _OWNED
        for verb in ("create", "update", "delete")
    },
    **{
        f"network:network:{verb}": ("rule:member or share:full", (f"{verb}_network",)) for verb in ("update", "delete")
    },
    "network:router:update": ("rule:member", ("update_router", "add_router_interface", "remove_router_interface")),
    "network:security_group_rule:create": ("rule:member", ("create_security_group_rule",)),
    "network:security_group_rule:delete": ("rule:member", ("delete_security_group_rule",)),
    "network:list": ("rule:any", tuple(f"get_{kind}" for kind in _SHOWN)),
    "network:shared": (
        "rule:admin", ("create_subnetpool:shared", "create_address_scope:shared", "update_address_scope:shared"),
    ),
    "network:rbac_policy:create": ("rule:member", ("create_rbac_policy", "update_rbac_policy")),
    "network:rbac_policy:delete": ("rule:member", ("delete_rbac_policy",)),
    "network:agent:list": (
        "rule:admin", ("get_agent", "get_dhcp-networks", "get_l3-routers", "get_dhcp-agents", "get_l3-agents"),
    ),
    "network:agent:update": (
        "rule:admin",
        (
            "update_agent", "delete_agent", "create_dhcp-network", "delete_dhcp-network", "create_l3-router",
            "delete_l3-router",
        ),
    ),
    "network:network_ip_availability:list": ("rule:admin", ("get_network_ip_availability",)),
    "network:quota:get": ("rule:reader", ("get_quota",)),
    "network:quota:update": ("rule:admin", ("update_quota", "delete_quota")),
    "network:tag:update": (
        "rule:member", tuple(f"{verb}_{kind}:tags" for kind in _TAGGED for verb in ("update", "delete")),
    ),
}  # fmt: skip

#: Rules that Neutron's own rules refer to, for the checks of a policy file.
BASE: dict[str, str] = {
    "admin_only": "role:admin",
    "context_is_advsvc": "role:advsvc",
    "regular_user": "@",
}
RULES: dict[str, str] = {
    **BASE,
    **{rule: check for check, new in _BEFORE.values() for rule in new},
    "network:network:share": "rule:member or share:full",
    "network:network:use": "rule:member or share:operate",
    "network:network:who": "rule:reader",
}
OLD: dict[str, str] = {name: check for name, (check, _new) in _BEFORE.items()}
FORMERLY: dict[str, str] = {rule: f"rule:{name}" for name, (_check, new) in _BEFORE.items() for rule in new}

_DESCRIBED: dict[str, str] = {
    "network:list": "List and show what is the project's own, shared or external.",
    "network:shared": "Share subnet pools and address scopes with all projects.",
    "network:rbac_policy:create": "Let another project use a network.",
    "network:agent:list": "See on which hosts DHCP and routers live.",
    "network:agent:update": "Choose by hand which host carries a network's DHCP or a router.",
    "network:network_ip_availability:list": "See how many addresses of each network are used.",
    "network:quota:update": "Change a project's network quotas.",
    "network:tag:update": "Set and remove tags.",
}
DESCRIPTIONS: dict[str, str] = {
    **{rule: text for name, text in _DESCRIBED.items() for rule in _BEFORE[name][1]},
    "network:network:share": "Share one network with a user or a group.",
    "network:network:use": "Make a port on a network.",
    "network:network:who": "See who can see a network of the project.",
}


def register() -> None:
    sharing.register()
    rules.register("networking", RULES, DESCRIPTIONS, formerly=FORMERLY, old=OLD)
