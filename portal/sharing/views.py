"""The dialog "Share…": who has it now, and a form to give it to another."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from common.clock import now
from portal.sharing import parts
from portal.ui import Text
from portal.ui.calls import Call
from portal.ui.dialogs import Confirm, FormDialog, FormPage
from portal.ui.forms import Styled
from portal.ui.pages import is_fragment
from sharing import access, services, shareable

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


def ends(asked: dict[str, Any]) -> datetime | None:
    """Return the end that was chosen: a time of its own before one of the list."""
    exact: datetime | None = asked["until"]
    hours = LASTS[asked["lasts"]][1]
    return exact or (now() + timedelta(hours=hours) if hours else None)


def shares_of(actor: RequestContext, kind: str, object_id: str) -> list[dict[str, object]]:
    """List the shares that the dialog lists."""
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


def of_kind(call: Call) -> Any:
    """Return the object that the address names. Raises: what its kind's service raises."""
    return shareable.find(call.keys["kind"]).find(call.actor, call.id)


def levels(call: Call) -> list[tuple[str, str]]:
    kind = shareable.find(call.keys["kind"])
    words = parts.LEVELS[kind.name]
    return [(level, f"{words[level][0]}: {words[level][1]}") for level in kind.levels]


def give(call: Call, asked: dict[str, Any]) -> None:
    """Give one share; naming somebody who has one already changes that one."""
    kind = call.keys["kind"]
    to = services.subject_of(call.actor, asked["subject"], name=asked["name"], domain=asked["domain"])
    there = [
        one.row.pk
        for one in services.of_object(call.actor, kind, call.id)
        if (one.subject, one.subject_id) == (asked["subject"], to.pk)
    ]
    if there:
        services.change(call.actor, there[0], level=asked["level"], expires_at=ends(asked))
        return
    about = {"kind": kind, "object_id": call.id, "subject": asked["subject"], "to": to}
    services.give(call.actor, **about, level=asked["level"], expires_at=ends(asked))


class SharePage(FormPage):
    """GET, POST /share/<kind>/<id>. After giving, the dialog stays and shows the new share."""

    def go_on(self, call: Call, made: object) -> HttpResponse:
        return self.again(call) if is_fragment(self.request) else self.go(self.request.path)

    def again(self, call: Call) -> HttpResponse:
        """Answer with the dialog as it is now."""
        return self.show(call, self.about.filled(call))


@dataclass(frozen=True, kw_only=True)
class ShareDialog(FormDialog):
    view: ClassVar = SharePage


def shown(call: Call) -> dict[str, object]:
    """Build the shares that there are; the address is the dialog's own, also where a share was withdrawn."""
    kind = call.keys["kind"]
    return {"shares": shares_of(call.actor, kind, call.id), "action": reverse("share", args=[kind, call.id])}


SHARE = ShareDialog(
    panel="",
    title=lambda call: _("Share %(name)s") % {"name": of_kind(call).name or call.id},
    submit=gettext_lazy("Share it"),
    form=ShareForm,
    choices={"level": levels},
    places=((services.NoSuchSubject, "name"), (services.EndsInThePast, "until"), (services.EndsTooLate, "until")),
    do=give,
    dialog="sharing/dialog.html",
    page="sharing/page.html",
    context=shown,
)


class Withdraw(SharePage):
    """POST /share/<kind>/<id>/<share>/withdraw: ends one share; answers with the dialog as it is now."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest, **keys: str) -> HttpResponse:
        services.withdraw(self.actor, keys["share"])
        if not is_fragment(request):
            return self.go(reverse("share", args=[keys["kind"], keys["id"]]))
        return self.again(self.called(keys))


#: Kind → the panel that lists it.
_LISTS = {"server": "instances", "image": "images", "network": "networks"}


def own(call: Call) -> services.Found:
    """Return the actor's own share. Raises: ShareNotFound."""
    found = parts.own_share(parts.shared_with(call.actor, call.keys["kind"], call.id))
    if found is None:
        raise services.ShareNotFound(id=call.id)
    return found


def ended(call: Call) -> str:
    return _(
        "%(giver)s shared it with you. Your share ends now, and so does a console that you have open by it. Only who may share it can give it to you again."
    ) % {"giver": access.giver(own(call))}


#: GET, POST /share/<kind>/<id>/give-up: who has a share by themselves ends it.
GIVE_UP = Confirm(
    panel="",
    title=lambda call: _("Give up %(name)s") % {"name": of_kind(call).name or call.id},
    text=ended,
    submit=gettext_lazy("Give it up"),
    do=lambda call: services.withdraw(call.actor, own(call).row.pk),
    next=lambda call, made: reverse(_LISTS[call.keys["kind"]]),
    said=gettext_lazy("You gave it up."),
)
