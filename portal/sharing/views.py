"""The dialog "Share…": who has it now, and a form to give it to another."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.clock import now
from common.errors import CloudError
from identity.sharing import access, kinds, services
from portal.sharing import parts
from portal.ui import Text
from portal.ui.dialogs import Confirm, FormDialog
from portal.ui.forms import Styled
from portal.ui.pages import Page, is_fragment

#: How long, as the form offers it: value → (label, hours; None: no end).
LASTS: dict[str, tuple[Text, float | None]] = {
    "1h": (gettext_lazy("1 hour"), 1),
    "8h": (gettext_lazy("8 hours"), 8),
    "1d": (gettext_lazy("1 day"), 24),
    "7d": (gettext_lazy("7 days"), 7 * 24),
    "30d": (gettext_lazy("30 days"), 30 * 24),
    "": (gettext_lazy("until it is withdrawn"), None),
}


class ShareForm(Styled):
    subject = forms.ChoiceField(
        label=gettext_lazy("With"), choices=[("user", gettext_lazy("a user")), ("group", gettext_lazy("a group"))]
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=255)
    domain = forms.CharField(
        label=gettext_lazy("Domain"), max_length=255, required=False, help_text=gettext_lazy("Empty: your own.")
    )
    level = forms.ChoiceField(label=gettext_lazy("They may"))
    lasts = forms.ChoiceField(
        label=gettext_lazy("For"),
        required=False,
        initial="7d",
        choices=[(value, label) for value, (label, _hours) in LASTS.items()],
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Or until"),
        required=False,
        help_text=gettext_lazy("A time here goes before the choice above."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def ends(self) -> datetime | None:
        """The end that was chosen."""
        exact: datetime | None = self.cleaned_data["until"]
        hours = LASTS[self.cleaned_data["lasts"]][1]
        return exact or (now() + timedelta(hours=hours) if hours else None)


class Share(FormDialog):
    """GET, POST /share/<kind>/<id>. After giving, the dialog stays and shows the new share."""

    title = gettext_lazy("Share")
    submit = gettext_lazy("Share it")
    form_class = ShareForm
    template = "sharing/dialog.html"

    def thing(self, **keys: str) -> tuple[kinds.Kind, Any]:
        kind = kinds.find(keys["kind"])
        return kind, kind.find(self.actor, keys["id"])

    def form(self, data: Any = None, files: Any = None, **keys: str) -> forms.Form:
        kind, _row = self.thing(**keys)
        form = super().form(data, files, **keys)
        words = parts.LEVELS[kind.name]
        form.fields["level"].choices = [(level, f"{words[level][0]}: {words[level][1]}") for level in kind.levels]  # type: ignore[attr-defined]
        return form

    def heading(self, **keys: str) -> Text:
        return _("Share %(name)s") % {"name": self.thing(**keys)[1].name or keys["id"]}

    def post(self, request: HttpRequest, **keys: str) -> HttpResponse:
        form = self.form(request.POST, request.FILES, **keys)
        if form.is_valid():
            self.give(self.actor, form, **keys)
        if form.errors:
            return self.show(form, status=422, **keys)
        return self.show(self.form(**keys), **keys) if is_fragment(request) else self.go(request.path)

    def give(self, actor: Actor, form: Any, **keys: str) -> None:
        """One share from a valid form; what is refused becomes the form's own error."""
        asked = form.cleaned_data
        try:
            to = services.subject_of(actor, asked["subject"], name=asked["name"], domain=asked["domain"])
            self.give_or_change(actor, asked, form.ends(), to, **keys)
        except services.NoSuchSubject as error:
            form.add_error("name", error.message)
        except (services.EndsInThePast, services.EndsTooLate) as error:
            form.add_error("until", error.message)
        except CloudError as error:
            form.add_error(None, error.message)

    def give_or_change(self, actor: Actor, asked: dict[str, Any], ends: datetime | None, to: Any, **keys: str) -> None:
        """Naming somebody who has a share already changes that one."""
        there = [
            one.row.pk
            for one in services.of_object(actor, keys["kind"], keys["id"])
            if (one.subject, one.subject_id) == (asked["subject"], to.pk)
        ]
        if there:
            services.change(actor, there[0], level=asked["level"], expires_at=ends)
            return
        about = {"kind": keys["kind"], "object_id": keys["id"], "subject": asked["subject"], "to": to}
        services.give(actor, **about, level=asked["level"], expires_at=ends)

    def show(self, form: forms.Form, status: int = 200, **keys: str) -> HttpResponse:
        context = {
            "form": form,
            "title": self.heading(**keys),
            "submit": self.submit,
            "action": self.request.path,
            "shares": shares_of(self.actor, keys["kind"], keys["id"]),
        }
        if is_fragment(self.request):
            return self.fragment("sharing/dialog.html", status=status, **context)
        return self.page("sharing/page.html", status=status, **context)


def shares_of(actor: Actor, kind: str, object_id: str) -> list[dict[str, Any]]:
    """The shares that the dialog lists."""
    found = services.of_object(actor, kind, object_id)
    return [
        {
            "id": one.row.pk,
            "name": getattr(one.row, one.subject).name,
            "subject": one.subject,
            "level": parts.word(kind, one.row.level),
            "until": one.row.expires_at,
            "by": access.giver(one),
            "withdraw": reverse("share-withdraw", args=[kind, object_id, one.row.pk]),
        }
        for one in found
    ]


class Withdraw(Page):
    """POST /share/<kind>/<id>/<share>/withdraw: ends one share; answers with the dialog as it is now."""

    def post(self, request: HttpRequest, kind: str, id: str, share: str) -> HttpResponse:
        services.withdraw(self.actor, share)
        if not is_fragment(request):
            return self.go(reverse("share", args=[kind, id]))
        view = Share()
        view.setup(request, kind=kind, id=id)
        view.prefs = self.prefs
        return view.show(view.form(kind=kind, id=id), kind=kind, id=id)


#: Kind → the panel that lists it.
_LISTS = {"server": "instances", "image": "images", "network": "networks"}


class GiveUp(Confirm):
    """GET, POST /share/<kind>/<id>/give-up: who has a share by themselves ends it."""

    submit = gettext_lazy("Give it up")
    keep = gettext_lazy("Keep it")

    def own(self, **keys: str) -> services.Found:
        """Raises: ShareNotFound."""
        found = parts.own_share(parts.shared_with(self.actor, keys["kind"], keys["id"]))
        if found is None:
            raise services.ShareNotFound(id=keys["id"])
        return found

    def heading(self, **keys: str) -> Text:
        kind = kinds.find(keys["kind"])
        return _("Give up %(name)s") % {"name": kind.find(self.actor, keys["id"]).name or keys["id"]}

    def text(self, **keys: str) -> Text:
        return _(
            "%(giver)s shared it with you. Your share ends now, and so does a console that you have open by it. Only who may share it can give it to you again."
        ) % {"giver": access.giver(self.own(**keys))}

    def act(self, actor: Actor, **keys: str) -> tuple[str, str]:
        services.withdraw(actor, self.own(**keys).row.pk)
        return reverse(_LISTS[keys["kind"]]), _("You gave it up.")
