"""Placement on the wire: the part of its API that schedulers, operators and tests use. Source: its API reference, 1.0 to 1.31."""

from typing import Any

from django.db import transaction
from django.db.models import ProtectedError, Sum
from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, Invalid, NotFound
from common.numbers import is_whole
from identity import policy
from openstackapi import microversion
from openstackapi.views import Response, ServiceView
from placement import classes, services, traits
from placement.models import Allocation, Inventory, ResourceProvider


class Missing(NotFound):
    template = "%(reason)s"


class ProviderExists(Conflict):
    template = _("Conflicting resource provider name: %(name)s already exists.")


class ProviderInUse(Conflict):
    template = _("Unable to delete resource provider %(id)s: it has allocations.")


class InventoryInUse(Conflict):
    template = _("update conflict: Inventory for '%(name)s' on resource provider '%(id)s' in use.")


class InventoryExists(Conflict):
    template = _("Update conflict: resource provider '%(id)s' already has an inventory of '%(name)s'.")


class PlacementView(ServiceView):
    service = "placement"

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not self.anonymous:
            rule = "placement:read" if request.method in ("GET", "HEAD") else "placement:write"
            policy.require(self.actor, rule)


class Versions(PlacementView):
    anonymous = True

    def get(self, request: Any) -> Response:
        known = microversion.range_of("placement")
        assert known is not None
        version = {
            "id": "v1.0",
            "status": "CURRENT",
            "min_version": microversion.text_of(known.minimum),
            "max_version": microversion.text_of(known.maximum),
            "links": [{"rel": "self", "href": ""}],
        }
        return Response({"versions": [version]})


# ── Providers ───────────────────────────────────────────────────────────────────────────────────────────────────────

_URL = "/api/placement/resource_providers"


def shown(row: ResourceProvider, version: tuple[int, int]) -> dict[str, Any]:
    own = f"{_URL}/{row.id}"
    parts = ["inventories", "usages"]
    if version >= (1, 1):
        parts.append("aggregates")
    if version >= (1, 6):
        parts.append("traits")
    if version >= (1, 11):
        parts.append("allocations")
    links = [{"rel": "self", "href": own}, *({"rel": part, "href": f"{own}/{part}"} for part in parts)]
    out = {"uuid": row.id, "name": row.name, "generation": row.generation, "links": links}
    if version >= (1, 14):
        out |= {"parent_provider_uuid": None, "root_provider_uuid": row.id}
    return out


_CREATE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 200},
        "uuid": {"type": "string", "format": "uuid"},
        "parent_provider_uuid": {"type": "null"},
    },
    "required": ["name"],
    "additionalProperties": False,
}
_RENAME = {**_CREATE, "properties": {k: v for k, v in _CREATE["properties"].items() if k != "uuid"}}


class Providers(PlacementView):
    bodies = {"post": _CREATE}

    def get(self, request: Any) -> Response:
        query, rows = request.GET, ResourceProvider.objects.order_by("name")
        if "name" in query:
            rows = rows.filter(name=query["name"])
        if "uuid" in query:
            rows = rows.filter(id=query["uuid"])
        for text in query.getlist("member_of"):
            ids = text.removeprefix("in:").split(",")
            rows = rows.filter(aggregates__aggregate_id__in=ids).distinct()
        for text in query.getlist("required"):
            for name in text.removeprefix("in:").split(","):
                rows = _having(rows, name)
        if "resources" in query:
            rooms = services.rooms()
            asked = resources_of(query["resources"])
            fits = [room.provider_id for room in rooms.values() if room.shortage(asked) is None]
            rows = rows.filter(id__in=fits)
        return Response({"resource_providers": [shown(row, self.version) for row in rows]})

    def post(self, request: Any) -> Response:
        data = self.body()
        with transaction.atomic():
            if ResourceProvider.objects.filter(name=data["name"]).exists():
                raise ProviderExists(name=data["name"])
            if "uuid" in data and ResourceProvider.objects.filter(id=data["uuid"]).exists():
                raise ProviderExists(name=data["uuid"])
            given = {"id": data["uuid"]} if "uuid" in data else {}
            row = ResourceProvider.objects.create(name=data["name"], **given)
        response = Response(shown(row, self.version)) if self.version >= (1, 20) else Response(status=201)
        response["Location"] = f"{self.root()}{_URL}/{row.id}"
        return response


def _having(rows: Any, name: str) -> Any:
    if name.startswith("!"):
        return rows.exclude(traits__name=name[1:])
    return rows.filter(traits__name=name)


def resources_of(text: str) -> dict[str, int]:
    """``VCPU:1,MEMORY_MB:64`` → {class: amount}. Raises: Invalid."""
    out: dict[str, int] = {}
    for part in text.split(","):
        name, _sep, amount = part.partition(":")
        if not traits.NAME.match(name) or not is_whole(amount) or int(amount) < 1:
            raise Invalid(
                reason=f"Badly formed resources parameter. Expected resources query string parameter in form: ?resources=VCPU:2,MEMORY_MB:1024. Got: {text}."
            )
        out[name] = int(amount)
    return out


class Provider(PlacementView):
    bodies = {"put": _RENAME}

    def get(self, request: Any, id: str) -> Response:
        return Response(shown(services.provider(id), self.version))

    def put(self, request: Any, id: str) -> Response:
        name = self.body()["name"]
        with transaction.atomic():
            row = services.provider(id, lock=True)
            if ResourceProvider.objects.filter(name=name).exclude(id=id).exists():
                raise ProviderExists(name=name)
            row.name = name
            row.save(update_fields=["name"])
        return Response(shown(row, self.version))

    def delete(self, request: Any, id: str) -> Response:
        try:
            with transaction.atomic():
                services.provider(id, lock=True).delete()
        except ProtectedError:
            raise ProviderInUse(id=id) from None
        return Response(status=204)


