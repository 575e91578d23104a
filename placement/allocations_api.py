"""Allocations and candidates on the wire."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid
from common.ids import is_id
from common.numbers import LARGEST
from openstackapi.fields import Field, Fields, Schema, Version
from openstackapi.shapes import Versioned, With, json_schema
from openstackapi.versioned import ByVersion, Property, Span, body_schema
from openstackapi.views import Response
from placement import holding, queries, services
from placement.api import PlacementNotFound, PlacementView
from placement.models import Allocation, Consumer

_RESOURCES = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {"^[0-9A-Z_]+$": {"type": "integer", "minimum": 1, "maximum": LARGEST}},
    "additionalProperties": False,
}
_OWNER = {"type": "string", "minLength": 1, "maxLength": 255}


def _object(properties: Schema, *required: str) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _by_provider(least: int) -> Schema:
    """Allocations since 1.12: {provider: {"resources"}}; what GET answers may be sent back."""
    one = _object({"resources": _RESOURCES, "generation": {"type": "integer"}}, "resources")
    return {"type": "object", "minProperties": least, "additionalProperties": one}


_PROVIDER = _object({"uuid": {"type": "string", "format": "uuid"}}, "uuid")
#: Allocations until 1.11: [{"resource_provider", "resources"}].
_LISTED: Schema = {
    "type": "array",
    "minItems": 1,
    "items": _object({"resource_provider": _PROVIDER, "resources": _RESOURCES}, "resource_provider", "resources"),
}
_OWNED = (
    Property("project_id", _OWNER, since=(1, 8), required=True),
    Property("user_id", _OWNER, since=(1, 8), required=True),
    Property("consumer_generation", {"type": ["integer", "null"]}, since=(1, 28), required=True),
)
#: The body of PUT /allocations/{consumer}.
_OF_ONE = (
    Property(
        "allocations", ByVersion({(1, 0): _LISTED, (1, 12): _by_provider(1), (1, 28): _by_provider(0)}), required=True
    ),
    *_OWNED,
)
#: Each consumer's part of the body of POST /allocations; an empty one, which releases all, is valid in every version.
_OF_EACH = (Property("allocations", _by_provider(0), required=True), *_OWNED)


def _of_many(version: Version) -> Schema:
    return {"type": "object", "minProperties": 1, "additionalProperties": body_schema(_OF_EACH, version)}


_ONE = ByVersion({version: body_schema(_OF_ONE, version) for version in ((1, 0), (1, 8), (1, 12), (1, 28))})
_MANY = ByVersion({version: _of_many(version) for version in ((1, 12), (1, 28))})
#: Versions that check the consumer's generation.
_CHECKED = Span(since=(1, 28))
_CONSUMER = Fields(
    "allocations",
    [
        Field("project_id", since=(1, 12)),
        Field("user_id", since=(1, 12)),
        Field("consumer_generation", "generation", type="integer", since=(1, 28)),
    ],
)
NOBODY = "00000000-0000-0000-0000-000000000000"  # whose allocations of before 1.8 are, which name no project


def _hold(consumer: str, data: dict[str, Any], version: Version) -> None:
    requested = data["allocations"]
    if isinstance(requested, list):
        wanted = {one["resource_provider"]["uuid"]: one["resources"] for one in requested}
    else:
        wanted = {provider: one["resources"] for provider, one in requested.items()}
    holding.hold(
        consumer,
        wanted,
        project_id=data.get("project_id", NOBODY),
        user_id=data.get("user_id", NOBODY),
        generation=data.get("consumer_generation"),
        is_checked=version in _CHECKED,
    )


#: Of an id without a consumer, the allocations alone.
_OF_CONSUMER = With(_CONSUMER, {"allocations": {str: {"generation": int, "resources": {str: int}}}})


class ManyAllocations(PlacementView):
    """POST /allocations: replaces the allocations of several consumers in one transaction."""

    rules = {
        "POST": "placement:allocations:manage",
    }
    since = (1, 13)
    bodies = {"post": _MANY.newest}
    answers = {"post": {204: None}}

    def post(self, request: object) -> Response:
        data = self.body(_MANY.at(self.version))
        with transaction.atomic():
            for consumer, one in sorted(data.items()):
                _require_id(consumer)
                _hold(consumer, one, self.version)
        return Response(status=204)


def _require_id(text: str) -> None:
    if not is_id(text):
        raise Invalid(reason=_("Expected a uuid but received %(text)s"), text=text[:80])


class Allocations(PlacementView):
    """Allocations of a consumer. For an id without a consumer: 200 and an empty answer, as in Placement."""

    rules = {
        "GET": "placement:allocations:list",
        "PUT": "placement:allocations:update",
        "DELETE": "placement:allocations:delete",
    }
    bodies = {"put": _ONE.newest}
    answers = {"put": {204: None}, "get": {200: _OF_CONSUMER}}

    def put(self, request: object, id: str) -> Response:
        _require_id(id)
        _hold(id, self.body(_ONE.at(self.version)), self.version)
        return Response(status=204)

    def get(self, request: object, id: str) -> Response:
        _require_id(id)
        held: dict[str, Any] = {}
        for row in Allocation.objects.filter(consumer_id=id).select_related("provider"):
            one = held.setdefault(row.provider_id, {"generation": row.provider.generation, "resources": {}})
            one["resources"][row.resource_class] = row.used
        body: dict[str, object] = {"allocations": held}
        consumer = Consumer.objects.filter(id=id).first()
        if consumer is not None:
            body |= _CONSUMER.render(consumer, self.version)
        return Response(body)

    def delete(self, request: object, id: str) -> Response:
        if not Consumer.objects.filter(id=id).exists():
            raise PlacementNotFound(reason=_("No allocations for consumer '%(id)s'"), id=id)
        services.release(id)
        return Response(status=204)


class ProviderAllocations(PlacementView):
    rules = {
        "GET": "placement:resource_providers:allocations:list",
    }
    answers = {"get": {200: {"resource_provider_generation": int, "allocations": {str: {"resources": {str: int}}}}}}

    def get(self, request: object, id: str) -> Response:
        row = services.provider(id)
        held: dict[str, dict[str, Any]] = {}
        for consumer, name, used in row.allocations.values_list("consumer_id", "resource_class", "used"):
            held.setdefault(consumer, {"resources": {}})["resources"][name] = used
        return Response({"resource_provider_generation": row.generation, "allocations": held})


_SUMMARY = Fields(
    "provider_summary",
    [
        Field("resources", shown=json_schema({str: {"capacity": int, "used": int}})),
        Field("traits", type="array", items="string", since=(1, 17)),
    ],
)
#: What to allocate of a provider: until 1.11 a list.
_REQUESTED = ByVersion[object](
    {
        (1, 10): [{"resource_provider": {"uuid": str}, "resources": {str: int}}],
        (1, 12): {str: {"resources": {str: int}}},
    }
)


class Candidates(PlacementView):
    """Which single provider has capacity for the resources of the query. Parts of a provider are no candidates before 1.29."""

    rules = {
        "GET": "placement:allocation_candidates:list",
    }
    since = (1, 10)
    answers = {
        "get": {200: {"allocation_requests": [{"allocations": _REQUESTED}], "provider_summaries": {str: _SUMMARY}}}
    }
    queries = {"get": {name: Versioned(str, since) for name, since in queries.CANDIDATES.items()}}

    def get(self, request: Any) -> Response:
        queries.check(request.GET, queries.CANDIDATES, self.version)
        requested, fits = queries.candidates(request.GET, self.version)
        request_of = _REQUEST.at(self.version)
        summaries = {summary.provider_id: _summary(summary, requested, self.version) for summary in fits}
        return Response(
            {
                "allocation_requests": [
                    {"allocations": request_of(summary.provider_id, requested)} for summary in fits
                ],
                "provider_summaries": summaries,
            }
        )


def _listed(provider: str, requested: dict[str, int]) -> object:
    return [{"resource_provider": {"uuid": provider}, "resources": requested}]


def _mapped(provider: str, requested: dict[str, int]) -> object:
    return {provider: {"resources": requested}}


_REQUEST = ByVersion({(1, 10): _listed, (1, 12): _mapped})
#: A provider's resources: those of the query, or all.
_SHOWN: ByVersion[Callable[[services.ProviderSummary, dict[str, int]], Iterable[str]]] = ByVersion(
    {(1, 10): lambda summary, requested: requested, (1, 27): lambda summary, requested: summary.capacity}
)


def _summary(summary: services.ProviderSummary, requested: dict[str, int], version: Version) -> dict[str, object]:
    shown = _SHOWN.at(version)(summary, requested)
    resources = {n: {"capacity": summary.capacity[n], "used": summary.used.get(n, 0)} for n in shown}
    return _SUMMARY.render({"resources": resources, "traits": sorted(summary.traits)}, version)
