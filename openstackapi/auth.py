"""Authentication of a request, by the function that identity registers: this app lies below it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from common.errors import Forbidden, Unauthorized
from common.rates import Rate

FromToken = Callable[[str, str], RequestContext]
FromSession = Callable[[HttpRequest], RequestContext | None]

Check = Callable[[RequestContext, HttpRequest], None]

#: Requests a user may make, counted over all tokens, sessions and addresses.
of_users = Rate(settings.USER_REQUESTS_PER_SECOND, "user")

_from_token: FromToken | None = None
_check: Check | None = None
_from_session: FromSession | None = None


def use(*, token: FromToken, session: FromSession, check: Check | None = None) -> None:
    """Set by identity: `token(text, request_id)` raises Unauthorized; `session(request)` is None when signed out.

    `check(actor, request)` raises Forbidden when the token's access rules do not cover the request.
    """
    global _from_token, _from_session, _check
    _from_token, _from_session, _check = token, session, check or _check


class _Csrf(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> object:
        return reason


def authenticate(request: HttpRequest) -> RequestContext:
    """Return the actor behind X-Auth-Token, or behind a portal session (which must pass CSRF on unsafe methods).

    Raises: Unauthorized, Forbidden (CSRF), TooMany.
    """
    actor = _authenticate(request)
    of_users.take(actor.user_id)
    return actor


def _authenticate(request: HttpRequest) -> RequestContext:
    text = request.META.get("HTTP_X_AUTH_TOKEN")
    if text:
        if _from_token is None:
            raise Unauthorized()
        actor = _from_token(text, request.request_id)  # type: ignore[attr-defined]
        if actor.access_rules is not None and _check is not None:
            _check(actor, request)
        return actor
    found = _from_session(request) if _from_session and hasattr(request, "session") else None
    if found is None:
        raise Unauthorized()
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        check = _Csrf(lambda _request: HttpResponse())
        check.process_request(request)
        request._dont_enforce_csrf_checks = getattr(request, "_dont_enforce_csrf_checks", False)  # type: ignore[attr-defined]
        reason = check.process_view(request, HttpResponse, (), {})
        if reason:
            raise CsrfRefused()
    return found.with_request(request.request_id)  # type: ignore[attr-defined]


class CsrfRefused(Forbidden):
    template = _("The form's protection token is missing or old. Reload the page and send it again.")