# ── Inventories ─────────────────────────────────────────────────────────────────────────────────────────────────────

_INVENTORY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "total": {"type": "integer", "minimum": 1, "maximum": 2147483647},
        "reserved": {"type": "integer", "minimum": 0, "maximum": 2147483647},
        "min_unit": {"type": "integer", "minimum": 1, "maximum": 2147483647},
        "max_unit": {"type": "integer", "minimum": 1, "maximum": 2147483647},
        "step_size": {"type": "integer", "minimum": 1, "maximum": 2147483647},
        "allocation_ratio": {"type": "number", "exclusiveMinimum": 0},
    },
    "required": ["total"],
}
_COLUMNS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
GENERATION = {"type": "integer"}


def _inventory(row: Inventory) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _COLUMNS}


class Inventories(PlacementView):
    bodies = {
        "put": {
            "type": "object",
            "properties": {
                "resource_provider_generation": GENERATION,
                "inventories": {"type": "object", "additionalProperties": _INVENTORY},
            },
            "required": ["resource_provider_generation", "inventories"],
            "additionalProperties": False,
        },
        "post": {
            **_INVENTORY,
            "properties": {
                **_INVENTORY["properties"],
                "resource_class": {"type": "string", "pattern": "^[A-Z0-9_]+$", "maxLength": 255},
                "resource_provider_generation": GENERATION,
            },
            "required": ["total", "resource_class"],
        },
    }

    def _all(self, row: ResourceProvider) -> Response:
        rows = row.inventories.order_by("resource_class")
        body = {"resource_provider_generation": row.generation}
        return Response({**body, "inventories": {r.resource_class: _inventory(r) for r in rows}})

    def get(self, request: Any, id: str) -> Response:
        return self._all(services.provider(id))

    def put(self, request: Any, id: str) -> Response:
        data = self.body()
        with transaction.atomic():
            row = services.provider(id, lock=True)
            services.bump(row, data["resource_provider_generation"])
            _drop(row, set(row.inventories.values_list("resource_class", flat=True)) - set(data["inventories"]))
            for name, values in data["inventories"].items():
                _check_class(name)
                Inventory.objects.update_or_create(provider=row, resource_class=name, defaults=_columns(values))
        return self._all(row)

    def post(self, request: Any, id: str) -> Response:
        """Add the inventory of one more class."""
        data = self.body()
        name = data["resource_class"]
        with transaction.atomic():
            row = services.provider(id, lock=True)
            _check_class(name)
            if row.inventories.filter(resource_class=name).exists():
                raise InventoryExists(name=name, id=id)
            services.bump(row, data.get("resource_provider_generation"))
            made = Inventory.objects.create(provider=row, resource_class=name, **_columns(data))
        body = {"resource_provider_generation": row.generation, **_inventory(made)}
        response = Response(body, status=201)
        response["Location"] = f"{self.root()}{_URL}/{id}/inventories/{name}"
        return response

    def delete(self, request: Any, id: str) -> Response:
        with transaction.atomic():
            row = services.provider(id, lock=True)
            services.bump(row, None)
            _drop(row, set(row.inventories.values_list("resource_class", flat=True)))
        return Response(status=204)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    given = {name: values[name] for name in _COLUMNS if name in values}
    if given.get("reserved", 0) > given["total"]:
        raise Invalid(reason="Invalid inventory: reserved is greater than total.")
    return given


def _check_class(name: str) -> None:
    if not classes.exists(name):
        raise Invalid(reason=f"Unknown resource class in inventory: No such resource class {name}.")


def _drop(row: ResourceProvider, names: set[str]) -> None:
    """Raises: InventoryInUse."""
    used = Allocation.objects.filter(provider=row, resource_class__in=names).values_list("resource_class", flat=True)
    if used:
        raise InventoryInUse(name=used[0], id=row.id)
    row.inventories.filter(resource_class__in=names).delete()


class InventoryItem(PlacementView):
    bodies = {
        "put": {
            **_INVENTORY,
            "properties": {**_INVENTORY["properties"], "resource_provider_generation": GENERATION},
            "required": ["total", "resource_provider_generation"],
        }
    }

    def _find(self, row: ResourceProvider, name: str) -> Inventory:
        found = row.inventories.filter(resource_class=name).first()
        if found is None:
            raise Missing(reason=f"No inventory of class {name} for {row.id}")
        return found

    def get(self, request: Any, id: str, name: str) -> Response:
        row = services.provider(id)
        return Response({"resource_provider_generation": row.generation, **_inventory(self._find(row, name))})

    def put(self, request: Any, id: str, name: str) -> Response:
        data = self.body()
        with transaction.atomic():
            row = services.provider(id, lock=True)
            found = self._find(row, name)
            services.bump(row, data["resource_provider_generation"])
            for column, value in _columns(data).items():
                setattr(found, column, value)
            found.save()
        return Response({"resource_provider_generation": row.generation, **_inventory(found)})

    def delete(self, request: Any, id: str, name: str) -> Response:
        with transaction.atomic():
            row = services.provider(id, lock=True)
            self._find(row, name)
            services.bump(row, None)
            _drop(row, {name})
        return Response(status=204)


class Usages(PlacementView):
    def get(self, request: Any, id: str) -> Response:
        row = services.provider(id)
        used = dict.fromkeys(row.inventories.order_by("resource_class").values_list("resource_class", flat=True), 0)
        sums = row.allocations.values("resource_class").annotate(amount=Sum("used"))
        used.update({r["resource_class"]: r["amount"] for r in sums})
        return Response({"resource_provider_generation": row.generation, "usages": used})
