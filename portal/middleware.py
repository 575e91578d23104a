"""Rules of every page: a content security policy, and characters that no address may hold."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'; form-action 'self'"
)


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

    The APIs answer for themselves (openstackapi.bodies), and forms refuse it in their fields.
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
