"""Placement on the wire: the part of its API that schedulers, operators and tests use. Source: its API reference, 1.0 to 1.28."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import ProtectedError, Sum
from django.utils.http import http_date
from django.utils.translation import gettext_lazy as _

from authorization import policy
from common.errors import Conflict, Invalid, NotFound
from common.numbers import LARGEST
from openstackapi import microversion, states
from openstackapi.fields import Field, Fields, Version
from openstackapi.links import LINKS, link
from openstackapi.versioned import ByVersion, Names, Property, Span, body_schema
from openstackapi.views import Response, ServiceView
from placement import classes, policies, queries, services
from placement.models import Allocation, Inventory, ResourceProvider


class PlacementNotFound(NotFound):
    template = _("%(reason)s")


class ProviderExists(Conflict):
    wire_type = "placement.duplicate_name"
    formerly = ("placement.duplicate_name",)
    template = _("Conflicting resource provider name: %(name)s already exists.")


class ProviderInUse(Conflict):
    wire_type = "placement.resource_provider.inuse"
    formerly = ("placement.resource_provider.inuse",)
    template = _("Unable to delete resource provider %(id)s: it has allocations.")


class ProviderHasChildren(Conflict):
    wire_type = "placement.resource_provider.cannot_delete_parent"
    formerly = ("placement.resource_provider.cannot_delete_parent",)
    template = _("Unable to delete parent resource provider %(id)s: It has child resource providers.")


class InventoryInUse(Conflict):
    wire_type = "placement.inventory.inuse"
    formerly = ("placement.inventory.inuse",)
    template = _("update conflict: Inventory for '%(name)s' on resource provider '%(id)s' in use.")


class InventoryExists(Conflict):
    template = _("Update conflict: resource provider '%(id)s' already has an inventory of '%(name)s'.")


class PlacementView(ServiceView):
    service = "placement"
    rules: ClassVar[Mapping[str, str]] = {}  # policy's, by method

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        rule = self.rules.get(
            "GET" if request.method == "HEAD" else request.method
        )  # none for a method that is refused
        if rule is not None and not self.anonymous:
            policy.require(self.actor, rule)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """From 1.15 on, answers say how old they are: as old as now, and nobody keeps them."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if not self.anonymous and getattr(self, "version", (0, 0)) in _DATED and response.status_code < 300:
            response["Last-Modified"], response["Cache-Control"] = http_date(), "no-cache"
        return response


_DATED = Span(since=(1, 15))


class Versions(PlacementView):
    anonymous = True

    def get(self, request: object) -> Response:
        known = microversion.range_of("placement")
        assert known is not None
        version = {
            "id": "v1.0",
            "status": states.CURRENT,
            "min_version": microversion.text_of(known.minimum),
            "max_version": microversion.text_of(known.maximum),
            "links": [{"rel": "self", "href": ""}],
        }
        return Response({"versions": [version]})


# ── Providers ───────────────────────────────────────────────────────────────────────────────────────────────────────

_URL = "/api/placement/resource_providers"
#: Links of a provider → version from which each is shown.
_PARTS = Names(
    {"inventories": (1, 0), "usages": (1, 0), "aggregates": (1, 1), "traits": (1, 6), "allocations": (1, 11)}
)
#: Versions in which all of an inventory may be reserved.
_ALL_RESERVED = Span(since=(1, 26))


@dataclass
class _Row:
    """A provider, the links to its parts, and its place in a tree; the place is read when it is not given."""

    row: ResourceProvider
    links: list[dict[str, str]]
    trees: queries.Trees | None = None

    @cached_property
    def place(self) -> tuple[str | None, str]:
        return (self.trees or queries.roots())[self.row.id]


PROVIDER = Fields(
    "resource_provider",
    [
        Field("uuid", lambda one: one.row.id),
        Field("name", lambda one: one.row.name),
        Field("generation", lambda one: one.row.generation, type="integer"),
        Field("links", shown=LINKS),
        Field("parent_provider_uuid", lambda one: one.place[0], null=True, since=(1, 14)),
        Field("root_provider_uuid", lambda one: one.place[1], since=(1, 14)),
    ],
)


def shown(row: ResourceProvider, version: Version, trees: queries.Trees | None = None) -> dict[str, object]:
    """Build a provider on the wire. `trees` (queries.roots) is read when it is not given."""
    own = f"{_URL}/{row.id}"
    links = [link("self", own), *(link(part, f"{own}/{part}") for part in _PARTS.at(version))]
    return PROVIDER.render(_Row(row, links, trees), version)


