"""One's own settings and password."""

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.actor import Actor
from identity.users import services as users
from portal import prefs
from portal.dialogs import FormDialog
from portal.forms import Styled
from portal.pages import Page

ZONES = sorted(
    zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix"))
)


class SettingsForm(Styled):
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    zone = forms.ChoiceField(label=_("Time zone"), choices=[("UTC", "UTC"), *((zone, zone) for zone in ZONES)])
    page_size = forms.TypedChoiceField(
        label=_("Rows per page"), coerce=int, choices=[(size, str(size)) for size in prefs.PAGE_SIZES]
    )
    theme = forms.ChoiceField(
        label=_("Theme"), choices=[("auto", _("As the system")), ("light", _("Light")), ("dark", _("Dark"))]
    )
    density = forms.ChoiceField(
        label=_("Density"), choices=[("normal", _("Normal")), ("compact", _("Compact")), ("roomy", _("Roomy"))]
    )
    keys = forms.BooleanField(label=_("Single-letter keys"), required=False)


class Settings(Page):
    panel = "settings"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = self.prefs
        initial = {name: getattr(now, name) for name in SettingsForm.base_fields}
        return self.show(SettingsForm(initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SettingsForm(request.POST)
        if not form.is_valid():
            return self.show(form, 422)
        response = self.go(reverse("settings"), str(_("Settings are kept.")))
        prefs.remember(request, response, **form.cleaned_data)
        return response

    def show(self, form: forms.Form, status: int = 200) -> HttpResponse:
        context = {"title": _("Settings"), "submit": _("Keep these"), "form": form, "action": reverse("settings")}
        return self.page("portal/form_page.html", status=status, **context)


class PasswordForm(Styled):
    current = forms.CharField(
        label=_("Present password"), widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    new = forms.CharField(
        label=_("New password"), min_length=8, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    again = forms.CharField(
        label=_("New password again"), widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("new") and found.get("new") != found.get("again"):
            self.add_error("again", _("The two new passwords differ."))
        return found


class Password(FormDialog):
    panel = "settings"
    title = _("Change password")
    submit = _("Change password")
    hint = _("Every session and token of yours ends; you sign in again.")
    form_class = PasswordForm

    def act(self, actor: Actor, values: dict[str, Any], **keys: str) -> tuple[str, str]:
        users.change_password(actor.user_id, values["current"], values["new"])
        return reverse("sign-in"), ""
