"""Deletion of each table's rows: by what, and when. Apps declare it in their `tables.py`; a test holds it against the models.

`gone_with(M)`: its rows go with those of model M, by the database's own rule.  `purged(P)`: by purge P (common.purging) of
`manage.py purge` and the nightly hour.  `periodic_task(T)`: by periodic task T (operations.periodic).  `by_people(...)`: by the people who made
them; quotas or the size of the cloud bound it.  `bounded(...)`: cannot grow.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Keeper:
    way: str
    what: str


def gone_with(model: str) -> Keeper:
    return Keeper("gone_with", model)


def purged(name: str) -> Keeper:
    return Keeper("purged", name)


def periodic_task(name: str) -> Keeper:
    return Keeper("periodic", name)


def by_people(how: str) -> Keeper:
    return Keeper("by_people", how)


def bounded(why: str) -> Keeper:
    return Keeper("bounded", why)


#: Label of a table → its keeper.
KEEPERS: dict[str, Keeper] = {}


def declare(keepers: Mapping[str, Keeper]) -> None:
    KEEPERS.update(keepers)
