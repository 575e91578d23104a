"""The steps of signing in, as the page and the dialog over a page take them."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from authorization.context import RequestContext
from common.errors import CloudError, Unauthorized, Unavailable
from identity.assignments.effective import Scope
from identity.auth import auditing, passwords
from identity.auth.attempts import WrongPassword
from identity.federation import signin
from identity.models import User
from identity.signin import sessions, steps
from identity.signin.mfa import keys
from openstackapi.client import address_of
from portal import prefs
from portal.session import held
from portal.ui.pages import Page, is_fragment, status_of


def inside(request: HttpRequest, url: str, default: str = "/") -> str:
    """`url` if it stays on this cloud, else `default`."""
    return url if url and url_has_allowed_host_and_scheme(url, {request.get_host()}) else default


@dataclass(frozen=True)
class Button:
    id: str
    label: str
    url: str


def offers(next: str) -> list[Button]:
    """List a button a provider that browsers may sign in with; `next` is where it leads in the end."""
    return [
        Button(
            offer.provider_id,
            offer.label,
            f"{reverse('sign-in-with', args=[offer.provider_id, offer.protocol_id])}?{urlencode({'next': next})}",
        )
        for offer in signin.offered()
    ]


def sentence(error: CloudError) -> str:
    """Word a failed sign-in, the same whether or not the user exists."""
    if isinstance(error, passwords.PasswordExpired):
        return _("This password is expired. An administrator can set a new one.")
    if not isinstance(error, WrongPassword):
        return error.message
    text = _("User name or password is wrong.")
    if error.wait:
        minutes = -(-error.wait // 60)
        more = ngettext(
            "After too many wrong tries from here this name pauses for another minute.",
            "After too many wrong tries from here this name pauses for another %(n)s minutes.",
            minutes,
        )
        return f"{text} {more % {'n': minutes}}"
    if error.left <= 5:
        more = ngettext("%(n)s try is left before a pause.", "%(n)s tries are left before a pause.", error.left)
        return f"{text} {more % {'n': error.left}}"
    return text


class Stepwise(Page):
    """One step after the other: password, then a second factor where the user has one; or a passkey alone."""

    anonymous = True

    def advance(self, person: User | None = None, scope: Scope | None = None) -> RequestContext:
        """Check the factor sent and take the sign-in one step further. `person`: the only user whose password counts.

        Raises: Unauthorized.
        """
        way = next((name for name in ("credential", "code") if name in self.request.POST), "password")
        with auditing.signing_in((way,)):
            return self._advance(person, scope)

    def _advance(self, person: User | None, scope: Scope | None) -> RequestContext:
        sent, request = self.request.POST, self.request
        if steps.pending(request) is not None and ("code" in sent or "credential" in sent):
            way = "webauthn" if "credential" in sent else self._way(sent["code"])
            user = steps.check(request, way, read_json(sent["credential"]) if way == "webauthn" else sent["code"])
            return sessions.prove(request, user, way, scope)
        if "credential" in sent:
            return sessions.prove(request, keys.check(request, read_json(sent["credential"])), "passkey", scope)
        if "code" in sent:
            raise steps.StartOver()
        password = sent.get("password", "")
        if person is not None:
            return sessions.prove(
                request, passwords.check(password, user_id=person.pk, source=address_of(request)), "password", scope
            )
        domain = sent.get("domain", "").strip() or "Default"
        return sessions.sign_in(request, sent.get("username", "").strip(), password, domain)

    def _way(self, code: str) -> str:
        """Codes of an app have six digits; recovery codes have more."""
        found = steps.pending(self.request)
        digits = len(code.replace(" ", ""))
        return "totp" if found is not None and "totp" in found.ways and digits <= 6 else "recovery"

    def refused(self, error: CloudError, **more: Any) -> HttpResponse:
        """Answer with the same step again with a sentence, or the next one."""
        if isinstance(error, steps.MoreNeeded):
            return self.form(**more)
        response = self.form(sentence(error), status_of(error), **more)
        if isinstance(error, WrongPassword) and error.wait:
            response["Retry-After"] = str(error.wait)
        return response

    def form(self, error: str = "", status: int = 200, **more: object) -> HttpResponse:
        raise NotImplementedError

    def step(self) -> dict[str, object]:
        """Name the step that the template shows next, and the ways open in a second step."""
        found = steps.pending(self.request)
        return {"step": "second", "ways": found.ways} if found is not None and found.ways else {"step": "password"}

    def remember(self, actor: RequestContext) -> None:
        self.request.session[prefs.KEY] = User.objects.values_list("settings", flat=True).get(pk=actor.user_id)


def read_json(text: str) -> Any:
    """Parse a security key's answer, a JSON object. Raises: WrongKey."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise keys.WrongKey()
    return found


