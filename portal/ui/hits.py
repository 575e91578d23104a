"""Hits of the search palette: names, addresses, ids, pages and verbs."""

import re
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import translation

from portal.ui import Text
from portal.ui.status import Status

MOST = 6  # of each kind
_ADDRESS = re.compile(r"(?=.*[0-9.:])[0-9a-fA-F.:]+(/[0-9]{0,3})?")


@dataclass
class Hit:
    label: Text
    url: str
    icon: str
    note: Text = ""
    st: Status | None = None
    dialog: bool = False
    post: bool = False  # it is done at once, by a POST to `url`
    does: str = ""  # instead of leading anywhere: presses what this selector finds on the page
    id: str = ""
    action: str = "open"


@dataclass
class Found:
    """The hits of one panel for a text: `own` hits under the panel's name, `also` among those of others, and verbs (`deeds`).

    `meant` are verbs that the text begins with: before all else. `last` stands after all else.
    """

    meant: list[Hit] = field(default_factory=list)
    own: list[Hit] = field(default_factory=list)
    also: list[Hit] = field(default_factory=list)
    deeds: list[Hit] = field(default_factory=list)
    last: list[Hit] = field(default_factory=list)


#: What labels are called, by their identity: each is kept, so that no other one has it. Labels are as many as the source has.
_SPOKEN: dict[int, tuple[Text, frozenset[str]]] = {}


def spoken(label: Text) -> frozenset[str]:
    """Return a label in every language of the portal, in small letters: people type what they know."""
    if isinstance(label, str):
        return frozenset({label.casefold()})
    known = _SPOKEN.get(id(label))
    if known is None:
        found = set()
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                found.add(str(label).casefold())
        known = _SPOKEN[id(label)] = (label, frozenset(found))
    return known[1]


def says(label: Text, text: str) -> bool:
    """Whether a label has the text in it, in any language."""
    return any(text.casefold() in one for one in spoken(label))


def begins(label: Text, text: str) -> str | None:
    """Return what follows a label with which the text begins, in any language; "" while it is being typed, None for another text."""
    typed = text.casefold()
    for one in spoken(label):
        if typed.startswith(one):
            return text[len(one) :].strip()
        if one.startswith(typed) and (len(typed) > 1 or not typed.isascii()):
            return ""
    return None


def starts(field: str, text: str) -> Q:
    """Build the condition that a field begins with the text, as a range that an index of the field answers."""
    return Q(**{f"{field}__gte": text, f"{field}__lt": f"{text}\uffff", f"{field}__startswith": text})


def is_of_address(text: str) -> bool:
    """Whether a text can be the start of an IP, a network or a MAC address."""
    return bool(_ADDRESS.fullmatch(text))


def named(rows: Any, text: str, route: str, icon: str, note: Text) -> list[Hit]:
    """Rows that have the text in their name, or whose id begins with it; `route` is a row's page. None without a text."""
    if not text:
        return []
    wanted = rows.filter(Q(name__icontains=text) | Q(id__startswith=text.lower())).order_by("name", "id")
    # ids alone first: an index may have all that is asked, and rows are long
    found = rows.model.objects.filter(pk__in=list(wanted.values_list("pk", flat=True)[:MOST])).order_by("name", "id")
    return [Hit(row.name or row.pk, reverse(route, args=[row.pk]), icon, note, id=row.pk) for row in found]


def new(label: Text, route: str, text: str, *also: Text) -> list[Hit]:
    """List the verb that makes a thing, if the text is in what it is called, `also` elsewhere."""
    if not any(says(one, text) for one in (label, *also)):
        return []
    return [Hit(str(label), reverse(route), "plus", dialog=True, action="create")]
