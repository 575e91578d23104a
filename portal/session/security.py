"""Settings → Security: the password, second factors, recovery codes, and where one is signed in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.errors import Unauthorized
from identity.auth import passwords
from identity.auth.attempts import WrongPassword
from identity.models import PortalSession, User
from identity.signin import services as signins
from identity.signin.mfa import keys, recovery, totp
from identity.signin.mfa import services as mfa
from openstackapi.client import address_of
from portal.session.devices import browser
from portal.session.steps import read_json
from portal.ui.calls import Call, to
from portal.ui.dialogs import Confirm, FormDialog
from portal.ui.forms import Styled
from portal.ui.menus import Verb
from portal.ui.pages import Page, cloud_name

_SECRET = "totp_secret"


@dataclass(frozen=True)
class Seen:
    """One session, as the page lists it."""

    id: str
    browser: str
    system: str
    row: PortalSession
    here: bool


def _user(actor: RequestContext) -> User:
    return User.objects.select_related("domain").get(pk=actor.user_id)


class Security(Page):
    panel = "settings"

    def get(self, request: HttpRequest) -> HttpResponse:
        user = _user(self.actor)
        return self.page(
            "session/security.html",
            settings_tab="security",
            user=user,
            has_password=passwords.has(user),
            have=mfa.of_user(user),
            strict=mfa.strict(user),
            sessions=seen(request, user),
        )


def seen(request: HttpRequest, user: User) -> list[Seen]:
    """List the user's sessions, this one first."""
    here = request.session.session_key
    found = [Seen(signins.name(row.pk), *browser(row.agent), row, row.pk == here) for row in signins.of_user(user.pk)]
    return sorted(found, key=lambda one: not one.here)


class Piece(Page):
    """A dialog of its own shape: a fragment where a script asks, else a page around it."""

    panel = "settings"
    recent = secret = True
    around = "session/piece_page.html"

    def codes_or_back(self, user: User, said: str) -> HttpResponse:
        """Show new recovery codes, once, if the user has none left; else go back to the page."""
        if recovery.left(user.pk):
            return self.go(reverse("security"), said)
        return self.fragment("session/security_codes.html", codes=recovery.make(user), said=said)


class SetUpApp(Piece):
    """A secret as a picture and as text; it counts once a code proves that an app has it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        request.session[_SECRET] = totp.new_secret()
        return self.show()

    def post(self, request: HttpRequest) -> HttpResponse:
        secret, user = request.session.get(_SECRET), _user(self.actor)
        if not secret:
            return self.get(request)
        try:
            totp.enrol(user, secret, request.POST.get("code", ""))
        except totp.WrongCode as error:
            return self.show(error.message, 422)
        del request.session[_SECRET]
        return self.codes_or_back(user, _("The authenticator app is set up."))

    def show(self, error: str = "", status: int = 200) -> HttpResponse:
        secret = self.request.session[_SECRET]
        side, path = totp.picture(totp.address(_user(self.actor), cloud_name(self.request), secret))
        spaced = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        context = {"secret": secret, "spaced": spaced, "side": side, "path": path, "error": error}
        return self.fragment("session/security_app.html", status, **context)


class WrongPresent(Unauthorized):
    template = gettext_lazy("This password is wrong.")


class PasswordField(Styled):
    current = forms.CharField(
        label=gettext_lazy("Your password"), widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


def guard(call: Call, form: Styled) -> None:
    """Drop the form's password field for a user without a password: a recent sign-in is proof enough."""
    if not passwords.has(_user(call.actor)):
        del form.fields["current"]


def guarded(remove: Callable[[Call, User], str]) -> Callable[[Call, dict[str, object]], str]:
    """Check the password before `remove` runs, if the user has one; `remove` returns the toast."""

    def do(call: Call, values: dict[str, Any]) -> str:
        if "current" in values:
            source = address_of(call.request)
            try:
                passwords.check(values["current"], user_id=call.actor.user_id, allow_expired=True, source=source)
            except WrongPassword:
                raise WrongPresent() from None
        return remove(call, _user(call.actor))

    return do


