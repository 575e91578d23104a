"""Mappings of federation: their rules, and a place to try them on an assertion."""

import json
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from identity.federation import assertions, rules
from identity.federation.rule_schema import VERSIONS, BadRules
from identity.federation.services import MAPPINGS
from identity.models import Mapping, Protocol
from identity.resource import Duplicate
from portal.identity.bulk import Deletion
from portal.ui import Text
from portal.ui.calls import Call, to, to_made
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog, from_row
from portal.ui.forms import Json, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action, gate
from portal.ui.pages import Page
from portal.ui.tables import Bulk, Cell, Column, Filter, Row

EXAMPLE = [
    {
        "local": [{"user": {"name": "{0}", "email": "{1}"}, "group": {"name": "staff", "domain": {"name": "Default"}}}],
        "remote": [{"type": "OIDC-preferred_username"}, {"type": "OIDC-email"}],
    }
]
CLAIMS = {"sub": "1b9d6bcd", "preferred_username": "lin.wei", "email": "lin@example.org", "groups": ["staff"]}


class Mappings(ListPanel):
    panel, kind = "mappings", "mapping"
    columns = (
        Column("ID", sort="id"),
        Column(gettext_lazy("Rules"), "n"),
        Column(gettext_lazy("Version"), hide="m", sort="schema_version"),
        Column(gettext_lazy("Used by"), hide="m"),
    )
    search = ("id",)
    order = ("id",)
    filters = (Filter("id", "ID"),)

    new = New(gettext_lazy("Create mapping"), "mapping-create", "identity:create_mapping", "wide", lambda actor: {})
    empty = Empty(
        gettext_lazy("No mappings yet"),
        gettext_lazy("A mapping says who somebody is here, by what an identity provider says of them."),
        "openstack mapping create --rules rules.json staff",
    )

    def query(self, actor: RequestContext) -> Any:
        return MAPPINGS.listing(actor, {})

    def rows(self, actor: RequestContext, found: Any) -> list[Row]:
        used: dict[str, list[tuple[str, str]]] = {}
        for one in Protocol.objects.filter(mapping__in=found).order_by("provider_id", "id"):
            url = reverse("identity-provider", args=[one.provider_id])
            used.setdefault(one.mapping_id, []).append((f"{one.provider_id}/{one.id}", url))
        return [
            Row(
                row.pk, row.pk, reverse("mapping", args=[row.pk]), None,
                (Cell("num", len(row.rules)), Cell("muted", row.schema_version), Cell("links", used.get(row.pk, ()))),
                menu=reverse("mapping", args=[row.pk]) + "?menu=1",
            )
            for row in found
        ]  # fmt: skip

    def bulk(self, actor: RequestContext) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("mappings-delete") + "?ids=", risk=True),)


class MappingItem(ItemPage):
    panel, kind, template = "mappings", "mapping", "identity/mapping.html"
    recorded = "data/security/identity/mapping"
    find = staticmethod(MAPPINGS.get)
    tried: dict[str, object] | None = (
        None  # None while there is no mapping that may be shown: a refusal has a shell too
    )

    def actions(self, actor: RequestContext, row: Mapping) -> list[Action]:
        change, remove = gate(actor, "identity:update_mapping", {}), gate(actor, "identity:delete_mapping", {})
        used = _("A protocol uses it") if Protocol.objects.filter(mapping=row).exists() else ""
        return [
            Action("edit", _("Edit"), "pencil", reverse("mapping-edit", args=[row.pk]), "wide", change),
            Action("delete", _("Delete"), "trash", reverse("mapping-delete", args=[row.pk]), why=remove or used, risk=True),
        ]  # fmt: skip

    def detail(self, actor: RequestContext, row: Mapping) -> Detail:
        text = json.dumps(row.rules, indent=2, ensure_ascii=False)
        self.tried = {"form": TryForm(initial={"assertion": CLAIMS}), "action": reverse("mapping-try", args=[row.pk])}
        return Detail(
            row.pk,
            facts=(Cell("text", _("schema version %(version)s") % {"version": row.schema_version}),),
            cards=[Card(_("Rules"), pairs=(("", Cell("pre", text)),), name="rules")],
        )

    def shell(self) -> dict[str, object]:
        return {**super().shell(), "try": self.tried}


