"""Resource providers."""

from portal.showas.entries import Entry, once
from portal.showas.kinds import NO_SOURCE, Kind

PROVIDERS = Kind(
    name="resource-provider.list",
    service="placement",
    method="GET",
    path="/resource_providers",
    sdk="resource_providers",
    tf=NO_SOURCE,
)

ENTRIES: dict[str, Entry] = {"resource-providers": once(PROVIDERS)}
