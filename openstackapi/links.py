"""This cloud as it is seen from outside: one answer for links, redirects, cookies, consoles and what is secure."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import orjson
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from openstackapi.envelopes import Fault
from openstackapi.services import fault_body

Respond = Callable[[HttpRequest], HttpResponse]


class OutsideMiddleware:
    """Holds the name that a request came with against ALLOWED_HOSTS; STACKLING_PUBLIC_URL then wins over it.

    After it, `request.scheme`, `get_host()`, `is_secure()` and `build_absolute_uri()` say what users see, whoever asks them:
    a proxy in front may speak plain http and another name to us.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            request.get_host()
        except DisallowedHost:
            return _unknown_name()
        if settings.PUBLIC_URL:
            outside = urlsplit(settings.PUBLIC_URL)
            request.META["HTTP_X_FORWARDED_HOST"] = outside.netloc
            request.META["HTTP_X_FORWARDED_PROTO"] = outside.scheme
        return self.get_response(request)


def _unknown_name() -> HttpResponse:
    text = "This cloud is not known by the name in the Host header. Ask for it by its own address."
    body = orjson.dumps(fault_body(Fault("identity", 400, "UnknownName", text, "")))
    return HttpResponse(body, status=400, content_type="application/json")


def root(request: HttpRequest) -> str:
    """``http://host:port`` as users see it: STACKLING_PUBLIC_URL, or what the client asked for where that is not set."""
    return f"{request.scheme}://{request.get_host()}"


def netloc(host: str) -> str:
    """Name and port as users see them, for what was asked for by the header Host: also where no middleware is, on a socket."""
    return urlsplit(settings.PUBLIC_URL).netloc or host


def link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href}


def with_query(url: str, params: list[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(params)}" if params else url
