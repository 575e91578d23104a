"""Traits and aggregates of providers on the wire."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Conflict, Invalid
from openstackapi.fields import Field, Fields
from openstackapi.versioned import ByVersion
from openstackapi.views import Response
from placement import services, traits
from placement.api import PlacementNotFound, PlacementView
from placement.inventories_api import GENERATION
from placement.models import ProviderAggregate, ProviderTrait, ResourceProvider, Trait
from placement.queries import known_traits


class TraitInUse(Conflict):
    template = _("The trait %(name)s is in use by a resource provider.")


class Traits(PlacementView):
    rules = {
        "GET": "placement:traits:list",
    }
    since = (1, 6)
    answers = {"get": {200: {"traits": [str]}}}
    queries = {"get": {"name": str, "associated": str}}

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
    rules = {
        "GET": "placement:traits:show",
        "PUT": "placement:traits:update",
        "DELETE": "placement:traits:delete",
    }
    since = (1, 6)
    answers = {"get": {204: None}, "put": {201: None, 204: None}}

    def get(self, request: object, name: str) -> Response:
        if name not in known_traits():
            raise PlacementNotFound(reason=_("No such trait: %(name)s"), name=name)
        return Response(status=204)

    def put(self, request: object, name: str) -> Response:
        if not traits.CUSTOM.match(name):
            raise Invalid(
                reason=_(
                    "The trait is invalid. A valid trait must be no longer than 255 characters, start with the prefix "
                    '"CUSTOM_" and use following characters: "A"-"Z", "0"-"9" and "_"'
                )
            )
        _row, made = Trait.objects.get_or_create(name=name)
        response = Response(status=201 if made else 204)
        response["Location"] = f"{self.root()}/api/placement/traits/{name}"
        return response

    def delete(self, request: object, name: str) -> Response:
        if name in traits.STANDARD:
            raise Invalid(reason=_("Cannot delete standard trait %(name)s."), name=name)
        if ProviderTrait.objects.filter(name=name).exists():
            raise TraitInUse(name=name)
        if not Trait.objects.filter(name=name).delete()[0]:
            raise PlacementNotFound(reason=_("No such trait: %(name)s"), name=name)
        return Response(status=204)


_TRAITS = {"resource_provider_generation": int, "traits": [str]}


class ProviderTraits(PlacementView):
    rules = {
        "GET": "placement:resource_providers:traits:list",
        "PUT": "placement:resource_providers:traits:update",
        "DELETE": "placement:resource_providers:traits:delete",
    }
    since = (1, 6)
    bodies = {
        "put": {
            "type": "object",
            "properties": {
                "resource_provider_generation": GENERATION,
                "traits": {"type": "array", "items": {"type": "string", "maxLength": 255}},
            },
            "required": ["resource_provider_generation", "traits"],
            "additionalProperties": False,
        }
    }
    answers = {"get": {200: _TRAITS}, "put": {200: _TRAITS}}

    def _all(self, row: ResourceProvider) -> Response:
        names = sorted(row.traits.values_list("name", flat=True))
        return Response({"resource_provider_generation": row.generation, "traits": names})

    def get(self, request: object, id: str) -> Response:
        return self._all(services.provider(id))

    def put(self, request: object, id: str) -> Response:
        data = self.body()
        with transaction.atomic():
            row = services.provider(id, lock=True)
            unknown = sorted(set(data["traits"]) - known_traits())
            if unknown:
                raise Invalid(reason=_("No such trait %(names)s"), names=", ".join(unknown))
            services.bump(row, data["resource_provider_generation"])
            row.traits.all().delete()
            ProviderTrait.objects.bulk_create(ProviderTrait(provider=row, name=name) for name in set(data["traits"]))
        return self._all(row)

    def delete(self, request: object, id: str) -> Response:
        with transaction.atomic():
            row = services.provider(id, lock=True)
            services.bump(row, None)
            row.traits.all().delete()
        return Response(status=204)


_AGGREGATES = Fields(
    "aggregates",
    [
        Field(
            "aggregates",
            lambda row: sorted(row.aggregates.values_list("aggregate_id", flat=True)),
            type="array",
            items="string",
        ),
        Field("resource_provider_generation", "generation", type="integer", since=(1, 19)),
    ],
)


class Aggregates(PlacementView):
    rules = {
        "GET": "placement:resource_providers:aggregates:list",
        "PUT": "placement:resource_providers:aggregates:update",
    }
    since = (1, 1)
    _IDS = {"type": "array", "items": {"type": "string", "format": "uuid"}, "uniqueItems": True}
    bodies = {
        "put": {
            "type": "object",
            "properties": {"aggregates": _IDS, "resource_provider_generation": GENERATION},
            "required": ["aggregates", "resource_provider_generation"],
            "additionalProperties": False,
        }
    }
    _BODIES = ByVersion({(1, 0): _IDS, (1, 19): bodies["put"]})
    answers = {"get": {200: _AGGREGATES}, "put": {200: _AGGREGATES}}

    def _all(self, row: ResourceProvider) -> Response:
        return Response(_AGGREGATES.render(row, self.version))

    def get(self, request: object, id: str) -> Response:
        return self._all(services.provider(id))

    def put(self, request: object, id: str) -> Response:
        data = self.body(self._BODIES.at(self.version))
        ids = data if isinstance(data, list) else data["aggregates"]
        with transaction.atomic():
            row = services.provider(id, lock=True)
            services.bump(row, None if isinstance(data, list) else data["resource_provider_generation"])
            row.aggregates.all().delete()
            ProviderAggregate.objects.bulk_create(ProviderAggregate(provider=row, aggregate_id=a) for a in ids)
        return self._all(row)
