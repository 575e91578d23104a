"""Allocations and candidates on the wire."""

from typing import Any

from common.errors import Invalid
from common.ids import is_id
from common.numbers import is_whole
from openstackapi.views import Response
from placement import services
from placement.api import Missing, PlacementView, resources_of
from placement.models import Allocation, Consumer


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
        if not is_whole(limit) or int(limit) < 1:
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
