"""Signing in and out, the project of the session, the language."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from common.errors import Unauthorized
from identity import sessions
from identity.auth.passwords import PasswordExpired
from identity.models import User
from portal import prefs
from portal.pages import Page, cloud_name


def inside(request: HttpRequest, url: str, default: str = "/") -> str:
    """`url` if it stays on this cloud, else `default`."""
    return url if url and url_has_allowed_host_and_scheme(url, {request.get_host()}) else default


class SignIn(Page):
    anonymous = True

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.actor is not None:  # type: ignore[attr-defined]
            return HttpResponseRedirect(inside(request, request.GET.get("next", "")))
        return self.form()

    def post(self, request: HttpRequest) -> HttpResponse:
        name, domain = request.POST.get("username", "").strip(), request.POST.get("domain", "").strip() or "Default"
        password = request.POST.get("password", "")
        if not name or not password:
            return self.form(_("Type your user name and your password."), 400)
        try:
            actor = sessions.sign_in(request, name, password, domain)
        except PasswordExpired:
            return self.form(_("This password is expired. An administrator can set a new one."), 401)
        except Unauthorized:
            return self.form(_("User name or password is wrong."), 401)
        request.session[prefs.KEY] = User.objects.values_list("settings", flat=True).get(pk=actor.user_id)
        return HttpResponseRedirect(inside(request, request.POST.get("next", "")))

    def form(self, error: str = "", status: int = 200) -> HttpResponse:
        said = self.request.POST or self.request.GET
        context = {
            "error": error,
            "cloud": cloud_name(self.request),
            "username": said.get("username", ""),
            "domain": said.get("domain", "") or "Default",
            "next": inside(self.request, said.get("next", ""), ""),
            "region": settings.REGION,
        }
        return self.page("portal/sign_in.html", status=status, **context)


class SignOut(Page):
    anonymous = True

    def post(self, request: HttpRequest) -> HttpResponse:
        sessions.sign_out(request)
        return HttpResponseRedirect(reverse("sign-in"))


class SwitchProject(Page):
    def post(self, request: HttpRequest) -> HttpResponse:
        sessions.switch_project(request, request.POST.get("project", ""))
        # An object of the old project is not there in the new one: a detail page leads to its list.
        here = inside(request, request.POST.get("next", "")).split("/")
        return HttpResponseRedirect("/".join(here[:2]) or "/")


class Language(Page):
    anonymous = True

    def post(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponseRedirect(inside(request, request.POST.get("next", "")))
        language = request.POST.get("language", "")
        if language in dict(settings.LANGUAGES):
            prefs.remember(request, response, language=language)
        return response
