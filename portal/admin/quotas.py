"""Default quotas: the limits of every project that has none of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy
from authorization.context import RequestContext
from portal.identity.quotas import MOST
from portal.ui import Text
from portal.ui import quotas as words
from portal.ui.calls import Call, to
from portal.ui.details import Card
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Stepped
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.panels import Quotas
from portal.ui.tables import Cell
from quota import services as quota

#: Compute's quota class "default" is this by another name; other services' defaults are registered limits alone.
READ = {"compute": "os_compute_api:os-quota-class-sets:show"}
WRITE = {"compute": "os_compute_api:os-quota-class-sets:update"}
REGISTERED = "identity:list_registered_limits", "identity:update_registered_limit"


def read_rule(about: Quotas) -> str:
    return READ.get(about.service, REGISTERED[0])


def write_rule(about: Quotas) -> str:
    return WRITE.get(about.service, REGISTERED[1])


class DefaultQuotas(Page):
    panel = "default-quotas"

    def get(self, request: HttpRequest) -> HttpResponse:
        policy.require(self.actor, READ["compute"])
        cards = [card(self.actor, one) for one in words.services() if policy.allows(self.actor, read_rule(one))]
        context: dict[str, object] = {"title": _("Default quotas"), "cards": cards}
        if self.asks("live"):
            return self.fragment("ui/cards_live.html", **context)
        return self.page("ui/cards.html", kind="limit", **context)


def card(actor: RequestContext, about: Quotas) -> Card:
    """Build the card of one service, with the verb that changes its defaults."""
    now = quota.defaults(about.service)
    lines = [
        (limit.label, Cell("num", words.shown(limit, now[limit.name]) if now[limit.name] >= 0 else _("no limit")))
        for limit in words.limits(about)
    ]
    why = gate(actor, write_rule(about), None)
    edit = Action("edit", _("Edit"), "pencil", reverse("default-quotas-edit", args=[about.service]), "wide", why)
    return Card(about.title, pairs=lines, action=edit, name=f"quota-{about.service}")


class DefaultsForm(Stepped):
    numbered, flat = False, True


def _about(call: Call) -> Quotas:
    """The service that the address names. Raises: UnknownResource."""
    for one in words.services():
        if one.service == call.id:
            return one
    raise quota.UnknownResource(service=call.id, name="")


@dataclass(frozen=True, kw_only=True)
class DefaultsDialog(FormDialog):
    """The defaults of one service; -1 is no limit."""

    def filled(self, call: Call, data: object = None, files: object = None) -> object:
        about = _about(call)
        now = quota.defaults(about.service)
        fields = {limit.name: field_of(limit.label, now[limit.name]) for limit in words.limits(about)}
        form = type("ServiceDefaultsForm", (self.form,), fields)(data)
        form.parts = ((about.service, about.title, list(fields)),)
        return form


def field_of(label: Text, most: int) -> forms.Field:
    widget = forms.NumberInput(attrs={"class": "num", "inputmode": "numeric"})
    return forms.IntegerField(label=label, min_value=-1, max_value=MOST, initial=most, widget=widget)


@transaction.atomic
def keep(call: Call, values: Mapping[str, Any]) -> None:
    """Set the defaults that changed. Raises: Forbidden."""
    about = _about(call)
    policy.require(call.actor, write_rule(about))
    before = quota.defaults(about.service)
    for limit in words.limits(about):
        if values[limit.name] != before[limit.name]:
            quota.set_default(about.service, limit.name, values[limit.name])


EDIT = DefaultsDialog(
    panel="default-quotas",
    title=gettext_lazy("Edit default quotas"),
    submit=gettext_lazy("Save"),
    hint=gettext_lazy("They hold for every project without a limit of its own. -1 is no limit. Memory is in MiB."),
    form=DefaultsForm,
    do=keep,
    next=to("default-quotas"),
    said=gettext_lazy("The default quotas are kept"),
)