class MappingForm(Styled):
    rules = Json(
        kind=list, label=gettext_lazy("Rules"), help_text=gettext_lazy("A list; each rule has local and remote.")
    )
    schema_version = forms.ChoiceField(label=gettext_lazy("Schema version"), choices=[(one, one) for one in VERSIONS])


class NewMappingForm(MappingForm):
    id = forms.SlugField(label="ID", max_length=64)
    field_order = ("id", "rules", "schema_version")


def create(call: Call, values: dict[str, Any]) -> Any:
    id = values.pop("id")
    return MAPPINGS.create(call.actor, values, id=id)


CREATE = FormDialog(
    panel="mappings",
    title=gettext_lazy("Create mapping"),
    submit=gettext_lazy("Create"),
    form=NewMappingForm,
    initial=lambda call: {"rules": EXAMPLE, "schema_version": "1.0"},
    places=((Duplicate, "id"), (BadRules, "rules")),
    do=create,
    next=to_made("mapping"),
)
EDIT = FormDialog(
    panel="mappings",
    find=MAPPINGS.get,
    title=lambda call: _("Rules of %(name)s") % {"name": call.id},
    submit=gettext_lazy("Save"),
    form=MappingForm,
    initial=from_row,
    places=((BadRules, "rules"),),
    do=lambda call, values: MAPPINGS.update(call.actor, call.id, values),
    next=to("mapping", "id"),
)
DELETE = Deletion(
    panel="mappings",
    kind=MAPPINGS,
    route="mappings",
    one=gettext_lazy("Delete the mapping"),
    bulk=gettext_lazy("Delete the mappings"),
)


class TryForm(Styled):
    assertion = Json(
        label=gettext_lazy("What the provider says"),
        help_text=gettext_lazy("The claims of a token as JSON; rules may call them by OIDC- names too."),
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
    )


class Try(Page):
    """POST /mappings/<id>/try: who an assertion would be here. Nothing is made."""

    panel = "mappings"

    def post(self, request: HttpRequest, id: str) -> HttpResponse:
        row, form = MAPPINGS.get(self.actor, id), TryForm(request.POST)
        if not form.is_valid():
            context = {"form": form, "wrong": True}
            return self.fragment("identity/mapping_tried.html", **context)
        try:
            claims = assertions.from_claims(form.cleaned_data["assertion"])
            found = rules.evaluate(row.pk, row.rules, row.schema_version, claims)
        except rules.NotMapped as error:
            return self.fragment("identity/mapping_tried.html", refused=error.message)
        return self.fragment("identity/mapping_tried.html", cards=outcome(found))


def outcome(found: rules.Mapped) -> list[tuple[Text, list[str]]]:
    """Give the result of trying a mapping, as headings with lines."""

    def named(one: dict[str, Any]) -> str:
        domain = one.get("domain") or {}
        place = domain.get("name") or domain.get("id") or ""
        who = str(one.get("name") or one.get("id") or "")
        return f"{who} ({place})" if place else who

    user = [f"{name}: {value}" for name, value in found.user.items() if not isinstance(value, dict) and value]
    groups = [*(f"ID {id}" for id in found.group_ids), *(named(one) for one in found.groups)]
    projects = [
        f"{named(one)}: {', '.join(str(role.get('name', '')) for role in one.get('roles', []))}"
        for one in found.projects
    ]
    kind = _("a user who is here already") if found.is_local else _("a user of the provider's")
    return [(_("User"), [*user, f"({kind})"]), (_("Groups"), groups), (_("Projects"), projects)]
