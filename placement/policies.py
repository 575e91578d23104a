"""Placement's rules, by its own names: who may do what."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from authorization import rules

CHECK: Final = "rule:admin or rule:service"
_PROVIDERS = "placement:resource_providers"
#: Our name of before → what it was about, and the rules of Placement's that it guarded.
_BEFORE = {
    "placement:read": (
        _("See resource providers, inventories, usages and allocations"),
        (
            f"{_PROVIDERS}:list", f"{_PROVIDERS}:show", f"{_PROVIDERS}:inventories:list", f"{_PROVIDERS}:inventories:show",
            f"{_PROVIDERS}:usages", f"{_PROVIDERS}:allocations:list", f"{_PROVIDERS}:traits:list",
            f"{_PROVIDERS}:aggregates:list", "placement:allocations:list", "placement:allocation_candidates:list",
            "placement:resource_classes:list", "placement:resource_classes:show", "placement:traits:list",
            "placement:traits:show", "placement:usages",
        ),
    ),
    "placement:write": (
        _("Change resource providers, inventories, traits and allocations"),
        (
            f"{_PROVIDERS}:create", f"{_PROVIDERS}:update", f"{_PROVIDERS}:delete", f"{_PROVIDERS}:inventories:create",
            f"{_PROVIDERS}:inventories:update", f"{_PROVIDERS}:inventories:delete", f"{_PROVIDERS}:traits:update",
            f"{_PROVIDERS}:traits:delete", f"{_PROVIDERS}:aggregates:update", "placement:allocations:manage",
            "placement:allocations:update", "placement:allocations:delete", "placement:resource_classes:create",
            "placement:resource_classes:update", "placement:resource_classes:delete", "placement:traits:update",
            "placement:traits:delete",
        ),
    ),
}  # fmt: skip
RULES = {rule: CHECK for _about, new in _BEFORE.values() for rule in new}
DESCRIPTIONS = {rule: about for about, new in _BEFORE.values() for rule in new}
OLD = dict.fromkeys(_BEFORE, CHECK)
FORMERLY = {rule: f"rule:{name}" for name, (_about, new) in _BEFORE.items() for rule in new}

#: Rules of a route, by method.
PROVIDER: Final = {
    "GET": "placement:resource_providers:show",
    "PUT": "placement:resource_providers:update",
    "DELETE": "placement:resource_providers:delete",
}
INVENTORIES: Final = {
    "GET": "placement:resource_providers:inventories:list",
    "PUT": "placement:resource_providers:inventories:update",
    "POST": "placement:resource_providers:inventories:create",
    "DELETE": "placement:resource_providers:inventories:delete",
}
INVENTORY: Final = {
    "GET": "placement:resource_providers:inventories:show",
    "PUT": "placement:resource_providers:inventories:update",
    "DELETE": "placement:resource_providers:inventories:delete",
}


def register() -> None:
    rules.register("placement", RULES, DESCRIPTIONS, formerly=FORMERLY, old=OLD)
