"""Placement on the wire: the part of its API that schedulers, operators and tests use. Source: its API reference, 1.0 to 1.31."""

from typing import Any

from django.db import transaction
from django.db.models import ProtectedError, Sum
from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, Invalid, NotFound
from common.ids import is_id
from identity import policy
from openstackapi import microversion
from openstackapi.views import Response, ServiceView
from placement import services, traits
from placement.models import Allocation, Consumer, Inventory, ProviderAggregate, ProviderTrait, ResourceProvider, Trait

MAXIMUM = "1.31"


class Missing(NotFound):
    template = "%(reason)s"


class ProviderExists(Conflict):
    template = _("Conflicting resource provider name: %(name)s already exists.")


class ProviderInUse(Conflict):
    template = _("Unable to delete resource provider %(id)s: it has allocations.")


class InventoryInUse(Conflict):
    template = _("update conflict: Inventory for '%(name)s' on resource provider '%(id)s' in use.")


class TraitInUse(Conflict):
    template = _("The trait %(name)s is in use by a resource provider.")


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


_CREATE = {
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
        if self.version >= (1, 20):
            return Response(shown(row, self.version))
        response = Response(status=201)
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
        if not traits.NAME.match(name) or not amount.isdigit() or int(amount) < 1:
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

_INVENTORY = {
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
_GENERATION = {"type": "integer"}


def _inventory(row: Inventory) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _COLUMNS}


class Inventories(PlacementView):
    bodies = {
        "put": {
            "type": "object",
            "properties": {
                "resource_provider_generation": _GENERATION,
                "inventories": {"type": "object", "additionalProperties": _INVENTORY},
            },
            "required": ["resource_provider_generation", "inventories"],
            "additionalProperties": False,
        }
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
    if name not in traits.RESOURCE_CLASSES and not traits.CUSTOM.match(name):
        raise Invalid(reason=f"Unknown resource class in inventory: No such resource class {name}.")


def _drop(row: ResourceProvider, classes: set[str]) -> None:
    """Raises: InventoryInUse."""
    used = Allocation.objects.filter(provider=row, resource_class__in=classes).values_list("resource_class", flat=True)
    if used:
        raise InventoryInUse(name=used[0], id=row.id)
    row.inventories.filter(resource_class__in=classes).delete()


class InventoryItem(PlacementView):
    bodies = {
        "put": {
            **_INVENTORY,
            "properties": {**_INVENTORY["properties"], "resource_provider_generation": _GENERATION},
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


# ── Traits and aggregates ───────────────────────────────────────────────────────────────────────────────────────────


def known_traits() -> set[str]:
    return {
        *traits.STANDARD,
        *Trait.objects.values_list("name", flat=True),
        *ProviderTrait.objects.values_list("name", flat=True),
    }


class Traits(PlacementView):
    since = (1, 6)

    def get(self, request: Any) -> Response:
        names = known_traits()
        wanted = request.GET.get("name", "")
        if wanted.startswith("startswith:"):
            names = {name for name in names if name.startswith(wanted.partition(":")[2])}
        elif wanted.startswith("in:"):
            names &= set(wanted.partition(":")[2].split(","))
        if request.GET.get("associated", "").lower() == "true":
            names &= set(ProviderTrait.objects.values_list("name", flat=True))
        return Response({"traits": sorted(names)})


class TraitItem(PlacementView):
    since = (1, 6)

    def get(self, request: Any, name: str) -> Response:
        if name not in known_traits():
            raise Missing(reason=f"No such trait: {name}")
        return Response(status=204)

    def put(self, request: Any, name: str) -> Response:
        if not traits.CUSTOM.match(name):
            raise Invalid(
                reason='The trait is invalid. A valid trait must be no longer than 255 characters, start with the prefix "CUSTOM_" and use following characters: "A"-"Z", "0"-"9" and "_"'
            )
        _row, made = Trait.objects.get_or_create(name=name)
        response = Response(status=201 if made else 204)
        response["Location"] = f"{self.root()}/api/placement/traits/{name}"
        return response

    def delete(self, request: Any, name: str) -> Response:
        if name in traits.STANDARD:
            raise Invalid(reason=f"Cannot delete standard trait {name}.")
        if ProviderTrait.objects.filter(name=name).exists():
            raise TraitInUse(name=name)
        if not Trait.objects.filter(name=name).delete()[0]:
            raise Missing(reason=f"No such trait: {name}")
        return Response(status=204)


class ProviderTraits(PlacementView):
    since = (1, 6)
    bodies = {
        "put": {
            "type": "object",
            "properties": {
                "resource_provider_generation": _GENERATION,
                "traits": {"type": "array", "items": {"type": "string", "maxLength": 255}},
            },
            "required": ["resource_provider_generation", "traits"],
            "additionalProperties": False,
        }
    }

    def _all(self, row: ResourceProvider) -> Response:
        names = sorted(row.traits.values_list("name", flat=True))
        return Response({"resource_provider_generation": row.generation, "traits": names})

    def get(self, request: Any, id: str) -> Response:
        return self._all(services.provider(id))

    def put(self, request: Any, id: str) -> Response:
        data = self.body()
        with transaction.atomic():
            row = services.provider(id, lock=True)
            unknown = sorted(set(data["traits"]) - known_traits())
            if unknown:
                raise Invalid(reason=f"No such trait {', '.join(unknown)}")
            services.bump(row, data["resource_provider_generation"])
            row.traits.all().delete()
            ProviderTrait.objects.bulk_create(ProviderTrait(provider=row, name=name) for name in set(data["traits"]))
        return self._all(row)

    def delete(self, request: Any, id: str) -> Response:
        with transaction.atomic():
            row = services.provider(id, lock=True)
            services.bump(row, None)
            row.traits.all().delete()
        return Response(status=204)


class Aggregates(PlacementView):
    since = (1, 1)
    _IDS = {"type": "array", "items": {"type": "string", "format": "uuid"}, "uniqueItems": True}
    bodies = {
        "put": {
            "type": "object",
            "properties": {"aggregates": _IDS, "resource_provider_generation": _GENERATION},
            "required": ["aggregates", "resource_provider_generation"],
            "additionalProperties": False,
        }
    }

    def _all(self, row: ResourceProvider) -> Response:
        body: dict[str, Any] = {"aggregates": sorted(row.aggregates.values_list("aggregate_id", flat=True))}
        if self.version >= (1, 19):
            body["resource_provider_generation"] = row.generation
        return Response(body)

    def get(self, request: Any, id: str) -> Response:
        return self._all(services.provider(id))

    def put(self, request: Any, id: str) -> Response:
        data = self.body(self._IDS if self.version < (1, 19) else self.bodies["put"])
        ids = data if isinstance(data, list) else data["aggregates"]
        with transaction.atomic():
            row = services.provider(id, lock=True)
            services.bump(row, None if isinstance(data, list) else data["resource_provider_generation"])
            row.aggregates.all().delete()
            ProviderAggregate.objects.bulk_create(ProviderAggregate(provider=row, aggregate_id=a) for a in ids)
        return self._all(row)


# ── Allocations ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Allocations(PlacementView):
    """What a consumer holds. An id without a consumer holds nothing: 200 and an empty answer, as Placement says."""

    def get(self, request: Any, id: str) -> Response:
        if not is_id(id):
            raise Invalid(reason=f"Expected a uuid but received {id}")
        held: dict[str, Any] = {}
        for row in Allocation.objects.filter(consumer_id=id).select_related("provider"):
            one = held.setdefault(row.provider_id, {"generation": row.provider.generation, "resources": {}})
            one["resources"][row.resource_class] = row.used
        body: dict[str, Any] = {"allocations": held}
        consumer = Consumer.objects.filter(id=id).first()
        if consumer is not None and self.version >= (1, 12):
            body |= {"project_id": consumer.project_id, "user_id": consumer.user_id}
        if consumer is not None and self.version >= (1, 28):
            body["consumer_generation"] = consumer.generation
        return Response(body)

    def delete(self, request: Any, id: str) -> Response:
        if not Consumer.objects.filter(id=id).exists():
            raise Missing(reason=f"No allocations for consumer '{id}'")
        services.release(id)
        return Response(status=204)


class ProviderAllocations(PlacementView):
    def get(self, request: Any, id: str) -> Response:
        row = services.provider(id)
        held: dict[str, dict[str, Any]] = {}
        for consumer, name, used in row.allocations.values_list("consumer_id", "resource_class", "used"):
            held.setdefault(consumer, {"resources": {}})["resources"][name] = used
        return Response({"resource_provider_generation": row.generation, "allocations": held})


class Candidates(PlacementView):
    """Which single provider has room for what is asked."""

    since = (1, 10)

    def get(self, request: Any) -> Response:
        if "resources" not in request.GET:
            raise Invalid(reason="All request groups must specify resources.")
        asked = resources_of(request.GET["resources"])
        required = [name for text in request.GET.getlist("required") for name in text.split(",") if name]
        limit = request.GET.get("limit", "1000")
        if not limit.isdigit() or int(limit) < 1:
            raise Invalid(reason=f"Invalid limit {limit}.")
        rooms = services.rooms(with_traits=True).values()
        fits = [room for room in rooms if room.shortage(asked) is None and _has_traits(room, required)][: int(limit)]
        summaries = {room.provider_id: self._summary(room) for room in fits}
        return Response(
            {"allocation_requests": [self._ask(room, asked) for room in fits], "provider_summaries": summaries}
        )

    def _ask(self, room: services.Room, asked: dict[str, int]) -> dict[str, Any]:
        if self.version < (1, 12):
            return {"allocations": [{"resource_provider": {"uuid": room.provider_id}, "resources": asked}]}
        return {"allocations": {room.provider_id: {"resources": asked}}}

    def _summary(self, room: services.Room) -> dict[str, Any]:
        resources = {n: {"capacity": c, "used": room.used.get(n, 0)} for n, c in room.capacity.items()}
        out: dict[str, Any] = {"resources": resources}
        if self.version >= (1, 17):
            out["traits"] = sorted(room.traits)
        if self.version >= (1, 29):
            out |= {"parent_provider_uuid": None, "root_provider_uuid": room.provider_id}
        return out


def _has_traits(room: services.Room, required: list[str]) -> bool:
    return all((n[1:] not in room.traits) if n.startswith("!") else (n in room.traits) for n in required)
