"""Rules of every page: compressed on its way, a content security policy, and characters that no address may hold."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'; form-action 'self'"
)


#: What an answer with a secret says, so that nobody compresses it beside what an address has put there (BREACH).
SECRET = "no-store, no-transform"


class Compressed(GZipMiddleware):
    """The portal's texts go compressed; Django adds random bytes, and the CSRF token is another in each answer.

    Not the APIs', whose answers are secrets more often than not, and nothing that says no-transform.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        headers = response.headers
        is_text = headers.get("Content-Type", "").startswith(("text/html", "text/csv", "application/json"))
        is_secret = "no-transform" in headers.get("Cache-Control", "")
        if is_secret or not is_text or request.path.startswith(("/api/", "/internal/")):
            return response
        return super().process_response(request, response)


class ContentPolicy:
    """Scripts come from this origin only, never from a page's text: what a user names a thing cannot run."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Security-Policy", POLICY)
            response.headers.setdefault("Referrer-Policy", "same-origin")
        return response


class NoNul:
    """An address with a NUL character leads nowhere: no name has one, and PostgreSQL cannot even be asked for it.

    The APIs answer for themselves (openstackapi.bodies), and what is sent to a page is refused there (portal.ui.pages).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        if request.path.startswith("/api/"):
            return
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            raise Http404
