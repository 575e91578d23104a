"""The common part of menus, verbs and dialogs: each is declared once, as data, and called by one request at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.forms import Form
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from authorization.context import RequestContext
from common.errors import Invalid
from portal.ui import Text
from portal.ui.pages import Page, is_fragment, shown_at

#: Rows of one request.
MOST = 200

View = Callable[..., HttpResponseBase]


def name_of(row: Any) -> str:
    """Return the name of a row, its id where it has none."""
    return str(getattr(row, "name", "") or row.pk)


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A panel's declaration of one menu, verb or dialog.

    `find(actor, id)` is the row whose id stands in the address under `key`. Without it the id is all that is known.
    """

    panel: str
    find: Callable[[RequestContext, str], Any] | None = None
    key: str = "id"
    name: Callable[[Any], str] = name_of
    recent: bool = False  # asks for the password again unless it was given lately
    view: ClassVar[type["DeclaredPage"]]

    def as_view(self) -> View:
        """Build the view, for a line of the panel's URLs."""
        return self.view.as_view(about=self, panel=self.panel, recent=self.recent)


class Call:
    """One request: who asks, what the address names (`keys`), and the rows that it is about."""

    def __init__(self, request: HttpRequest, actor: RequestContext, about: Declared, keys: dict[str, str]) -> None:
        self.request, self.actor, self.about, self.keys = request, actor, about, keys

    @property
    def id(self) -> str:
        return self.keys[self.about.key]

    @cached_property
    def ids(self) -> list[str]:
        """The id in the address, else those of ?ids=, each once. Raises: Invalid where neither names one."""
        if self.about.key in self.keys:
            return [self.id]
        asked = self.request.GET.get("ids", "").split(",")
        found = [id for id in dict.fromkeys(asked) if id][:MOST]
        if not found:
            raise Invalid(reason=_("Nothing is chosen. Go back to the list, and tick the rows that are meant."))
        return found

    @cached_property
    def rows(self) -> list[Any]:
        """Read once a request. Raises: what `find` raises."""
        assert self.about.find is not None
        return [self.about.find(self.actor, id) for id in self.ids]

    @property
    def row(self) -> Any:
        return self.rows[0]

    @property
    def name(self) -> str:
        """The row as titles call it."""
        return self.about.name(self.row) if self.about.find is not None else self.id


class DeclaredPage(Page):
    """The view of one declaration."""

    about: Any = None

    def onward(self, call: "Call", made: object) -> str:
        """Where to go after the service's call: the page of this portal that ?next= names, else as the declaration says."""
        asked = self.request.GET.get("next", "")
        if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, None):
            return asked
        url: str = self.about.next(call, made)
        return url

    def called(self, keys: dict[str, str]) -> Call:
        return Call(self.request, self.actor, self.about, keys)


#: What hears of an action before it is done, with its form if it has one, and returns who is told of what it made, or None.
WATCHERS: list[Callable[[Call, Form | None], Callable[[Any], None] | None]] = []


def carry_out(call: Call, do: Callable[[], Any], form: Form | None = None) -> Any:
    """Call the service of an action and return what it made; those who watch hear of it. Raises: what the service raises."""
    heard = [watch(call, form) for watch in WATCHERS]
    made = do()
    for tell in heard:
        if tell is not None:
            tell(made)
    return made


# ── What a declaration says ─────────────────────────────────────────────────────────────────────────────────────────

#: A text, or what makes it of the call. Where a text has %(name)s, the row's name goes there.
Words = Text | Callable[[Call], Text]
#: Where to go after the service's call, from the call and what the service made; "" to stay.
Next = Callable[[Call, Any], str]
#: Text of the toast after the call; a function is given what the service made.
Said = Text | Callable[[Any], str]


def worded(text: Words, call: Call) -> Text:
    """Return the text of a declaration for one call."""
    if callable(text):
        return text(call)
    return str(text) % {"name": call.name} if "%(name)s" in str(text) else text


def told(text: Said, made: object) -> str:
    """Return the toast after a call."""
    return text(made) if callable(text) else str(text)


def stay(call: Call, made: object) -> str:
    """Nowhere: the socket brings what changed."""
    return ""


def to(route: str, *keys: str, **fixed: str) -> Next:
    """Go to the page of `route`; `keys` of this address, and the `fixed` values, go into its address."""
    return lambda call, made: reverse(route, kwargs={**{key: call.keys[key] for key in keys}, **fixed})


def leave(home: str, page: str) -> Next:
    """Go to the list `home` from `page`, the page of what goes, or where no script asks; stay elsewhere."""

    def target(call: Call, made: object) -> str:
        shown = urlsplit(shown_at(call.request)).path
        own = reverse(page, args=[call.ids[0]])
        return reverse(home) if not is_fragment(call.request) or f"{shown}/".startswith(f"{own}/") else ""

    return target


def to_made(route: str) -> Next:
    """Go to the page of the object made."""
    return lambda call, made: reverse(route, args=[made.pk])


def by_method(**views: View) -> View:
    """Build one address whose methods are declared each by itself: by_method(get=…, post=…)."""

    def view(request: HttpRequest, **keys: str) -> HttpResponseBase:
        chosen = views.get((request.method or "").lower())
        return chosen(request, **keys) if chosen else HttpResponseNotAllowed([name.upper() for name in views])

    return view
