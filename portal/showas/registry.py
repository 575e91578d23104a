"""Every entry of the tables, and the cloud's own addresses."""

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from django.http import HttpRequest

from identity import catalog
from identity.catalogs.models import Endpoint
from openstackapi import links, services
from portal.showas.entries import Entry, Family
from portal.showas.kinds import Kind, in_catalog
from portal.showas.scripts import Cloud


def _tables() -> list[object]:
    folder = Path(__file__).parent / "tables"
    return [import_module(f"portal.showas.tables.{found.name}") for found in iter_modules([str(folder)])]


@cache
def entries() -> dict[str, Entry]:
    """Collect the entries: name of an address → its entry."""
    return {route: entry for table in _tables() for route, entry in getattr(table, "ENTRIES", {}).items()}


@cache
def kinds() -> dict[str, Kind]:
    """Collect the kinds by their names."""
    found: dict[str, Kind] = {}
    for table in _tables():
        for value in vars(table).values():
            if isinstance(value, Family):
                several = list(value.kinds())
            else:
                several = list(value.values()) if isinstance(value, dict) else [value]
            found.update({kind.name: kind for kind in several if isinstance(kind, Kind)})
    return found


def cloud_of(request: HttpRequest) -> Cloud:
    """Read where this cloud's services are for the caller, and their newest microversions."""
    known: dict[str, str | None] = {"public_url": links.root(request)}
    region = request.prefs.region  # type: ignore[attr-defined]
    rows = Endpoint.objects.filter(interface="public", region_id=region).values_list("service__type", "url")
    urls = {kind: (catalog.url_for(url, known) or url).rstrip("/") for kind, url in rows}
    versions = {one.type: one.microversions[1] for one in services.every() if one.microversions}
    return Cloud(lambda kind: urls.get(in_catalog(kind), ""), versions)
