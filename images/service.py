from common import errors
from openstackapi import services
from openstackapi.envelopes import Fault

#: Glance's clients read a fault line by line unless they ask for JSON. Source: webob's `WSGIHTTPException.generate_response`.
_FAULTS = services.Offer(
    ("openstackapi.render.FaultPage", services.JSON_RENDERER), otherwise="openstackapi.render.FaultText"
)


def envelope(fault: Fault) -> dict[str, object]:
    """Write a fault as Glance does."""
    return {"message": fault.message, "code": f"{fault.status} {fault.title}", "title": fault.title}


def register() -> None:
    services.declare(
        services.Service(
            type="image",
            name="glance",
            path="/api/image",
            description="Images",
            about="Glance's v2 API: what servers start from.",
            urls="images.urls",
            internal_urls="images.internal_urls",
            statuses={errors.OverLimit: 413, errors.Unsupported: 400},
            envelope=envelope,
            faults=_FAULTS,
        )
    )
