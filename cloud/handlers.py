"""Django's handlers with few middlewares: for programs, and for images' bytes."""

from collections.abc import Callable
from typing import cast

from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse

from openstackapi.links import OutsideMiddleware
from openstackapi.requests import RequestIdMiddleware


class ApiHandler(WSGIHandler):
    """Django's handler with one middleware. Views of `openstackapi` need no other when no cookie says who asks."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[object] = []
        self._template_response_middleware: list[object] = []
        self._exception_middleware: list[object] = []
        get_response: Callable[[HttpRequest], HttpResponse] = getattr(self, "_get_response")  # noqa: B009
        respond = convert_exception_to_response(get_response)
        self._middleware_chain = convert_exception_to_response(
            RequestIdMiddleware(OutsideMiddleware(_finished(respond)))
        )


def _finished(respond: Callable[[HttpRequest], object]) -> Callable[[HttpRequest], HttpResponse]:
    """Add the headers that Django's other middlewares give an answer to a program: Content-Length, X-Content-Type-Options."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = cast(HttpResponse, respond(request))
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if not response.streaming and not response.has_header("Content-Length"):
            response.headers["Content-Length"] = str(len(response.content))
        return response

    return answer


class BytesHandler(ApiHandler):
    """The routes of the bytes process. Callers sign in by a token, a host's signature or a portal session."""

    urls = "cloud.urls_bytes"

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        inner = self._middleware_chain

        def answer(request: HttpRequest) -> HttpResponse:
            request.urlconf = self.urls
            return cast(HttpResponse, inner(request))

        self._middleware_chain = convert_exception_to_response(SessionMiddleware(answer))
