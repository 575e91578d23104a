"""A project's quotas: every limit that a service registered, with its words, its use and its form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization import policy, rules
from authorization.context import RequestContext
from common.errors import Invalid
from identity.projects.services import PROJECTS
from portal.ui import Text
from portal.ui import quotas as words
from portal.ui.calls import Call, to
from portal.ui.details import Card
from portal.ui.dialogs import FormDialog
from portal.ui.forms import Stepped
from portal.ui.panels import Limit, Quotas
from portal.ui.tables import Cell
from quota import services as quota

MOST = 2**31 - 1


def may(actor: RequestContext, about: Quotas, verb: str, project: Any) -> bool:
    """Whether the actor may `get` or `set` limits of a service on a project, by the rule of that service's own API."""
    rule, instead = (about.read, words.READ) if verb == "get" else (about.write, words.WRITE)
    aim = {"project_id": project.pk, **PROJECTS.target(project)}
    return policy.allows(actor, rule if rule in rules.texts() else instead, aim)


def may_set_any(actor: RequestContext, project: object) -> bool:
    return any(may(actor, about, "set", project) for about in words.services())


def cards(actor: RequestContext, project: Any) -> list[Card]:
    """Use of each limit as bars, a card a service."""
    found = []
    for about in words.services():
        if not may(actor, about, "get", project):
            continue
        use, lines = quota.usage(project.pk, about.service), []
        for limit in words.limits(about):
            used, most = use[limit.name]
            value = (used, most, words.shown(limit, used), words.of(limit, most))
            lines.append((limit.label, Cell("use", value, name=limit.name)))
        found.append(Card(about.title, pairs=lines, name=f"quota-{about.service}"))
    return found


class BelowUse(Invalid):
    template = gettext_lazy("%(used)s are used already. Free some first, or choose at least that many.")


class QuotaForm(Stepped):
    numbered, flat = False, True
    known: Mapping[str, tuple[Limit, int, int]] = {}  # field → its limit, what is used, what holds now

    def clean(self) -> dict[str, object]:
        """Check that a limit that changes is not below what is used."""
        found = super().clean() or {}
        for name, (limit, used, most) in self.known.items():
            value = found.get(name)
            if value is not None and value != most and 0 <= value < used:
                self.add_error(name, BelowUse(used=words.shown(limit, used)).message)
        return found


def field_of(limit: Limit, used: int, most: int) -> forms.Field:
    return forms.IntegerField(
        label=limit.label, min_value=-1, max_value=MOST, initial=most,
        widget=forms.NumberInput(attrs={"class": "num", "inputmode": "numeric"}),
        help_text=_("%(count)s used") % {"count": words.shown(limit, used)},
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class QuotaDialog(FormDialog):
    """The project's own limits; -1 is none."""

    def filled(self, call: Call, data: object = None, files: object = None) -> object:
        parts: list[tuple[str, Text, list[str]]] = []
        known: dict[str, tuple[Limit, int, int]] = {}
        for about in words.services():
            if may(call.actor, about, "set", call.row):
                use = quota.usage(call.row.pk, about.service)
                own = {f"{about.service}.{limit.name}": (limit, *use[limit.name]) for limit in words.limits(about)}
                parts.append((about.service, about.title, list(own)))
                known |= own
        form = type("ProjectQuotaForm", (self.form,), {name: field_of(*one) for name, one in known.items()})(data)
        form.parts, form.known = parts, known
        return form


@transaction.atomic
def keep(call: Call, values: dict[str, Any]) -> None:
    """Set the limits that changed."""
    for about in words.services():
        before = quota.usage(call.row.pk, about.service)
        for limit in words.limits(about):
            value, (_used, most) = values.get(f"{about.service}.{limit.name}"), before[limit.name]
            if value is not None and value != most:
                quota.set(call.row.pk, about.service, limit.name, value)


QUOTA = QuotaDialog(
    panel="projects",
    find=PROJECTS.get,
    title=gettext_lazy("Quotas of %(name)s"),
    submit=gettext_lazy("Save"),
    hint=gettext_lazy("-1 is no limit. Memory and image space are in MiB."),
    form=QuotaForm,
    do=keep,
    next=to("project-tab", "id", tab="usage"),
    said=gettext_lazy("The quotas are kept"),
)
