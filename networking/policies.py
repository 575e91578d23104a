"""Policy rules of the network service. `member` and `reader` look at the project of the object itself."""

from authorization import rules
from networking.networks import sharing

_OWNED = ("network", "subnet", "port", "router", "floatingip", "security_group", "subnetpool", "address_scope")

RULES: dict[str, str] = {
    **{f"network:{kind}:{verb}": "rule:member" for kind in _OWNED for verb in ("create", "update", "delete")},
    **{f"network:security_group_rule:{verb}": "rule:member" for verb in ("create", "delete")},
    **{f"network:network:{verb}": "rule:member or share:full" for verb in ("update", "delete", "share")},
    "network:network:use": "rule:member or share:operate",
    "network:network:who": "rule:reader",
    "network:list": "rule:any",
    "network:shared": "rule:admin",
    "network:rbac_policy:create": "rule:member",
    "network:rbac_policy:delete": "rule:member",
    "network:agent:list": "rule:admin",
    "network:agent:update": "rule:admin",
    "network:network_ip_availability:list": "rule:admin",
    "network:quota:get": "rule:reader",
    "network:quota:update": "rule:admin",
    "network:tag:update": "rule:member",
}

DESCRIPTIONS: dict[str, str] = {
    "network:network:share": "Share one network with a user or a group.",
    "network:network:use": "Make a port on a network.",
    "network:network:who": "See who can see a network of the project.",
    "network:list": "List and show what is the project's own, shared or external.",
    "network:shared": "Share subnet pools and address scopes with all projects.",
    "network:rbac_policy:create": "Let another project use a network.",
    "network:agent:list": "See on which hosts DHCP and routers live.",
    "network:agent:update": "Choose by hand which host carries a network's DHCP or a router.",
    "network:network_ip_availability:list": "See how many addresses of each network are used.",
    "network:quota:update": "Change a project's network quotas.",
    "network:tag:update": "Set and remove tags.",
}


def register() -> None:
    sharing.register()
    rules.register("networking", RULES, DESCRIPTIONS)
