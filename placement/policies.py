"""Placement's rules: who may do what."""

from django.utils.translation import gettext_lazy as _

from authorization import rules

RULES = {
    "placement:read": "rule:admin or rule:service",
    "placement:write": "rule:admin or rule:service",
}
DESCRIPTIONS = {
    "placement:read": _("See resource providers, inventories, usages and allocations"),
    "placement:write": _("Change resource providers, inventories, traits and allocations"),
}


def register() -> None:
    rules.register("placement", RULES, DESCRIPTIONS)
