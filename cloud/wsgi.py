"""Pages and APIs. A program without a cookie takes a short way: sessions, languages and messages are for pages."""

import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloud.settings")
pages = get_wsgi_application()

from cloud.handlers import ApiHandler  # noqa: E402

_api = ApiHandler()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve requests as a WSGI application. A browser is known by its cookie or by asking for HTML."""
    is_program = "HTTP_COOKIE" not in environ and "text/html" not in environ.get("HTTP_ACCEPT", "")
    if is_program and environ.get("PATH_INFO", "").startswith("/api/"):
        return _api(environ, start_response)
    return pages(environ, start_response)
