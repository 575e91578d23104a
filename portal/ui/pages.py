"""The base of every page: who is signed in, in which language, how an error becomes a sentence, and the safety headers."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import View

from audit import records
from authorization.context import RequestContext
from common.errors import (
    CloudError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OverLimit,
    TooMany,
    Unauthorized,
    Unavailable,
)
from identity.signin import sessions
from openstackapi import auth
from portal import prefs, subscriptions
from portal.middleware import SECRET
from portal.session import held
from portal.ui import Text, navigation, panels

#: Scripts, styles and fonts only from here; nothing inline. `connect-src 'self'` covers the sockets of the same origin.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self' {sockets}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STATUSES: tuple[tuple[type[CloudError], int], ...] = (
    (Unauthorized, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (OverLimit, 409),
    (TooMany, 429),
    (Unavailable, 503),
)


def status_of(error: CloudError) -> int:
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 400)


def secure(
    request: HttpRequest, response: HttpResponse, *, console: bool = False, secret: bool = False
) -> HttpResponse:
    """Add the headers; `secret`: of an answer that is not compressed. The terminal of a serial console writes its own style sheet, so its page allows inline styles."""
    scheme = "wss" if request.is_secure() else "ws"
    styles = "'self' 'unsafe-inline'" if console else "'self'"
    response["Content-Security-Policy"] = _POLICY.format(styles=styles, sockets=f"{scheme}://{request.get_host()}")
    response["Referrer-Policy"] = "same-origin"
    response["Cross-Origin-Opener-Policy"] = "same-origin"
    response.setdefault("Cache-Control", SECRET if secret else "no-store")
    patch_vary_headers(response, ("Cookie", "HX-Request", "Accept-Language"))
    return response


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx (or our own script, which says so too) asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def refuse_nul(request: HttpRequest) -> None:
    """Raises: Invalid where a text that was sent has a NUL character, which no database keeps in a text."""
    if any(
        "\0" in text
        for texts in [list(request.POST), *(found for _name, found in request.POST.lists())]
        for text in texts
    ):
        raise Invalid(
            reason=_("What was sent has a character that no text can have here (NUL). Remove it, and send it again.")
        )


def shown_at(request: HttpRequest) -> str:
    """Return the address, without its origin, of the page from which a script asks; "" where none does, or one of another site."""
    shown = request.headers.get("HX-Current-URL", "").partition(request.get_host())[2]
    return shown if url_has_allowed_host_and_scheme(shown, None) else ""


def is_background(request: HttpRequest) -> bool:
    """Whether a page asks by itself, for what it shows."""
    return request.headers.get("X-Background") == "1"


class Page(View):
    """One page or fragment. `panel` is its entry in the rail; `console` loosens the style policy for terminals."""

    panel: ClassVar[str] = ""
    anonymous: ClassVar[bool] = False
    console: ClassVar[bool] = False
    #: Sensitive: asks for the password again unless it was given lately.
    recent: ClassVar[bool] = False
    #: Its answers hold secrets that can be asked for again.
    secret: ClassVar[bool] = False
    #: The page around a part that has an address of its own.
    around: ClassVar[str] = "ui/shown_page.html"
    request: HttpRequest

    @property
    def actor(self) -> RequestContext:
        actor: RequestContext = self.request.actor  # type: ignore[attr-defined]
        return actor

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        lives = settings.SESSION_COOKIE_NAME in request.COOKIES and not is_fragment(request)
        self.made = subscriptions.mark() if lives else ""  # before anything is read that the page will show
        self.prefs = prefs.apply(request)
        # A request that a page makes by itself does not extend the session.
        actor = (sessions.actor_from_session if is_background(request) else sessions.actor_of_request)(request)
        request_id = getattr(request, "request_id", "")
        request.actor = actor.with_request(request_id) if actor else None  # type: ignore[attr-defined]
        return secure(request, self.answer(request, *args, **kwargs), console=self.console, secret=self.secret)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the view's own answer, once it is clear that this person may ask it now."""
        actor = request.actor  # type: ignore[attr-defined]
        if actor is None and not self.anonymous:
            return self.to_sign_in()
        asks_as = request.headers.get("X-Signed-In", "")
        if actor is not None and asks_as not in ("", actor.user_id):
            return self.ask_again("other")  # a page of somebody who was signed in here before
        if actor is not None and self.recent and not sessions.is_recent(request):
            return self.to_sign_in()
        try:
            if actor is not None:
                auth.of_users.take(actor.user_id)
            refuse_nul(request)
            return super().dispatch(request, *args, **kwargs)
        except CloudError as error:
            return self.refuse(error)

    def to_sign_in(self) -> HttpResponse:
        """Ask who it is: over the page where a script asks, else on a page that keeps what was sent."""
        if is_fragment(self.request):
            return self.ask_again("recent" if self.request.actor else "again")  # type: ignore[attr-defined]
        if self.request.method == "POST":
            return self.page("session/sign_in_again.html", 401, **held.context(self.request))
        route = "sign-in-again" if self.request.actor else "sign-in"  # type: ignore[attr-defined]
        return HttpResponseRedirect(f"{reverse(route)}?next={quote(self.request.get_full_path())}")

    def ask_again(self, why: str) -> HttpResponse:
        """Tells the page's script to ask for the password and send the same once more (static/js/again.js)."""
        response = HttpResponse(status=401)
        response["X-Sign-In"] = why
        return response

    # ── Answers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def page(self, template: str, status: int = 200, /, **context: object) -> HttpResponse:
        """Answer with a whole page inside rail and bar."""
        return render(self.request, template, {**self.shell(), **context}, status=status)

    def fragment(self, template: str, status: int = 200, /, **context: object) -> HttpResponse:
        """Answer a script with a part of a page; who opens its address gets a page around it."""
        if not is_fragment(self.request):
            entry = panels.named(self.panel)
            title = {"title": entry.label if entry else "Stackling"}
            return self.page(self.around, status, **{**title, "piece": template, **context})
        return render(self.request, template, {**self.common(), **context}, status=status)

    def asks(self, part: str) -> bool:
        """Whether a script asks for this part of the page; who opens such an address gets the page."""
        return is_fragment(self.request) and part in self.request.GET

    def common(self) -> dict[str, object]:
        """Build the context that pages and fragments have."""
        return {
            "actor": self.request.actor,  # type: ignore[attr-defined]
            "prefs": self.prefs,
            "panel": self.panel,
            "request_id": getattr(self.request, "request_id", ""),
            "csrf_cookie": settings.CSRF_COOKIE_NAME,
        }

    def shell(self) -> dict[str, object]:
        """Build the context of a whole page: with that of rail and bar."""
        context = self.common()
        if context["actor"] is not None:
            menu = navigation.menu(self.actor)
            context |= {
                "rail": navigation.rail(self.actor, menu, self.panel, self.prefs.folded),
                "projects": sessions.projects(self.actor.user_id, sessions.provider_of(self.request)),
                "domains": navigation.domains(self.actor),
                "regions": navigation.regions(),
                "sealed": held.seal(self.actor),
                "made": f"{self.made} {self.actor.project_id or ''}",
            }
        return context

    def go(self, url: str, said: str = "") -> HttpResponse:
        """On to another page, with a toast there."""
        if said:
            messages.success(self.request, said)
        if is_fragment(self.request):
            response = HttpResponse(status=204)
            response["HX-Redirect"] = url
            return response
        return HttpResponseRedirect(url)

    def show_menu(self, actions: Sequence[object], id: str) -> HttpResponse:
        """Answer with the verbs of one thing: for the menu that a script opens, else as a page."""
        if is_fragment(self.request):
            return self.fragment("ui/menu.html", actions=actions, id=id)
        return self.page("ui/menu_page.html", actions=actions, id=id)

    def done(self, said: str = "") -> HttpResponse:
        """Answer 204, for the socket brings the change; with a toast if `said` is given. Without scripts: back to the page."""
        if not is_fragment(self.request):
            back = urlsplit(self.request.headers.get("Referer", ""))
            own = back.netloc == self.request.get_host() and "menu=" not in back.query
            return self.go(f"{back.path}?{back.query}" if own else reverse("overview"), said)
        response = HttpResponse(status=204)
        if said:
            response["HX-Trigger"] = json.dumps({"toast": {"kind": "ok", "text": said}})
        return response

    # ── Trouble ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def refuse(self, error: CloudError) -> HttpResponse:
        """Answer with an error as a toast where a script asked, else as a page; always with its request id."""
        status, request_id = status_of(error), getattr(self.request, "request_id", "")
        if isinstance(error, Unauthorized) and not self.anonymous:
            return self.to_sign_in()
        records.denied(self.request, error, status)
        if is_fragment(self.request):
            said = {"kind": "bad", "text": error.message, "request": request_id}
            gone = status == 404 and is_background(self.request)  # the page is open still: for the browser no failure
            response = HttpResponse(status=204 if gone or self.request.method != "GET" else status)
            response["X-Status"] = str(status)
            if gone:  # most often its own user deleted it a moment ago
                response["X-Gone"] = "1"
                said = {"kind": "ok", "text": _("What this page shows is not there any more.")}
            response["HX-Trigger"] = json.dumps({"toast": said})
            response["HX-Reswap"] = "none"
        else:
            title = {403: _("Not allowed"), 404: _("Not found"), 503: _("Not available now")}.get(
                status, _("Not possible")
            )
            context = {"title": title, "message": error.message}
            template = "ui/error.html" if self.request.actor else "ui/error_bare.html"  # type: ignore[attr-defined]
            response = self.page(template, status, **context)
        if isinstance(error, Unavailable | TooMany):
            response["Retry-After"] = str(error.data.get("retry_after", 5))
        return response


def tabs_of(tabs: Sequence[tuple[str, Text]], request: HttpRequest) -> list[tuple[str, Text, str, bool]]:
    """List the context of tabs.html for pages side by side, of (route, label): the one that is open is this request's."""
    return [(route, label, url := reverse(route), url == request.path) for route, label in tabs]


def cloud_name(request: HttpRequest) -> str:
    """Return the cloud's name: the setting, else the host by which it was reached."""
    return getattr(settings, "CLOUD_NAME", "") or request.get_host()
