"""A request id on every request and answer."""

import re
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit import context, records
from common import metrics
from common.ids import new_request_id
from hostagent.process import logs, tracing
from openstackapi import services
from openstackapi.client import address_of

_GLOBAL = re.compile(r"^req-[0-9a-f-]{36}\Z")

Respond = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Gives each request `request.request_id` and each answer X-Openstack-Request-Id.

    A caller's own X-OpenStack-Request-ID is kept as `request.global_request_id`, as oslo.middleware does.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        given = request.META.get("HTTP_X_STACKLING_REQUEST_ID", "")  # the reverse proxy's, which a client cannot claim
        request.request_id = given if _GLOBAL.match(given) else new_request_id()  # type: ignore[attr-defined]
        sent = request.META.get("HTTP_X_OPENSTACK_REQUEST_ID", "")
        request.global_request_id = sent if _GLOBAL.match(sent) else ""  # type: ignore[attr-defined]
        with logs.about(request_id=request.request_id):  # type: ignore[attr-defined]
            response = _traced(request, self._respond) if tracing.is_on() else self._respond(request)
        response.headers["X-Openstack-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        service = services.of_path(request.path)
        if service is not None and service.id_header:
            response.headers[service.id_header] = request.request_id  # type: ignore[attr-defined]
        if given:
            _add_log_headers(request, response)
        match = request.resolver_match
        seconds = time.perf_counter() - begun
        known = service.type if service else ""
        metrics.observe(match.route if match else None, known, request.method or "", response.status_code, seconds)
        return response

    def _respond(self, request: HttpRequest) -> HttpResponse:
        """The answer; what a person's request changes is recorded as theirs. Agents report, and ask for nothing."""
        if request.path.startswith("/internal/"):
            return self.get_response(request)
        agent = request.META.get("HTTP_USER_AGENT", "")
        about = context.Context(request, None, address_of(request), agent, request.request_id)  # type: ignore[attr-defined]
        with context.of(about):
            try:
                return self.get_response(request)
            finally:
                if about.afterwards:
                    records.close(about)


def _traced(request: HttpRequest, respond: Respond) -> HttpResponse:
    """Get the answer, as the first span of a trace, which has the route's template and no ids or query."""
    method = request.method if request.method in metrics.METHODS else "other"
    with tracing.span(f"{method}", kind="server", http__request__method=method) as span:
        response = respond(request)
        service, family = (
            metrics.family_of(request.resolver_match.route) if request.resolver_match else ("other", "unknown")
        )
        span.update_name(f"{method} {service} {family}")
        actor = getattr(request, "actor", None)
        tracing.note(
            http__route=family, http__response__status_code=response.status_code, stackling__service=service,
            stackling__request_id=request.request_id,  # type: ignore[attr-defined]
            user__id=getattr(actor, "user_id", ""), stackling__project_id=getattr(actor, "project_id", ""),
        )  # fmt: skip
        if response.status_code >= 500:
            tracing.failed(str(response.status_code))
    return response


def _add_log_headers(request: HttpRequest, response: HttpResponse) -> None:
    """Add the user's and project's ids as headers, for the access log; the reverse proxy removes them."""
    actor = getattr(request, "actor", None)
    if actor is not None:
        response.headers["X-Stackling-User"] = actor.user_id or ""
        response.headers["X-Stackling-Project"] = actor.project_id or ""
