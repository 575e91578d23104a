"""Aggregates and availability zones on the wire."""

from typing import Any

from authorization import policy
from compute.aggregates import services
from compute.aggregates.models import Aggregate
from compute.hypervisors import reading, states
from compute.servers.api.schemas import NAME, obj
from compute.views import ComputeView, Response
from openstackapi.fields import Field, Fields, iso_micro

_COMMON = [
    Field("id", type="integer"),
    Field("name"),
    Field("availability_zone", lambda a: a.metadata.get(services.ZONE), null=True),
    Field("created_at", type="datetime"),
    Field("updated_at", type="datetime", null=True),
    Field("deleted", lambda a: False, type="boolean"),
    Field("deleted_at", lambda a: None, null=True),
    Field("uuid", since=(2, 41)),
]
CREATED = Fields("aggregate", _COMMON, time=iso_micro)
AGGREGATE = Fields(
    "aggregate",
    [
        *_COMMON,
        Field(
            "hosts", lambda a: list(a.hosts.order_by("id").values_list("host", flat=True)), type="array", items="string"
        ),
        Field("metadata", type="object"),
    ],
    time=iso_micro,
)
_ZONE = {"oneOf": [{"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^:]*$"}, {"type": "null"}]}


class Aggregates(ComputeView):
    bodies = {"post": obj({"aggregate": obj({"name": NAME, "availability_zone": _ZONE}, ("name",))}, ("aggregate",))}
    answers = {"get": {200: {"aggregates": [AGGREGATE]}}, "post": {200: {"aggregate": CREATED}}}

    def get(self, request: object) -> Response:
        policy.require(self.actor, "os_compute_api:os-aggregates:index")
        return self.answer_list("aggregates", AGGREGATE, Aggregate.objects.order_by("id"))

    def post(self, request: object) -> Response:
        policy.require(self.actor, "os_compute_api:os-aggregates:create")
        data = self.body()["aggregate"]
        row = services.create(self.actor, name=data["name"].strip(), zone=data.get("availability_zone"))
        return self.answer("aggregate", CREATED, row)


class AggregateDetail(ComputeView):
    bodies = {
        "put": obj(
            {"aggregate": {**obj({"name": NAME, "availability_zone": _ZONE}), "minProperties": 1}}, ("aggregate",)
        )
    }
    answers = {"get": {200: {"aggregate": AGGREGATE}}, "put": {200: {"aggregate": AGGREGATE}}, "delete": {200: None}}

    def get(self, request: object, aggregate_id: str) -> Response:
        return self.answer("aggregate", AGGREGATE, services.find(self.actor, aggregate_id))

    def put(self, request: object, aggregate_id: str) -> Response:
        data = self.body()["aggregate"]
        zone = {"zone": data["availability_zone"]} if "availability_zone" in data else {}
        row = services.update(self.actor, aggregate_id=aggregate_id, name=data.get("name"), **zone)
        return self.answer("aggregate", AGGREGATE, row)

    def delete(self, request: object, aggregate_id: str) -> Response:
        services.delete(self.actor, aggregate_id=aggregate_id)
        return Response(status=200)


_HOST = obj({"host": {"type": "string", "minLength": 1, "maxLength": 255}}, ("host",))
_METADATA = obj(
    {"metadata": {"type": "object", "additionalProperties": {"type": ["string", "null"], "maxLength": 255}}},
    ("metadata",),
)


class AggregateAction(ComputeView):
    bodies = {
        "post": {
            "type": "object",
            "properties": {"add_host": _HOST, "remove_host": _HOST, "set_metadata": _METADATA},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
    }
    answers = {"post": {200: {"aggregate": AGGREGATE}}}

    def post(self, request: object, aggregate_id: str) -> Response:
        ((name, body),) = self.body().items()
        if name == "set_metadata":
            row = services.set_metadata(self.actor, aggregate_id=aggregate_id, metadata=body["metadata"])
        else:
            act = services.add_host if name == "add_host" else services.remove_host
            row = act(self.actor, aggregate_id=aggregate_id, host=body["host"])
        return self.answer("aggregate", AGGREGATE, row)


# ── Availability zones ──────────────────────────────────────────────────────────────────────────────────────────────


_ZONE_SHOWN = {"zoneName": str, "zoneState": {"available": bool}}
_SERVICE = {"available": bool, "active": bool, "updated_at": str | None}


class AvailabilityZones(ComputeView):
    answers = {"get": {200: {"availabilityZoneInfo": [{**_ZONE_SHOWN, "hosts": None}]}}}

    def get(self, request: object) -> Response:
        policy.require(self.actor, "os_compute_api:os-availability-zone:list")
        return Response(
            {
                "availabilityZoneInfo": [
                    {"zoneName": zone, "zoneState": {"available": any(map(services.is_usable, hosts))}, "hosts": None}
                    for zone, hosts in services.zones().items()
                ]
            }
        )


class AvailabilityZonesDetail(ComputeView):
    answers = {"get": {200: {"availabilityZoneInfo": [{**_ZONE_SHOWN, "hosts": {str: {str: _SERVICE}}}]}}}

    def get(self, request: object) -> Response:
        policy.require(self.actor, "os_compute_api:os-availability-zone:detail")
        return Response({"availabilityZoneInfo": _zones_of_services()})


def _zones_of_services() -> list[dict[str, object]]:
    """Each zone with its hosts and their services; "internal" has the services that are no compute host."""
    zones: dict[str, dict[str, dict[str, Any]]] = {zone: {} for zone in services.zones()}
    for row in reading.services():
        service = {
            "available": states.is_up(row["state"]),
            "active": states.is_enabled(row["status"]),
            "updated_at": row["updated_at"],
        }
        zones.setdefault(row["zone"], {}).setdefault(row["host"], {})[row["binary"]] = service
    return [
        {
            "zoneName": zone,
            "zoneState": {"available": any(s["available"] and s["active"] for h in hosts.values() for s in h.values())},
            "hosts": hosts,
        }
        for zone, hosts in zones.items()
    ]
