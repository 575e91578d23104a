"""Hits of the search palette: names, addresses, ids, pages and verbs."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.urls import reverse

from portal.ui import Text
from portal.ui.status import Status

MOST = 6  # of each kind


@dataclass
class Hit:
    label: Text
    url: str
    icon: str
    note: Text = ""
    st: Status | None = None
    dialog: bool = False
    id: str = ""
    action: str = "open"


@dataclass
class Found:
    """The hits of one panel for a text: `own` hits under the panel's name, `also` among those of others, and verbs (`deeds`)."""

    own: list[Hit] = field(default_factory=list)
    also: list[Hit] = field(default_factory=list)
    deeds: list[Hit] = field(default_factory=list)


def named(rows: Any, text: str, route: str, icon: str, note: Text) -> list[Hit]:
    """Rows that have the text in their name, or whose id begins with it; `route` is a row's page. None without a text."""
    if not text:
        return []
    found = rows.filter(Q(name__icontains=text) | Q(id__startswith=text.lower())).order_by("name")[:MOST]
    return [Hit(row.name or row.pk, reverse(route, args=[row.pk]), icon, note, id=row.pk) for row in found]


def new(label: Text, route: str, text: str) -> list[Hit]:
    """List the verb that makes a thing, if the text is in what it is called."""
    if text.lower() not in str(label).lower():
        return []
    return [Hit(str(label), reverse(route), "plus", dialog=True, action="create")]
