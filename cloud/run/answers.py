"""Answers of the reverse proxy itself, in each service's own form: the sentences, and the bodies made of them."""

import html
import json
from importlib import import_module
from importlib.util import find_spec

from cloud import rooms
from openstackapi import services
from openstackapi.envelopes import TITLES, Fault

for _app in rooms.APPS:
    if find_spec(f"{_app}.service") is not None:
        import_module(f"{_app}.service").register()
#: Service whose form an error has where a path is no service's.
OTHERS = "identity"
SERVICES = tuple(service.type for service in services.every())
#: Services that tell faults as pages where no JSON is asked for: older clients of theirs crash at a fault in JSON.
PAGED = tuple(service.type for service in services.every() if service.faults != services.Offer())
PAGE, PAGE_TYPE = "page", "text/html; charset=UTF-8"
#: The header by which nginx and haproxy say that a body of theirs is a page; the reverse proxy takes it off again.
FORM = "X-Stackling-Form"
#: All names that `body` knows.
FORMS = (*SERVICES, PAGE)
#: Stands for the request's id until it is known.
REQUEST_ID = "@REQUEST_ID@"

TEXTS = {
    400: "The request is not one that HTTP knows, or the name it asks for is not this cloud's.",
    408: "The request did not come whole in time. Send it again over a faster line.",
    413: "The request body is larger than what is taken here: 1 MiB, or 2 MiB for policies and metadata definitions.",
    414: "The request line is longer than 16 KiB.",
    429: "Too many requests at once. Try again in 2 s.",
    500: "The reverse proxy could not keep the request body: its disk may be full. Tell the operator.",
    502: "This part of the cloud ended while it answered. Try again in 2 s.",
    503: "This part of the cloud is starting, away or busy. Try again in 2 s.",
    504: "No answer came within 180 s. Try again.",
}
#: Seconds after which another try makes sense.
RETRY_AFTER = 2
RETRIED = (429, 502, 503, 504)


def body(service: str, status: int, text: str = "") -> str:
    """Write an error as JSON; `REQUEST_ID` is in it where the service says the id in the body. One line of HTML for `PAGE`."""
    if service == PAGE:
        said = html.escape(f"{status} {TITLES[status]}: {text or TEXTS[status]}", quote=False)
        return f"<html><head></head><body><h1>{said}</h1></body></html>"
    fault = Fault(service, status, "HTTPError", text or TEXTS[status], REQUEST_ID)
    return json.dumps(services.fault_body(fault))


def ids_in_body() -> tuple[str, ...]:
    """Name the services that say the request's id in a fault's body."""
    return tuple(service for service in SERVICES if REQUEST_ID in body(service, 500))