_NAME = Property("name", {"type": "string", "minLength": 1, "maxLength": 200}, required=True)
_ID = Property("uuid", {"type": "string", "format": "uuid"})
_PARENT = Property("parent_provider_uuid", {"type": ["string", "null"]}, since=(1, 14))
_CREATE = ByVersion({v: body_schema((_NAME, _ID, _PARENT), v) for v in ((1, 0), (1, 14))})
_RENAME = ByVersion({v: body_schema((_NAME, _PARENT), v) for v in ((1, 0), (1, 14))})


def _told(row: ResourceProvider, version: Version) -> Response:
    return Response(shown(row, version))


#: Answer of POST: empty, from 1.20 on the provider.
_MADE: ByVersion[Callable[[ResourceProvider, Version], Response]] = ByVersion(
    {(1, 0): lambda row, version: Response(status=201), (1, 20): _told}
)


class Providers(PlacementView):
    rules = {"GET": "placement:resource_providers:list", "POST": "placement:resource_providers:create"}
    bodies = {"post": _CREATE.newest}

    def get(self, request: Any) -> Response:
        queries.check(request.GET, queries.PROVIDERS, self.version)
        trees = queries.roots()
        found = queries.providers(request.GET, self.version, trees)
        return Response({"resource_providers": [shown(row, self.version, trees) for row in found]})

    def post(self, request: object) -> Response:
        data = self.body(_CREATE.at(self.version))
        with transaction.atomic():
            parent = _parent(data)
            if parent is not None and parent == data.get("uuid"):
                raise Invalid(reason=_("parent provider UUID cannot be same as UUID."))
            if ResourceProvider.objects.filter(name=data["name"]).exists():
                raise ProviderExists(name=data["name"])
            if "uuid" in data and ResourceProvider.objects.filter(id=data["uuid"]).exists():
                raise ProviderExists(name=data["uuid"])
            given = {"id": data["uuid"]} if "uuid" in data else {}
            row = ResourceProvider.objects.create(name=data["name"], parent_id=parent, **given)
        response = _MADE.at(self.version)(row, self.version)
        response["Location"] = f"{self.root()}{_URL}/{row.id}"
        return response


def _parent(data: dict[str, Any]) -> str | None:
    """The parent that a body names. Raises: Invalid where there is no such provider."""
    parent: str | None = data.get("parent_provider_uuid")
    if parent is not None and not ResourceProvider.objects.select_for_update().filter(id=parent).exists():
        raise Invalid(reason=_("parent provider UUID does not exist."))
    return parent


def _adopt(row: ResourceProvider, data: dict[str, object]) -> None:
    """Give a provider its parent, once and for all. Raises: Invalid."""
    parent = _parent(data)
    if row.parent_id is not None and parent != row.parent_id and "parent_provider_uuid" in data:
        raise Invalid(reason=_("re-parenting a provider is not currently allowed."))
    if parent is None or parent == row.parent_id:
        return
    if queries.roots()[parent][1] == row.id:
        raise Invalid(reason=_("creating loop in the provider tree is not allowed."))
    row.parent_id = parent


class Provider(PlacementView):
    rules = policies.PROVIDER
    bodies = {"put": _RENAME.newest}

    def get(self, request: object, id: str) -> Response:
        return Response(shown(services.provider(id), self.version))

    def put(self, request: object, id: str) -> Response:
        data = self.body(_RENAME.at(self.version))
        name = data["name"]
        with transaction.atomic():
            row = services.provider(id, lock=True)
            if ResourceProvider.objects.filter(name=name).exclude(id=id).exists():
                raise ProviderExists(name=name)
            row.name = name
            _adopt(row, data)
            row.save(update_fields=["name", "parent"])
        return Response(shown(row, self.version))

    def delete(self, request: object, id: str) -> Response:
        try:
            with transaction.atomic():
                row = services.provider(id, lock=True)
                if row.children.exists():
                    raise ProviderHasChildren(id=id)
                row.delete()
        except ProtectedError:
            raise ProviderInUse(id=id) from None
        return Response(status=204)


# ── Inventories ─────────────────────────────────────────────────────────────────────────────────────────────────────

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
        response["Location"] = f"{self.root()}{_URL}/{id}/inventories/{name}"
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


class Usages(PlacementView):
    rules = {"GET": "placement:resource_providers:usages"}

    def get(self, request: object, id: str) -> Response:
        row = services.provider(id)
        used = dict.fromkeys(row.inventories.order_by("resource_class").values_list("resource_class", flat=True), 0)
        sums = row.allocations.values("resource_class").annotate(amount=Sum("used"))
        used.update({r["resource_class"]: r["amount"] for r in sums})
        return Response({"resource_provider_generation": row.generation, "usages": used})
