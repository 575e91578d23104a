from common import errors
from openstackapi import services
from openstackapi.envelopes import Fault

#: The newest microversion that is really served. 2.97 would be Manila's shares.
MAXIMUM = "2.96"

#: Status → the key under which Nova tells an error. Source: Nova's API reference.
_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    406: "notAcceptable",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def envelope(fault: Fault) -> dict[str, object]:
    """Write a fault as Nova does."""
    return {_NAMES.get(fault.status, "computeFault"): {"code": fault.status, "message": fault.message}}


def register() -> None:
    services.declare(
        services.Service(
            type="compute",
            name="nova",
            path="/api/compute/v2.1",
            about="Nova's v2.1 API with microversions: servers, flavors, key pairs.",
            urls="compute.urls",
            internal_urls="compute.internal_urls",
            microversions=("2.1", MAXIMUM),
            legacy_header="X-OpenStack-Nova-API-Version",
            id_header="X-Compute-Request-Id",
            statuses={errors.Unsupported: 409},
            envelope=envelope,
        )
    )