def _remove_app(call: Call, user: User) -> str:
    mfa.remove_totp(user)
    return _("The authenticator app is removed.")


def _remove_key(call: Call, user: User) -> str:
    mfa.remove_key(user, call.id)
    return _("The key is removed.")


REMOVE_APP = FormDialog(
    panel="settings",
    recent=True,
    risk=True,
    title=gettext_lazy("Remove the authenticator app"),
    submit=gettext_lazy("Remove"),
    hint=gettext_lazy("Signing in will ask for no code of it. Recovery codes go with the last factor."),
    form=PasswordField,
    prepare=guard,
    do=guarded(_remove_app),
    next=to("security"),
    said=str,
)
REMOVE_KEY = FormDialog(
    panel="settings",
    recent=True,
    risk=True,
    title=gettext_lazy("Remove the key"),
    submit=gettext_lazy("Remove"),
    hint=gettext_lazy("It opens this cloud no more. What the key itself holds stays on it."),
    form=PasswordField,
    prepare=guard,
    do=guarded(_remove_key),
    next=to("security"),
    said=str,
)


class AddKey(Piece):
    """A name, whether it signs in alone, and the browser's ceremony."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.fragment("session/security_key.html", name="")

    def post(self, request: HttpRequest) -> HttpResponse:
        user, name = _user(self.actor), request.POST.get("name", "").strip()[:64] or _("Security key")
        try:
            keys.register(request, user, name, read_json(request.POST.get("credential", "")), passkey=_passkey(request))
        except keys.WrongKey as error:
            return self.fragment("session/security_key.html", 422, name=name, error=error.message)
        return self.codes_or_back(user, _("The key %(name)s is added.") % {"name": name})


def _passkey(request: HttpRequest) -> bool:
    return bool(request.POST.get("passkey"))


class AddKeyOptions(Page):
    panel = "settings"
    recent = True

    def post(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse(keys.begin_registration(request, _user(self.actor), passkey=_passkey(request)))


class NewCodes(Piece):
    """Ten new codes; those of before stop counting."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.fragment("session/security_new_codes.html", left=recovery.left(self.actor.user_id))

    def post(self, request: HttpRequest) -> HttpResponse:
        user = _user(self.actor)
        if not mfa.of_user(user).any:
            return self.go(reverse("security"))
        return self.fragment("session/security_codes.html", codes=recovery.make(user), said="")


def set_strict(call: Call) -> str:
    """Whether a token of the API wants the code too; nothing to say where there is no app."""
    on = call.request.POST.get("strict") == "on"
    if on and not mfa.of_user(_user(call.actor)).totp:
        return ""
    mfa.set_strict(call.actor.user_id, on)
    return _("The API asks for the code too.") if on else _("The API asks for no code.")


STRICT = Verb(panel="settings", recent=True, do=set_strict, next=to("security"), said=str)
END_SESSION = Verb(
    panel="settings",
    do=lambda call: signins.end(call.actor.user_id, call.id),
    next=to("security"),
    said=gettext_lazy("That session has ended."),
)
END_OTHERS = Verb(
    panel="settings",
    do=lambda call: signins.end_others(call.actor.user_id, call.request.session.session_key or ""),
    next=to("security"),
    said=gettext_lazy("All other sessions have ended."),
)
EVERYWHERE = Confirm(
    panel="settings",
    title=gettext_lazy("Sign out everywhere"),
    text=gettext_lazy(
        "Every session of yours ends within a second, this one too, and every token of the API. Application credentials stay."
    ),
    submit=gettext_lazy("Sign out everywhere"),
    keep=gettext_lazy("Stay signed in"),
    do=lambda call: signins.end_everywhere(call.actor.user_id),
    next=to("sign-in"),
)
