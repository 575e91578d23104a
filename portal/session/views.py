"""Signing in and out, the project of the session, the language."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import Forbidden, Unauthorized, Unavailable
from identity.signin import sessions, steps
from openstackapi import faults
from portal import prefs
from portal.session.steps import Stepwise, inside, offers
from portal.ui import navigation
from portal.ui.pages import Page, cloud_name


class SignIn(Stepwise):
    """The page: a password and what may come after it, a passkey, or a provider."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.actor is not None:  # type: ignore[attr-defined]
            return HttpResponseRedirect(inside(request, request.GET.get("next", "")))
        if "fresh" in request.GET:
            steps.forget(request)
        return self.form()

    def post(self, request: HttpRequest) -> HttpResponse:
        sent = request.POST
        if (
            "credential" not in sent
            and "code" not in sent
            and not (sent.get("username", "").strip() and sent.get("password"))
        ):
            return self.form(_("Type your user name and your password."), 400)
        try:
            actor = self.advance()
        except (Unauthorized, Unavailable) as error:
            return self.refused(error)
        self.remember(actor)
        return HttpResponseRedirect(inside(request, sent.get("next", "")))

    def form(self, error: str = "", status: int = 200, **more: object) -> HttpResponse:
        said = self.request.POST or self.request.GET
        context = {
            "error": error,
            "cloud": cloud_name(self.request),
            "username": said.get("username", ""),
            "domain": said.get("domain", "") or "Default",
            "next": inside(self.request, said.get("next", ""), ""),
            "region": settings.REGION,
            "offers": offers(inside(self.request, said.get("next", ""))),
            **self.step(),
        }
        return self.page("session/sign_in.html", status, **context)


class SignOut(Page):
    anonymous = True

    def post(self, request: HttpRequest) -> HttpResponse:
        sessions.sign_out(request)
        return HttpResponseRedirect(reverse("sign-in"))


class SwitchProject(Page):
    def post(self, request: HttpRequest) -> HttpResponse:
        actor = sessions.switch_project(request, request.POST.get("project", ""))
        # An object of the old project is not there in the new one: a detail page leads to its list.
        here = inside(request, request.POST.get("next", "")).split("/")
        return HttpResponseRedirect(navigation.landing(actor, "/".join(here[:2]) or "/"))


class Language(Page):
    anonymous = True

    def post(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponseRedirect(inside(request, request.POST.get("next", "")))
        language = request.POST.get("language", "")
        if language in dict(settings.LANGUAGES):
            prefs.remember(request, response, language=language)
        return response


class Stale(Page):
    """A form without its protection token, or with an old one: sent from elsewhere, or from before another sign-in."""

    anonymous = True

    def answer(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return self.refuse(StaleForm())


class StaleForm(Forbidden):
    template = gettext_lazy(
        "The form's protection token is missing or old. Open the page again and send the form once more."
    )


def stale(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Django's CSRF_FAILURE_VIEW."""
    return Stale.as_view()(request)


class NowhereAt(Page):
    """An address that no route has, or at which nothing is."""

    anonymous = True

    def answer(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        template = "ui/error.html" if request.actor else "ui/error_bare.html"  # type: ignore[attr-defined]
        return self.page(template, 404, title=_("There is no such page"), message=request.path)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404: the portal answers with a page, an API as its service does."""
    if request.path.startswith(("/api/", "/internal/")):
        return faults.not_found(request, exception)
    return NowhereAt.as_view()(request)
