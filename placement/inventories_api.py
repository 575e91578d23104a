"""Inventories of providers on the wire."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, Invalid
from common.numbers import LARGEST
from openstackapi.versioned import Span
from openstackapi.views import Response
from placement import classes, policies, services
from placement.api import URL, PlacementNotFound, PlacementView
from placement.models import Allocation, Inventory, ResourceProvider


class InventoryInUse(Conflict):
    wire_type = "placement.inventory.inuse"
    formerly = ("placement.inventory.inuse",)
    template = _("update conflict: Inventory for '%(name)s' on resource provider '%(id)s' in use.")


class InventoryExists(Conflict):
    template = _("Update conflict: resource provider '%(id)s' already has an inventory of '%(name)s'.")


#: Versions in which all of an inventory may be reserved.
_ALL_RESERVED = Span(since=(1, 26))
#: Placement's own bound (SQL_SP_FLOAT_MAX): a share of it is a number still, and no infinity that breaks every sum.
LARGEST_RATIO = 3.40282e38
_INVENTORY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "total": {"type": "integer", "minimum": 1, "maximum": LARGEST},
        "reserved": {"type": "integer", "minimum": 0, "maximum": LARGEST},
        "min_unit": {"type": "integer", "minimum": 1, "maximum": LARGEST},
        "max_unit": {"type": "integer", "minimum": 1, "maximum": LARGEST},
        "step_size": {"type": "integer", "minimum": 1, "maximum": LARGEST},
        "allocation_ratio": {"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST_RATIO},
    },
    "required": ["total"],
}
_COLUMNS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
GENERATION = {"type": "integer", "maximum": LARGEST}


def _inventory(row: Inventory) -> dict[str, object]:
    return {name: getattr(row, name) for name in _COLUMNS}


_VALUES = {"total": int, "reserved": int, "min_unit": int, "max_unit": int, "step_size": int, "allocation_ratio": float}
_ONE = {"resource_provider_generation": int, **_VALUES}
_MANY = {"resource_provider_generation": int, "inventories": {str: _VALUES}}


class Inventories(PlacementView):
    rules = policies.INVENTORIES
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
    answers = {"get": {200: _MANY}, "put": {200: _MANY}, "post": {201: _ONE}}

    def _all(self, row: ResourceProvider) -> Response:
        rows = row.inventories.order_by("resource_class")
        body = {"resource_provider_generation": row.generation}
        return Response({**body, "inventories": {r.resource_class: _inventory(r) for r in rows}})

    def get(self, request: object, id: str) -> Response:
        return self._all(services.provider(id))

    def put(self, request: object, id: str) -> Response:
        data = self.body()
        with transaction.atomic():
            row = services.provider(id, lock=True)
            services.bump(row, data["resource_provider_generation"])
            _drop(row, set(row.inventories.values_list("resource_class", flat=True)) - set(data["inventories"]))
            for name, values in data["inventories"].items():
                _check_class(name)
                Inventory.objects.update_or_create(
                    provider=row, resource_class=name, defaults=_columns(values, self.version)
                )
        return self._all(row)

    def post(self, request: object, id: str) -> Response:
        """Add the inventory of one more class."""
        data = self.body()
        name = data["resource_class"]
        with transaction.atomic():
            row = services.provider(id, lock=True)
            _check_class(name)
            if row.inventories.filter(resource_class=name).exists():
                raise InventoryExists(name=name, id=id)
            services.bump(row, data.get("resource_provider_generation"))
            made = Inventory.objects.create(provider=row, resource_class=name, **_columns(data, self.version))
        body = {"resource_provider_generation": row.generation, **_inventory(made)}
        response = Response(body, status=201)
        response["Location"] = f"{self.root()}{URL}/{id}/inventories/{name}"
        return response

    def delete(self, request: object, id: str) -> Response:
        with transaction.atomic():
            row = services.provider(id, lock=True)
            services.bump(row, None)
            _drop(row, set(row.inventories.values_list("resource_class", flat=True)))
        return Response(status=204)


def _columns(values: dict[str, Any], version: tuple[int, int]) -> dict[str, Any]:
    given = {name: values[name] for name in _COLUMNS if name in values}
    most = given["total"] if version in _ALL_RESERVED else given["total"] - 1
    if given.get("reserved", 0) > most:
        raise Invalid(
            reason=_("Invalid inventory: reserved leaves nothing of total. From version 1.26 on it may be all of it.")
        )
    return given


def _check_class(name: str) -> None:
    if not classes.exists(name):
        raise Invalid(reason=_("Unknown resource class in inventory: No such resource class %(name)s."), name=name)


def _drop(row: ResourceProvider, names: set[str]) -> None:
    """Delete inventories of a provider by their classes. Raises: InventoryInUse."""
    used = Allocation.objects.filter(provider=row, resource_class__in=names).values_list("resource_class", flat=True)
    if used:
        raise InventoryInUse(name=used[0], id=row.id)
    row.inventories.filter(resource_class__in=names).delete()


class InventoryItem(PlacementView):
    rules = policies.INVENTORY
    bodies = {
        "put": {
            **_INVENTORY,
            "properties": {**_INVENTORY["properties"], "resource_provider_generation": GENERATION},
            "required": ["total", "resource_provider_generation"],
        }
    }
    answers = {"get": {200: _ONE}, "put": {200: _ONE}}

    def _find(self, row: ResourceProvider, name: str) -> Inventory:
        found = row.inventories.filter(resource_class=name).first()
        if found is None:
            raise PlacementNotFound(
                reason=_("No inventory of class %(name)s for %(provider)s"), name=name, provider=row.id
            )
        return found

    def get(self, request: object, id: str, name: str) -> Response:
        row = services.provider(id)
        return Response({"resource_provider_generation": row.generation, **_inventory(self._find(row, name))})

    def put(self, request: object, id: str, name: str) -> Response:
        data = self.body()
        with transaction.atomic():
            row = services.provider(id, lock=True)
            found = self._find(row, name)
            services.bump(row, data["resource_provider_generation"])
            for column, value in _columns(data, self.version).items():
                setattr(found, column, value)
            found.save()
        return Response({"resource_provider_generation": row.generation, **_inventory(found)})

    def delete(self, request: object, id: str, name: str) -> Response:
        with transaction.atomic():
            row = services.provider(id, lock=True)
            self._find(row, name)
            services.bump(row, None)
            _drop(row, {name})
        return Response(status=204)
