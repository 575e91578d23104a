"""Services, pools and zones on the wire, as operators see them. Source: Cinder's API reference."""

from typing import Final

from django.http import HttpRequest

from authorization import policy
from common.truth import truth
from openstackapi.fields import iso_micro
from volumes import scheduling
from volumes.backends import services, states
from volumes.backends.models import Backend
from volumes.scheduling import Candidate
from volumes.views import Response, VolumeView

BINARY: Final = "cinder-volume"
_SERVICE: Final = {
    "binary": str,
    "host": str,
    "zone": str,
    "status": str,
    "state": str,
    "updated_at": str | None,
    "disabled_reason": str | None,
    "replication_status?": str | None,
    "active_backend_id?": str | None,
    "frozen?": bool,
    "cluster?": str | None,
    "backend_state?": str,
}


class Services(VolumeView):
    """The backends, as services of hosts."""

    answers = {"get": {200: {"services": [_SERVICE]}}}
    queries = {"get": {"host": str, "binary": str}}

    def get(self, request: HttpRequest) -> Response:
        policy.require(self.actor, "volume_extension:services:index")
        host, binary = request.GET.get("host"), request.GET.get("binary")
        pools = {pool.name: pool for pool in scheduling.candidates()}
        rows = [
            _service(row, pools.get(row.pool)) for row in Backend.objects.all() if host in (None, row.host, row.service)
        ]
        return Response({"services": rows if binary in (None, BINARY) else []})


def _service(row: Backend, pool: Candidate | None) -> dict[str, object]:
    is_up = pool is not None and scheduling.service_filter(pool, scheduling.RequestSpec(size=0)) is None
    return {
        "binary": BINARY,
        "host": row.service,
        "zone": scheduling.DEFAULT_ZONE,
        "status": states.status_of(row.enabled),
        "state": states.state_of(is_up or (pool is not None and not row.enabled)),
        "updated_at": iso_micro(row.updated_at),
        "disabled_reason": row.disabled_reason or None,
        "replication_status": "disabled",
        "active_backend_id": None,
        "frozen": False,
        "cluster": None,
        "backend_state": states.state_of(is_up),
    }


class ServiceSwitch(VolumeView):
    """Allow or forbid new volumes on a backend."""

    bodies = {
        "put": {
            "type": "object",
            "properties": {
                "host": {"type": "string", "minLength": 1, "maxLength": 255},
                "binary": {"type": "string"},
                "disabled_reason": {"type": "string", "minLength": 1, "maxLength": 255},
            },
            "required": ["host"],
        }
    }
    answers = {
        "put": {
            200: {"host": str, "service": str, "binary": str, "status": str, "disabled": bool, "disabled_reason?": str}
        }
    }

    def put(self, request: HttpRequest, verb: str) -> Response:
        said = self.body()
        row = services.switch(self.actor, said["host"], verb, reason=str(said.get("disabled_reason", "")))
        body = {"host": row.service, "service": BINARY, "binary": BINARY, "status": states.status_of(row.enabled)}
        reason = {"disabled_reason": row.disabled_reason} if row.disabled_reason else {}
        return Response({**body, "disabled": not row.enabled, **reason})


class Pools(VolumeView):
    """The pools and their room."""

    answers = {"get": {200: {"pools": [{"name": str, "capabilities?": dict}]}}}
    queries = {"get": {"detail": str}}

    def get(self, request: HttpRequest) -> Response:
        policy.require(self.actor, "scheduler_extension:scheduler_stats:get_pools")
        is_whole = bool(truth(request.GET.get("detail", "")))
        return Response({"pools": [_pool(pool, is_whole=is_whole) for pool in scheduling.candidates()]})


def _pool(pool: Candidate, *, is_whole: bool) -> dict[str, object]:
    if not is_whole:
        return {"name": pool.name}
    return {
        "name": pool.name,
        "capabilities": {
            "volume_backend_name": pool.backend,
            "pool_name": pool.backend,
            "storage_protocol": pool.driver,
            "vendor_name": "Stackling",
            "driver_version": "1",
            "total_capacity_gb": pool.total,
            "free_capacity_gb": pool.free,
            "allocated_capacity_gb": pool.promised,
            "provisioned_capacity_gb": pool.promised,
            "max_over_subscription_ratio": str(scheduling.OVERCOMMIT),
            "reserved_percentage": 0,
            "thin_provisioning_support": pool.is_thin,
            "thick_provisioning_support": not pool.is_thin,
            "multiattach": False,
            "QoS_support": False,
            "backend_state": states.state_of(scheduling.service_filter(pool, scheduling.RequestSpec(size=0)) is None),
        },
    }


class Zones(VolumeView):
    """The availability zones of volumes."""

    answers = {"get": {200: {"availabilityZoneInfo": [{"zoneName": str, "zoneState": {"available": bool}}]}}}

    def get(self, request: HttpRequest) -> Response:
        policy.require(self.actor, "volume:availability_zone_list")
        zone = {"zoneName": scheduling.DEFAULT_ZONE, "zoneState": {"available": True}}
        return Response({"availabilityZoneInfo": [zone]})
