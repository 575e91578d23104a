from common import errors
from openstackapi import services
from openstackapi.envelopes import Fault

#: The newest microversion that is really served.
MAXIMUM = "3.71"

#: Status → the key under which Cinder tells an error. Source: cinder/api/openstack/wsgi.py, Fault._fault_names.
_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def envelope(fault: Fault) -> dict[str, object]:
    """Write a fault as Cinder does."""
    return {_NAMES.get(fault.status, "computeFault"): {"code": fault.status, "message": fault.message}}


def register() -> None:
    services.declare(
        services.Service(
            type="volume",
            catalog_types=("block-storage", "volumev3"),
            name="cinder",
            path="/api/volume/v3",
            description="Volumes",
            about="Cinder's v3 API with microversions: disks that outlive servers.",
            urls="volumes.urls",
            microversions=("3.0", MAXIMUM),
            statuses={errors.OverLimit: 413, errors.Unsupported: 400},
            envelope=envelope,
        )
    )
