"""From an address of the portal, and the form that is open at it, to the calls that it would make."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from urllib.parse import urlsplit

from django import forms
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, resolve

from authorization.context import RequestContext
from portal.showas import registry
from portal.showas.entries import Entry, Typed
from portal.showas.kinds import Use
from portal.showas.places import Value, secret
from portal.ui import panels
from portal.ui.calls import Call, Declared
from portal.ui.dialogs import FormDialog

#: Fields that hold a secret, besides those that hide what is typed.
SECRETS = ("secret", "client_secret", "blob")

_NOTHING = Declared(panel="")


@dataclass(frozen=True)
class Address:
    """An address of the portal that has an entry: its name, what stands in it, and its declaration if it is one of the kit's."""

    route: str
    keys: dict[str, str]
    entry: Entry
    about: Declared
    query: QueryDict
    panel: str


def entry_of(url: str) -> Address | None:
    """Find the entry of an address with its query; None where there is none."""
    try:
        parts = urlsplit(url)
        match = resolve(parts.path)
    except (ValueError, Resolver404):
        return None
    entry = registry.entries().get(match.url_name or "")
    if entry is None:
        return None
    said = getattr(match.func, "view_initkwargs", {})
    about = said.get("about", _NOTHING)
    panel = said.get("panel") or about.panel or getattr(getattr(match.func, "view_class", None), "panel", "")
    return Address(match.url_name or "", dict(match.kwargs), entry, about, QueryDict(parts.query), panel)


def without_secrets(form: forms.Form, values: dict[str, Value]) -> Typed:
    """Take what a form has, with the place of each secret that was typed."""
    found = Typed()
    for name, value in values.items():
        field = form.fields.get(name)
        hides = field is not None and (isinstance(field.widget, forms.PasswordInput) or name in SECRETS)
        found[name] = (secret(name) if value else None) if hides else value
    return found


def read(call: Call, form: forms.Form) -> Typed:
    """Read what a dialog's form has, and what of it differs from how it began."""
    found = without_secrets(form, form.cleaned_data)
    found.asked = frozenset(name for name, field in form.fields.items() if field.required)
    before = call.about.initial(call) if isinstance(call.about, FormDialog) else {}
    found.changed = frozenset(
        name
        for name, field in form.fields.items()
        if field.has_changed(before.get(name, field.initial), form[name].data)
    )
    return found


def values_of(call: Call, address: Address, data: QueryDict) -> Typed:
    """Read what is typed now: of a dialog the fields that are right; what is asked for and not there stays a place."""
    if address.entry.read is not None:
        return Typed(address.entry.read(data))
    if not isinstance(address.about, FormDialog):
        return Typed()
    form = address.about.filled(call, data)
    form.is_valid()
    return read(call, form)


def may_see(call: Call, panel: str) -> None:
    """Ask what the page itself asks: the rule of its panel, and its rows. Raises: Forbidden, and what finding a row raises."""
    shown = panels.named(panel)
    if shown is not None:
        shown.require(call.actor)
    if call.about.find is not None and (call.about.key in call.keys or "ids" in call.request.GET):
        call.rows  # noqa: B018


def asked(request: HttpRequest, actor: RequestContext, url: str) -> Sequence[Use]:
    """Return the calls of what an address does with what is typed. Raises: as the page at that address where the actor may not see it."""
    address = entry_of(url)
    if address is None:
        return []
    there = copy(request)
    vars(there)["GET"] = address.query
    call = Call(there, actor, address.about, address.keys)
    may_see(call, address.panel)
    return address.entry.uses(call, values_of(call, address, request.POST))
