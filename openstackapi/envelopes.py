"""The bodies of errors as each service writes them, and nothing else: the front door's configuration is made from them too.

Sources: the API references of Nova, Keystone, Neutron, Glance and Placement.
"""

from dataclasses import dataclass
from typing import Any

_NOVA_NAMES = {
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
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    426: "Upgrade Required",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


@dataclass(frozen=True)
class Fault:
    """An error on its way out, as a renderer needs it. `message` is English, `wire_type` what the service calls the error."""

    service: str
    status: int
    wire_type: str
    message: str
    request_id: str

    @property
    def title(self) -> str:
        return TITLES.get(self.status, "Error")

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of it; a path that is no service's has Keystone's form."""
        return ENVELOPE.get(self.service, _keystone)(self)


def _nova(fault: Fault) -> dict[str, Any]:
    return {_NOVA_NAMES.get(fault.status, "computeFault"): {"code": fault.status, "message": fault.message}}


def _keystone(fault: Fault) -> dict[str, Any]:
    return {"error": {"code": fault.status, "message": fault.message, "title": fault.title}}


def _neutron(fault: Fault) -> dict[str, Any]:
    return {"NeutronError": {"type": fault.wire_type, "message": fault.message, "detail": ""}}


def _glance(fault: Fault) -> dict[str, Any]:
    return {"message": fault.message, "code": f"{fault.status} {fault.title}", "title": fault.title}


def _placement(fault: Fault) -> dict[str, Any]:
    code = fault.wire_type if fault.wire_type.startswith("placement.") else "placement.undefined_code"
    body = {"status": fault.status, "title": fault.title, "detail": fault.message, "request_id": fault.request_id}
    return {"errors": [{**body, "code": code}]}


ENVELOPE = {
    "compute": _nova,
    "volume": _nova,
    "identity": _keystone,
    "network": _neutron,
    "image": _glance,
    "placement": _placement,
}
