"""Limits of projects in words, as the panels of their services declare them, with what is used."""

from django.utils.translation import gettext as _

from common.units import human_mib
from portal.ui import panels
from portal.ui.panels import Limit, Quotas
from quota import services as quota

#: A service that no panel tells of: it has no rule of its own, and only those who administer projects change its limits.
READ, WRITE = "identity:get_project", "identity:update_limit"


def known() -> list[Quotas]:
    """List the quotas that panels declare, in the order of their places."""
    return sorted((one for panel in panels.panels() for one in panel.quotas), key=lambda one: one.place)


def services() -> list[Quotas]:
    """List the services that have limits; last those that no panel tells of."""
    have = dict.fromkeys(row.service for row in quota.registered())
    told = [one for one in known() if one.service in have]
    rest = sorted(have.keys() - {one.service for one in told})
    return [*told, *(Quotas(name, name, 0, READ, WRITE) for name in rest)]


def limits(about: Quotas) -> list[Limit]:
    """List the limits that the service has, in its own order."""
    words = {one.name: one for one in about.limits}
    names = [row.name for row in quota.registered(about.service) if row.name not in about.untold]
    return [words.get(name) or Limit(name, name.replace("_", " ")) for name in names]


def shown(limit: Limit, value: int) -> str:
    return human_mib(value) if limit.is_mib else str(value)


def of(limit: Limit, most: int) -> str:
    """Return the text behind the number that is used."""
    return _("of %(limit)s") % {"limit": shown(limit, most)} if most >= 0 else _("no limit")
