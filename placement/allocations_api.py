"""Allocations and candidates on the wire."""

from typing import Any

from django.db import transaction

from common.errors import Invalid
from common.ids import is_id
from common.numbers import LARGEST, is_whole
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


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _by_provider(least: int) -> dict[str, Any]:
    """Allocations since 1.12: {provider: {"resources"}}; what GET answers may be sent back."""
    one = _object({"resources": _RESOURCES, "generation": {"type": "integer"}}, "resources")
    return {"type": "object", "minProperties": least, "additionalProperties": one}


def _body_of_one(version: tuple[int, int]) -> dict[str, Any]:
    """The body of PUT /allocations/{consumer}, and from 1.13 on of each consumer in POST /allocations."""
    if version < (1, 12):
        provider = _object({"uuid": {"type": "string", "format": "uuid"}}, "uuid")
        one = _object({"resource_provider": provider, "resources": _RESOURCES}, "resource_provider", "resources")
        owner = {} if version < (1, 8) else {"project_id": _OWNER, "user_id": _OWNER}
        return _object({"allocations": {"type": "array", "minItems": 1, "items": one}, **owner}, "allocations", *owner)
    properties = {"allocations": _by_provider(0 if version >= (1, 28) else 1), "project_id": _OWNER, "user_id": _OWNER}
    required = ["allocations", "project_id", "user_id"]
    if version >= (1, 28):
        properties["consumer_generation"] = {"type": ["integer", "null"]}
        required.append("consumer_generation")
    return _object(properties, *required)


def _bodies_of_many(version: tuple[int, int]) -> dict[str, Any]:
    one = _body_of_one(version)
    one["properties"]["allocations"] = _by_provider(0)  # to give back is allowed here since the beginning
    return {"type": "object", "minProperties": 1, "additionalProperties": one}


_VERSIONS = ((1, 0), (1, 8), (1, 12), (1, 28))
_ONE = {version: _body_of_one(version) for version in _VERSIONS}
_MANY = {version: _bodies_of_many(version) for version in ((1, 12), (1, 28))}
NOBODY = "00000000-0000-0000-0000-000000000000"  # whose allocations of before 1.8 are, which name no project


def _of(table: dict[tuple[int, int], Any], version: tuple[int, int]) -> Any:
    return table[max(known for known in table if known <= version)]


def _hold(consumer: str, data: dict[str, Any], version: tuple[int, int]) -> None:
    asked = data["allocations"]
    if isinstance(asked, list):
        wanted = {one["resource_provider"]["uuid"]: one["resources"] for one in asked}
    else:
        wanted = {provider: one["resources"] for provider, one in asked.items()}
    holding.hold(
        consumer,
        wanted,
        project_id=data.get("project_id", NOBODY),
        user_id=data.get("user_id", NOBODY),
        generation=data.get("consumer_generation"),
        is_checked=version >= (1, 28),
    )


class ManyAllocations(PlacementView):
    """What several consumers hold, changed together or not at all."""

    since = (1, 13)
    bodies = {"post": _MANY[(1, 28)]}

    def post(self, request: Any) -> Response:
        data = self.body(_of(_MANY, self.version))
        with transaction.atomic():
            for consumer, one in sorted(data.items()):
                _require_id(consumer)
                _hold(consumer, one, self.version)
        return Response(status=204)


def _require_id(text: str) -> None:
    if not is_id(text):
        raise Invalid(reason=f"Expected a uuid but received {text[:80]}")


class Allocations(PlacementView):
    """What a consumer holds. An id without a consumer holds nothing: 200 and an empty answer, as Placement says."""

    bodies = {"put": _ONE[(1, 28)]}

    def put(self, request: Any, id: str) -> Response:
        _require_id(id)
        _hold(id, self.body(_of(_ONE, self.version)), self.version)
        return Response(status=204)

    def get(self, request: Any, id: str) -> Response:
        _require_id(id)
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
            raise PlacementNotFound(reason=f"No allocations for consumer '{id}'")
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
    """Which single provider has room for what is asked. Parts of a provider are no candidates before 1.29."""

    since = (1, 10)

    def get(self, request: Any) -> Response:
        queries.check(request.GET, queries.CANDIDATES, self.version)
        groups = queries.groups(request.GET, self.version)
        asked = _sum(groups)
        limit = request.GET.get("limit", "1000")
        if not is_whole(limit) or int(limit) < 1:
            raise Invalid(reason=f"Invalid limit {limit}.")
        rooms = [] if queries.is_isolated(request.GET) else services.rooms(with_traits=True).values()
        facts, trees = queries.Facts(), queries.roots()
        fits = [
            room
            for room in rooms
            if trees[room.provider_id][0] is None
            and room.shortage(asked) is None
            and all(group.allows(room.provider_id, facts) for group in groups)
        ][: int(limit)]
        summaries = {room.provider_id: self._summary(room, asked) for room in fits}
        return Response(
            {"allocation_requests": [self._ask(room, asked) for room in fits], "provider_summaries": summaries}
        )

    def _ask(self, room: services.Room, asked: dict[str, int]) -> dict[str, Any]:
        if self.version < (1, 12):
            return {"allocations": [{"resource_provider": {"uuid": room.provider_id}, "resources": asked}]}
        return {"allocations": {room.provider_id: {"resources": asked}}}

    def _summary(self, room: services.Room, asked: dict[str, int]) -> dict[str, Any]:
        shown = room.capacity if self.version >= (1, 27) else asked
        resources = {n: {"capacity": room.capacity[n], "used": room.used.get(n, 0)} for n in shown}
        out: dict[str, Any] = {"resources": resources}
        if self.version >= (1, 17):
            out["traits"] = sorted(room.traits)
        return out


def _sum(groups: list[queries.Group]) -> dict[str, int]:
    """What all groups ask together: each is met by the one provider of a candidate."""
    total: dict[str, int] = {}
    for group in groups:
        for name, amount in group.resources.items():
            total[name] = total.get(name, 0) + amount
    return total
