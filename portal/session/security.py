"""Settings → Security: the password, second factors, recovery codes, and where one is signed in."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.errors import Unauthorized
from identity.auth import passwords
from identity.auth.tries import WrongPassword
from identity.factors import keys, recovery, totp
from identity.factors import services as factors
from identity.models import PortalSession, User
from identity.signins import services as signins
from openstackapi.client import address_of
from portal.session.devices import browser
from portal.session.steps import read_json
from portal.ui.dialogs import Confirm, FormDialog
from portal.ui.forms import Styled
from portal.ui.pages import Page, cloud_name, is_fragment

_SECRET = "totp_secret"


@dataclass(frozen=True)
class Seen:
    """One session, as the page lists it."""

    id: str
    browser: str
    system: str
    row: PortalSession
    here: bool


def _user(actor: Actor) -> User:
    return User.objects.select_related("domain").get(pk=actor.user_id)


class Security(Page):
    panel = "settings"

    def get(self, request: HttpRequest) -> HttpResponse:
        user = _user(self.actor)
        here = request.session.session_key
        found = [
            Seen(signins.name(row.pk), *browser(row.agent), row, row.pk == here)
            for row in signins.of_user(self.actor.user_id)
        ]
        return self.page(
            "session/security.html",
            settings_tab="security",
            user=user,
            has_password=passwords.has(user),
            have=factors.of_user(user),
            strict=factors.strict(user),
            sessions=sorted(found, key=lambda one: not one.here),
        )


class Piece(Page):
    """A dialog of its own shape: a fragment where a script asks, else a page around it."""

    panel = "settings"
    recent = True

    def piece(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        if is_fragment(self.request):
            return self.fragment(template, status=status, **context)
        return self.page("session/piece_page.html", status=status, piece=template, **context)

    def codes_or_back(self, user: User, said: str) -> HttpResponse:
        """After the first factor: recovery codes, shown this once."""
        if recovery.left(user.pk):
            return self.go(reverse("security"), said)
        return self.piece("session/security_codes.html", codes=recovery.make(user), said=said)


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
        return self.piece("session/security_app.html", status, **context)


class WrongPresent(Unauthorized):
    template = gettext_lazy("This password is wrong.")


class PasswordField(Styled):
    current = forms.CharField(
        label=gettext_lazy("Your password"), widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class Guarded(FormDialog):
    """Asks for the password; of who has none, that the sign-in is fresh."""

    panel = "settings"
    risk = True
    recent = True
    form_class = PasswordField

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        if not passwords.has(_user(self.actor)):
            return forms.Form(data)
        return super().form(data, files, **keys)

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        if "current" in values:
            try:
                passwords.check(
                    values["current"], user_id=actor.user_id, allow_expired=True, source=address_of(self.request)
                )
            except WrongPassword:
                raise WrongPresent() from None
        return reverse("security"), self.remove(_user(actor), **keys)

    def remove(self, user: User, **keys: str) -> str:
        raise NotImplementedError


class RemoveApp(Guarded):
    title = gettext_lazy("Remove the authenticator app")
    submit = gettext_lazy("Remove")
    hint = gettext_lazy("Signing in will ask for no code of it. Recovery codes go with the last factor.")

    def remove(self, user: User, **keys: str) -> str:
        factors.remove_totp(user)
        return _("The authenticator app is removed.")


class RemoveKey(Guarded):
    title = gettext_lazy("Remove the key")
    submit = gettext_lazy("Remove")
    hint = gettext_lazy("It opens this cloud no more. What the key itself holds stays on it.")

    def remove(self, user: User, **keys: str) -> str:
        factors.remove_key(user, keys["id"])
        return _("The key is removed.")


class AddKey(Piece):
    """A name, whether it signs in alone, and the browser's ceremony."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.piece("session/security_key.html", name="")

    def post(self, request: HttpRequest) -> HttpResponse:
        user, name = _user(self.actor), request.POST.get("name", "").strip()[:64] or _("Security key")
        try:
            keys.register(request, user, name, read_json(request.POST.get("credential", "")), passkey=_passkey(request))
        except keys.WrongKey as error:
            return self.piece("session/security_key.html", 422, name=name, error=error.message)
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
        return self.piece("session/security_new_codes.html", left=recovery.left(self.actor.user_id))

    def post(self, request: HttpRequest) -> HttpResponse:
        user = _user(self.actor)
        if not factors.of_user(user).any:
            return self.go(reverse("security"))
        return self.piece("session/security_codes.html", codes=recovery.make(user), said="")


class Strict(Page):
    """Whether a token of the API wants the code too."""

    panel = "settings"
    recent = True

    def post(self, request: HttpRequest) -> HttpResponse:
        on = request.POST.get("strict") == "on"
        if on and not factors.of_user(_user(self.actor)).totp:
            return self.go(reverse("security"))
        factors.set_strict(self.actor.user_id, on)
        return self.go(
            reverse("security"), _("The API asks for the code too.") if on else _("The API asks for no code.")
        )


class EndSession(Page):
    panel = "settings"

    def post(self, request: HttpRequest, id: str) -> HttpResponse:
        signins.end(self.actor.user_id, id)
        return self.go(reverse("security"), _("That session has ended."))


class EndOthers(Page):
    panel = "settings"

    def post(self, request: HttpRequest) -> HttpResponse:
        signins.end_others(self.actor.user_id, request.session.session_key or "")
        return self.go(reverse("security"), _("All other sessions have ended."))


class Everywhere(Confirm):
    panel = "settings"
    submit = gettext_lazy("Sign out everywhere")
    keep = gettext_lazy("Stay signed in")

    def heading(self, **keys: str) -> str:
        return _("Sign out everywhere")

    def text(self, **keys: str) -> str:
        return _(
            "Every session of yours ends within a second, this one too, and every token of the API. Application credentials stay."
        )

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        signins.end_everywhere(actor.user_id)
        return reverse("sign-in"), ""
