"""The bodies of errors as each service writes them, and nothing else: the front door's configuration is made from them too.

Sources: the API references of Nova, Keystone, Neutron, Glance and Placement.
"""

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


def _nova(status: int, wire_type: str, message: str, request_id: str) -> dict[str, Any]:
    return {_NOVA_NAMES.get(status, "computeFault"): {"code": status, "message": message}}


def _keystone(status: int, wire_type: str, message: str, request_id: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "title": TITLES.get(status, "Error")}}


def _neutron(status: int, wire_type: str, message: str, request_id: str) -> dict[str, Any]:
    return {"NeutronError": {"type": wire_type, "message": message, "detail": ""}}


def _glance(status: int, wire_type: str, message: str, request_id: str) -> dict[str, Any]:
    return {"message": message, "code": f"{status} {TITLES.get(status, 'Error')}", "title": TITLES.get(status, "Error")}


def _placement(status: int, wire_type: str, message: str, request_id: str) -> dict[str, Any]:
    body = {"status": status, "title": TITLES.get(status, "Error"), "detail": message, "request_id": request_id}
    return {
        "errors": [{**body, "code": wire_type if wire_type.startswith("placement.") else "placement.undefined_code"}]
    }


ENVELOPE = {
    "compute": _nova,
    "volume": _nova,
    "identity": _keystone,
    "network": _neutron,
    "image": _glance,
    "placement": _placement,
}
