"""One's own settings and password."""

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, Unauthorized
from identity.models import Region as RegionRow
from identity.signin import sessions
from identity.users import services as users
from openstackapi.client import address_of
from portal import prefs
from portal.session.steps import inside
from portal.ui import panels
from portal.ui.calls import Call, to
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Styled
from portal.ui.pages import Page

ZONES = sorted(
    zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix"))
)


class SettingsForm(Styled):
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    zone = forms.ChoiceField(label=_("Time zone"), choices=[("UTC", "UTC"), *((zone, zone) for zone in ZONES)])
    page_size = forms.TypedChoiceField(
        label=_("Rows per page"), coerce=int, choices=[(size, str(size)) for size in prefs.PAGE_SIZES]
    )
    log_lines = forms.TypedChoiceField(
        label=_("Lines of a log"), coerce=int, choices=[(lines, str(lines)) for lines in prefs.LOG_LINES],
        help_text=_("How many of the last lines a server's log shows first; a download is always whole."),
    )  # fmt: skip
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
        return self.page("session/settings.html", status, settings_tab="preferences", **context)


class Columns(Page):
    """POST /columns: which columns of a panel's list are shown; kept with the user."""

    def post(self, request: HttpRequest) -> HttpResponse:
        panel = request.POST.get("of", "")[:64]
        hidden = sorted(set(request.POST.get("all", "").split()) - set(request.POST.getlist("shown")))
        if panels.named(panel) is None:
            raise Invalid(reason=_("There is no such list."))
        response = self.go(inside(request, request.POST.get("next", "")))
        prefs.remember(request, response, hidden=lambda had: {**(had or {}), panel: hidden[:40]})
        return response


class Region(Page):
    """POST /settings/region: whose endpoints API access shows and client files name."""

    def post(self, request: HttpRequest) -> HttpResponse:
        response = self.go(inside(request, request.POST.get("next", "")))
        if RegionRow.objects.filter(pk=request.POST.get("region", "")).exists():
            prefs.remember(request, response, region=request.POST["region"])
        return response


class SwitchDomain(Page):
    """POST /domain: the session moves to a domain on which the user has a role."""

    def post(self, request: HttpRequest) -> HttpResponse:
        sessions.switch_domain(request, request.POST.get("domain", ""))
        return self.go(reverse("projects"))


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

    def clean(self) -> dict[str, object]:
        found = super().clean() or {}
        if found.get("new") and found.get("new") != found.get("again"):
            self.add_error("again", _("The two new passwords differ."))
        return found


def change_password(call: Call, values: dict[str, Any]) -> None:
    source = address_of(call.request)
    users.change_password(call.actor.user_id, values["current"], values["new"], source=source)


#: A dialog from the account's menu; as a page it is a tab of the settings.
PASSWORD = FormDialog(
    panel="settings",
    title=_("Change password"),
    submit=_("Change password"),
    hint=_("Every session and token of yours ends; you sign in again."),
    form=PasswordForm,
    places=((Unauthorized, "current"), (users.PasswordReused, "new"), (users.PasswordLocked, "new")),
    do=change_password,
    next=to("sign-in"),
    page="session/settings.html",
    context=lambda call: {"settings_tab": "password"},
)
