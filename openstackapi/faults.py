"""Errors on the wire, as tables: kind of error → status per service, class of error → status where one is special, and service →
envelope.

Sources: the API references of Nova, Keystone, Neutron, Glance and Placement; codes as the services themselves answer.
"""

import logging
from typing import Any

import orjson
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.response import Response

from audit import records
from common import errors
from common.database import is_full, is_out_of_range, was_ended
from openstackapi import links
from openstackapi.envelopes import ENVELOPE, TITLES

log = logging.getLogger(__name__)

#: Kind → status; a service's own row goes before the common one.
STATUS: dict[type[errors.CloudError], int] = {
    errors.Invalid: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.OverLimit: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.NotAcceptable: 406,
    errors.Conflict: 409,
    errors.NoCapacity: 409,
    errors.Gone: 410,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.TooMany: 429,
    errors.Unsupported: 501,
    errors.Unavailable: 503,
}
STATUS_OF_SERVICE: dict[str, dict[type[errors.CloudError], int]] = {
    "network": {errors.OverLimit: 409, errors.Unsupported: 400},
    "image": {errors.OverLimit: 413, errors.Unsupported: 400},
    "compute": {errors.Unsupported: 409},
    "volume": {errors.OverLimit: 413},
    "identity": {},
    "placement": {},
}
#: Class → status, where upstream answers one error otherwise than its kind: the tables of the apps' own `faults.py`.
_STATUS_OF_CLASS: dict[type[errors.CloudError], int] = {}


def register(statuses: dict[type[errors.CloudError], int]) -> None:
    """Add an app's table of classes and their statuses; they hold in every service that meets such an error."""
    _STATUS_OF_CLASS.update(statuses)


def status_of(error: errors.CloudError, service: str) -> int:
    """The HTTP status of an error in a service: its class's own, else that of its nearest kind; 500 for none of them."""
    tables = (_STATUS_OF_CLASS, STATUS_OF_SERVICE.get(service, {}), STATUS)
    for kind in type(error).__mro__:
        for table in tables:
            if kind in table:
                return table[kind]
    return 500


def body_of(error: errors.CloudError, service: str, status: int, request_id: str) -> dict[str, Any]:
    with translation.override("en"):
        return ENVELOPE.get(service, ENVELOPE["identity"])(status, error.wire_type, error.message, request_id)


def headers_of(error: errors.CloudError, status: int, service: str, base: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = f'Keystone uri="{base}/api/identity/v3"'
    if status in (503, 429) or (status == 413 and isinstance(error, errors.OverLimit)):
        headers["Retry-After"] = str(error.data.get("retry_after", 5))
    return headers


def as_cloud_error(error: Exception) -> errors.CloudError | None:
    """A library's exception as one of ours, or None when it is a fault of the cloud."""
    match error:
        case errors.CloudError():
            return error
        case Http404():
            return errors.NotFound(what=_("The resource"), id="")
        case drf.ParseError():
            return errors.Invalid(reason=str(error.detail))
        case drf.MethodNotAllowed():
            return errors.MethodNotAllowed()
        case drf.UnsupportedMediaType():
            return errors.UnsupportedMediaType(content_type="")
        case drf.NotAcceptable():
            return errors.NotAcceptable(reason=str(error.detail))
        case OperationalError() if "locked" in str(error) or "connect" in str(error) or was_ended(error):
            return DatabaseBusy()
        case OverflowError() | DataError() if is_out_of_range(error):
            return errors.Invalid(reason=_("A number in the request is larger than what is kept here."))
        case OperationalError() if is_full(error):
            log.error("the disk of the database is full")
            return DiskFull()
    return None


class DatabaseBusy(errors.Unavailable):
    template = _("The database is busy. Try again in %(retry_after)s seconds.")


class DiskFull(errors.Unavailable):
    template = _(
        "The cloud has no room on its disk, so nothing can be changed now. Its operators have to make room; then try again."
    )


class ServerFault(errors.CloudError):
    template = _("The cloud failed unexpectedly. Tell the operator the request id %(request_id)s.")


#: What webob makes of a fault that is not asked for as JSON. Glance's clients read it line by line.
_HTML = """<html>
 <head>
  <title>{status} {title}</title>
 </head>
 <body>
  <h1>{status} {title}</h1>
  {message}<br /><br />
 </body>
</html>
"""


#: Services that say a fault in words where no JSON is asked for, and the media types in which they do.
WORDS: dict[str, tuple[str, ...]] = {"image": ("text/html", "text/plain")}


def _in_words(request: Any, body: dict[str, Any], status: int) -> HttpResponse | None:
    """Glance's fault as HTML or plain text, where the request's Accept asks for no JSON; None where it does.

    Source: webob's `WSGIHTTPException.generate_response`, which asks in this order.
    """
    kind = getattr(request, "_request", request).get_preferred_type(["text/html", "application/json"])
    if kind == "application/json":
        return None
    title = TITLES.get(status, "Error")
    if kind == "text/html":
        text = _HTML.format(status=status, title=title, message=escape(body["message"]))
        return HttpResponse(text, status=status, content_type="text/html; charset=UTF-8")
    text = f"{status} {title}\n\n{body['message']}\n\n   "
    return HttpResponse(text, status=status, content_type="text/plain; charset=UTF-8")


def handle(error: Exception, context: dict[str, Any]) -> HttpResponseBase:
    """DRF's exception handler: every error as its service says it, with no traceback in it."""
    view, request = context["view"], context["request"]
    service = getattr(view, "service", "")
    request_id = getattr(request, "request_id", "")
    known = as_cloud_error(error)
    if known is None:
        log.error("%s %s failed (%s)", request.method, request.path, request_id, exc_info=error)
        known = ServerFault(request_id=request_id)
    status = status_of(known, service)
    records.denied(request, known, status)
    base = links.root(request)
    body = body_of(known, service, status, request_id)
    response = _in_words(request, body, status) if service in WORDS else None
    response = response or Response(body, status=status)
    for name, value in headers_of(known, status, service, base).items():
        response[name] = value
    return response


# ── Outside of views: unknown routes and what breaks before a view ──────────────────────────────────────────────────


def _service_of(path: str) -> str:
    parts = path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "api" else ""


def _plain(request: HttpRequest, error: errors.CloudError, status: int) -> HttpResponse:
    service = _service_of(request.path)
    request_id = getattr(request, "request_id", "")
    body = body_of(error, service, status, request_id)
    words = _in_words(request, body, status) if service in WORDS else None
    return words or HttpResponse(orjson.dumps(body), status=status, content_type="application/json")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if not request.path.startswith(("/api/", "/internal/")):
        from django.shortcuts import render

        return render(request, "404.html", {"path": request.path}, status=404)
    return _plain(request, errors.NotFound(what=_("The resource"), id=request.path), 404)


def server_error(request: HttpRequest) -> HttpResponse:
    request_id = getattr(request, "request_id", "")
    if not request.path.startswith(("/api/", "/internal/")):
        from django.template.loader import render_to_string

        return HttpResponse(render_to_string("500.html", {"request_id": request_id}), status=500)
    return _plain(request, ServerFault(request_id=request_id), 500)
