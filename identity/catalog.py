"""The service catalog: what apps declare (openstackapi.services), what the rows say, what a token shows."""

import re
from typing import Any

from django.conf import settings

from identity.assignments.effective import Scope
from identity.catalogs.models import Endpoint, EndpointGroup, ProjectEndpoint, Region, Service
from identity.revocation import services as revocation
from openstackapi import services

INTERFACES = ("public", "internal", "admin")
#: Stands for the address by which a client reaches the reverse proxy.
PUBLIC = "$(public_url)s"


def seed() -> int:
    """Make rows for every service of this cloud that has none. Returns how many services were added."""
    region, _made = Region.objects.get_or_create(pk=settings.REGION)
    added = 0
    for entry in services.every():
        for type in entry.types:
            service = Service.objects.filter(type=type).first()
            if service is None:
                service = Service.objects.create(type=type, name=entry.name, description=entry.description)
                added += 1
            have = set(service.endpoints.filter(region=region).values_list("interface", flat=True))
            Endpoint.objects.bulk_create(
                Endpoint(service=service, region=region, interface=interface, url=PUBLIC + entry.path)
                for interface in INTERFACES
                if interface not in have
            )
    if added:
        revocation.touch()
    return added


_URL = re.compile(r"\$\((\w+)\)s|%\((\w+)\)s")


def url_for(template: str, values: dict[str, str | None]) -> str | None:
    """`template` with its names filled in; None when one has no value (Keystone then leaves the endpoint out)."""
    missing = False

    def fill(match: re.Match[str]) -> str:
        nonlocal missing
        value = values.get(match.group(1) or match.group(2))
        missing = missing or not value
        return value or ""

    text = _URL.sub(fill, template)
    return None if missing else text


_rows: tuple[int, list[dict[str, object]], list[dict[str, object]]] | None = None


def _enabled() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(services, endpoints) that are enabled, cached until the epoch moves."""
    global _rows
    epoch = revocation.epoch()
    if _rows is None or _rows[0] != epoch:
        services = Service.objects.filter(enabled=True).order_by("type", "name").values("id", "type", "name")
        endpoints = Endpoint.objects.filter(enabled=True, service__enabled=True).order_by("interface", "id")
        columns = ("id", "service_id", "region_id", "interface", "url")
        _rows = (epoch, [dict(row) for row in services], [dict(row) for row in endpoints.values(*columns)])
    return _rows[1], _rows[2]


_shown: dict[tuple[str, str, str, str], tuple[int, list[dict[str, object]]]] = {}


def for_scope(scope: Scope, user_id: str, base: str) -> list[dict[str, object]]:
    """List the catalog as a token shows it, cached until the epoch moves; not to be changed by the caller.

    `base` is ``http://host:port`` as the client sees it.
    """
    epoch = revocation.epoch()
    key = (scope.kind, scope.id, user_id, base)
    known = _shown.get(key)
    if known is None or known[0] != epoch:
        if len(_shown) > 2000:
            _shown.clear()
        known = _shown[key] = (epoch, _build(scope, user_id, base))
    return known[1]


def _build(scope: Scope, user_id: str, base: str) -> list[dict[str, object]]:
    services, endpoints = _enabled()
    project_id = scope.id if scope.kind == "project" else None
    values = {"public_url": base, "user_id": user_id, "project_id": project_id, "tenant_id": project_id}
    if project_id:
        chosen = chosen_endpoints(project_id)
        if chosen:
            endpoints = [row for row in endpoints if row["id"] in chosen]
    by_service: dict[str, list[dict[str, object]]] = {}
    for row in endpoints:
        url = url_for(row["url"], values)
        if url is None:
            continue
        shown = {"id": row["id"], "interface": row["interface"], "region_id": row["region_id"]}
        by_service.setdefault(row["service_id"], []).append({**shown, "url": url, "region": row["region_id"]})
    return [
        {"endpoints": by_service.get(row["id"], []), "id": row["id"], "type": row["type"], "name": row["name"]}
        for row in services
    ]


def chosen_endpoints(project_id: str) -> set[str]:
    """Endpoint ids given to a project by hand (OS-EP-FILTER); empty means: no filter, all of them."""
    chosen = set(ProjectEndpoint.objects.filter(project_id=project_id).values_list("endpoint_id", flat=True))
    for group in EndpointGroup.objects.filter(projects=project_id):
        chosen |= set(matching(group.filters).values_list("id", flat=True))
    return chosen


def matching(filters: dict[str, str]) -> Any:
    """Endpoints that an endpoint group's filters name."""
    known = {name: value for name, value in filters.items() if name in ("service_id", "region_id", "interface")}
    return Endpoint.objects.filter(**known)
