"""The way from an action or a list to its other forms."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse

from portal.showas import asking
from portal.ui.dialogs import FormDialog

register = template.Library()


@register.simple_tag
def show_as(url: str) -> str:
    """Return the address of the forms of one action or list; "" where it has none."""
    return f"{reverse('show-as')}?{urlencode({'of': url})}" if asking.entry_of(url) else ""


@register.simple_tag
def show_all(actions: Iterable[Any]) -> str:
    """Return the address of the forms of those of a menu that ask nothing; "" where none has any. A form shows its own."""
    found: list[tuple[str, str]] = []
    for action in actions:
        address = asking.entry_of(action.url)
        if address is not None and not isinstance(address.about, FormDialog) and action.how != "link":
            found += [("of", action.url), ("label", str(action.label))]
    return f"{reverse('show-as')}?{urlencode(found)}" if found else ""
