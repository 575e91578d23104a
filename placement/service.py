from openstackapi import services
from openstackapi.envelopes import Fault

MAXIMUM = "1.28"  # 1.29 and later are about candidates of several providers of a tree


def envelope(fault: Fault) -> dict[str, object]:
    """Write a fault as Placement does: with the request's id in it."""
    code = fault.wire_type if fault.wire_type.startswith("placement.") else "placement.undefined_code"
    body = {"status": fault.status, "title": fault.title, "detail": fault.message, "request_id": fault.request_id}
    return {"errors": [{**body, "code": code}]}


def register() -> None:
    services.declare(
        services.Service(
            type="placement",
            name="placement",
            path="/api/placement",
            about="Placement's API: what hosts have and who uses it.",
            urls="placement.urls",
            microversions=("1.0", MAXIMUM),
            envelope=envelope,
        )
    )
