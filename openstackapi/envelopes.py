"""An error on its way out, and the form that it has where a service has none of its own.

A service's form is its `envelope` (openstackapi.services). Nothing here needs Django: the reverse proxy's configuration is made of it too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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


#: A fault's JSON.
Envelope = Callable[[Fault], Mapping[str, object]]


#: Status → the key under which Nova tells an error. Source: Nova's API reference.
NOVA: Mapping[int, str] = {
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


def named(names: Mapping[int, str]) -> Envelope:
    """Build the envelope that has a key for each status, as Nova's and Cinder's."""

    def envelope(fault: Fault) -> dict[str, object]:
        return {names.get(fault.status, "computeFault"): {"code": fault.status, "message": fault.message}}

    return envelope


def keystone(fault: Fault) -> dict[str, object]:
    """Write a fault as Keystone does: the form of every service that says nothing else, and of a path that is no service's."""
    return {"error": {"code": fault.status, "message": fault.message, "title": fault.title}}