class KeyOptions(Page):
    """The challenge for a security key of who is half-way in, or for any passkey."""

    anonymous = True

    def post(self, request: HttpRequest) -> HttpResponse:
        found = steps.pending(request)
        user = found.user if found is not None and "webauthn" in found.ways else None
        return JsonResponse(keys.begin(request, user))


class State(Page):
    """The signed-in user's id as JSON, or null: a page asks before it sends a form. Does not extend the session."""

    anonymous = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        actor = sessions.actor_from_session(request)
        response = JsonResponse({"user": actor.user_id if actor else None})
        response["Cache-Control"] = "no-store"
        return response


class Again(Stepwise):
    """The password again, over a page or on a page of its own; what that page had sent is sent once more."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if "code" not in request.GET:
            steps.forget(request)
        return self.form()

    def post(self, request: HttpRequest) -> HttpResponse:
        found = self.person()
        if found is None:
            return self.go(reverse("sign-in"))
        person, scope = found
        try:
            actor = self.advance(person, scope)
        except (Unauthorized, Unavailable) as error:
            return self.refused(error)
        self.remember(actor)
        if actor.user_id != person.pk:
            return self.go("/")  # somebody else: a fresh page
        return self.resume()

    def resume(self) -> HttpResponse:
        sent = self.request.POST
        if "page" in sent:
            response = HttpResponse(status=204)
            response["X-Sign-In"] = "done"
            return response
        to = inside(self.request, sent.get("next", ""))
        fields = held.read(sent.get("held", ""))
        if fields:
            return self.page("session/send_again.html", to=to, fields=fields)
        return HttpResponseRedirect(to)

    def person(self) -> tuple[User, Scope | None] | None:
        """Find the page's user and scope by its signature, else the signed-in user; None if there is neither."""
        sent = self.request.POST
        said = sent.get("page") or sent.get("whose") or self.request.GET.get("page")
        if said:
            return held.unseal(said)
        if self.request.actor is not None:  # type: ignore[attr-defined]
            return User.objects.select_related("domain").get(pk=self.actor.user_id), None
        return None

    def form(self, error: str = "", status: int = 200, **more: object) -> HttpResponse:
        found = self.person()
        if found is None:
            return self.go(f"{reverse('sign-in')}")
        said = self.request.POST or self.request.GET
        context = {
            "who": found[0].name,
            "domain": found[0].domain.name,
            "has_password": passwords.has(found[0]),
            "passkey": any(key.data.get("passkey") for key in keys.of_user(found[0].pk)),
            "offers": offers(f"{reverse('sign-in-done')}?{urlencode({'page': said.get('page', '')})}")
            if not passwords.has(found[0])
            else [],
            "error": error,
            "page": said.get("page", ""),
            "whose": said.get("whose", ""),
            "held": said.get("held", ""),
            "next": inside(self.request, said.get("next", ""), ""),
            "ended": self.request.actor is None,  # type: ignore[attr-defined]
            **self.step(),
        }
        if said.get("page") and is_fragment(self.request):
            return self.fragment("session/sign_in_dialog.html", status, **context)
        return self.page("session/sign_in_again.html", status, **context)
