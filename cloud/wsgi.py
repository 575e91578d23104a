"""Pages and APIs. A program without a cookie takes a short way: sessions, languages and messages are for pages."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")
pages = get_wsgi_application()

from django.core.handlers.exception import convert_exception_to_response  # noqa: E402

from openstackapi.requests import RequestIdMiddleware  # noqa: E402


class ApiHandler(WSGIHandler):
    """Django's handler with one middleware. Views of `openstackapi` need no other when no cookie says who asks."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        respond = convert_exception_to_response(self._get_response)
        self._middleware_chain = convert_exception_to_response(RequestIdMiddleware(_finished(respond)))


def _finished(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """What the long way's other middlewares say of an answer to a program: its length, and that it is what it says."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = respond(request)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if not response.streaming and not response.has_header("Content-Length"):
            response.headers["Content-Length"] = str(len(response.content))
        return response

    return answer


_api = ApiHandler()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """A WSGI application. A browser is known by its cookie or by asking for HTML."""
    is_program = "HTTP_COOKIE" not in environ and "text/html" not in environ.get("HTTP_ACCEPT", "")
    if is_program and environ.get("PATH_INFO", "").startswith("/api/"):
        return _api(environ, start_response)
    return pages(environ, start_response)
