"""Signing in at an identity provider, and coming back."""

from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from common.errors import CloudError
from identity.auth import auditing
from identity.federation import signin
from identity.signin import sessions, steps
from portal.session import held
from portal.session.steps import Stepwise, inside, offers
from portal.ui.pages import Page, cloud_name


class With(Page):
    """A button's address: on to the provider."""

    anonymous = True

    def get(self, request: HttpRequest, provider: str, protocol: str) -> HttpResponse:
        return HttpResponseRedirect(
            signin.begin(request, provider, protocol, inside(request, request.GET.get("next", "")))
        )


class Back(Stepwise):
    """Callback of an identity provider: opens the session, or asks for a second factor."""

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            with auditing.signing_in(("mapped",)):
                found = signin.finish(request)
        except CloudError as error:
            return self.form(error.message, 401)
        target = inside(request, found.next)
        try:
            through = (found.provider_id, found.protocol_id)
            actor = sessions.prove(request, found.user, "mapped", through=through)
        except steps.MoreNeeded:
            return HttpResponseRedirect(f"{reverse('sign-in')}?next={quote(target)}")
        self.remember(actor)
        return HttpResponseRedirect(target)

    def form(self, error: str = "", status: int = 200, **more: object) -> HttpResponse:
        context = {"error": error, "cloud": cloud_name(self.request), "domain": "Default", "step": "password"}
        return self.page("session/sign_in.html", status, offers=offers("/"), **context)


class Done(Page):
    """Return from SSO after a session expired: the page beside it goes on, in its former scope."""

    def get(self, request: HttpRequest) -> HttpResponse:
        found = held.unseal(request.GET.get("page", ""))
        if found is not None and found[0].pk == self.actor.user_id:
            sessions.go_on_in(request, found[1])
        return self.page("session/sign_in_done.html")
