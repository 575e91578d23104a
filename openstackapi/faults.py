"""Errors on the wire, as tables: kind of error → status per service, and class of error → status where one is special.

How they are written is openstackapi.services, in which form openstackapi.render.

Sources: the API references of Nova, Keystone, Neutron, Glance and Placement; codes as the services themselves answer.
"""

import logging
from typing import Any

from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.response import Response

from audit import records
from common import errors
from common.database import is_full, is_out_of_range, was_ended
from common.stores import StoreFull
from openstackapi import links, render, services
from openstackapi.envelopes import Fault
from openstackapi.streams import RangeNotSatisfiable

log = logging.getLogger(__name__)

#: Kind → status; a service's own `statuses` go before it.
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
#: Class → status, where upstream answers one error otherwise than its kind: the tables of the apps' own `statuses.py`.
_STATUS_OF_CLASS: dict[type[errors.CloudError], int] = {RangeNotSatisfiable: 416, StoreFull: 413}


def register(statuses: dict[type[errors.CloudError], int]) -> None:
    """Add an app's table of classes and their statuses; they hold in every service that meets such an error."""
    _STATUS_OF_CLASS.update(statuses)


def status_of(error: errors.CloudError, service: str) -> int:
    """Return the HTTP status of an error in a service: its class's own, else that of its nearest kind; 500 for none of them."""
    known = services.find(service)
    tables = (_STATUS_OF_CLASS, known.statuses if known else {}, STATUS)
    for kind in type(error).__mro__:
        for table in tables:
            if kind in table:
                return table[kind]
    return 500


def fault_of(error: errors.CloudError, service: str, request_id: str = "", language: str = "en") -> Fault:
    """Return an error as a service says it."""
    with translation.override(language):
        return Fault(service, status_of(error, service), error.wire_type, error.message, request_id)


def language_of(request: HttpRequest) -> str:
    """English, but for what the portal's own pages ask for (an image's upload) and show their reader as it comes."""
    if "HTTP_HX_REQUEST" not in request.META or "HTTP_X_AUTH_TOKEN" in request.META:
        return "en"
    return translation.get_language_from_request(request)


def headers_of(error: errors.CloudError, status: int, service: str, base: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = f'Keystone uri="{base}/api/identity/v3"'
    if status in (503, 429) or (status == 413 and isinstance(error, errors.OverLimit)):
        headers["Retry-After"] = str(error.data.get("retry_after", 5))
    return headers


def as_cloud_error(error: Exception) -> errors.CloudError | None:
    """Return a library's exception as one of ours, or None when it is a fault of the cloud."""
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


def handle(error: Exception, context: dict[str, Any]) -> HttpResponseBase:
    """DRF's exception handler: every error as its service says it, with no traceback in it."""
    view, request = context["view"], context["request"]
    service = getattr(view, "service", "")
    request_id = getattr(request, "request_id", "")
    known = as_cloud_error(error)
    if known is None:
        log.error("%s %s failed (%s)", request.method, request.path, request_id, exc_info=error)
        known = ServerFault(request_id=request_id)
    raw = getattr(request, "_request", request)
    fault = fault_of(known, service, request_id, language_of(raw))
    records.denied(request, known, fault.status)
    renderer = render.for_fault(service, raw, in_view=True)
    request.accepted_renderer, request.accepted_media_type = renderer, renderer.media_type
    response = Response(fault, status=fault.status)
    for name, value in headers_of(known, fault.status, service, links.root(request)).items():
        response[name] = value
    return response


# ── Outside of views: unknown routes and what breaks before a view ──────────────────────────────────────────────────


def _plain(request: HttpRequest, error: errors.CloudError) -> HttpResponse:
    service = services.of_path(request.path)
    fault = fault_of(error, service.type if service else "", getattr(request, "request_id", ""))
    renderer = render.for_fault(fault.service, request, in_view=False)
    kind = f"{renderer.media_type}; charset={renderer.charset}" if renderer.charset else renderer.media_type
    return HttpResponse(renderer.render(fault), status=fault.status, content_type=kind)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _plain(request, errors.NotFound(what=_("The resource"), id=request.path))


def server_error(request: HttpRequest) -> HttpResponse:
    request_id = getattr(request, "request_id", "")
    if not request.path.startswith(("/api/", "/internal/")):
        from django.template.loader import render_to_string

        return HttpResponse(render_to_string("500.html", {"request_id": request_id}), status=500)
    return _plain(request, ServerFault(request_id=request_id))
