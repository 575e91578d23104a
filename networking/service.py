from common import errors
from openstackapi import services
from openstackapi.envelopes import Fault


def envelope(fault: Fault) -> dict[str, object]:
    """Write a fault as Neutron does."""
    return {"NeutronError": {"type": fault.wire_type, "message": fault.message, "detail": ""}}


def register() -> None:
    services.declare(
        services.Service(
            type="network",
            name="neutron",
            path="/api/network",
            description="Networks",
            about="Neutron's v2.0 API: networks, routers, addresses, security groups.",
            urls="networking.urls",
            statuses={errors.OverLimit: 409, errors.Unsupported: 400},
            envelope=envelope,
        )
    )
