"""The page of one thing, declared: a panel says its verbs, cards and tabs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from authorization.context import RequestContext
from common.errors import NotFound
from identity import audits
from portal.ui import Text, activity, panels
from portal.ui.menus import Action
from portal.ui.pages import Page
from portal.ui.status import Status
from portal.ui.tables import Bulk, Cell, Column, Row


@dataclass
class Card:
    """`pairs`: label → Cell; or a table of `columns` and `rows`, of which those with `bulk` verbs can be selected; one such table a page.

    `side` puts it into the right column.
    """

    title: Text
    pairs: Sequence[tuple[Text, Cell]] = ()
    columns: Sequence[Column] = ()
    rows: Sequence[Row] = ()
    action: Action | None = None
    empty: Text = ""
    side: bool = False
    name: str = ""
    bulk: Sequence[Bulk] = ()


@dataclass
class Detail:
    title: str
    status: Status | None = None
    facts: Sequence[Cell] = ()
    cards: Sequence[Card] = field(default_factory=list)

    @property
    def has_bulk(self) -> bool:
        """Whether rows of a card can be selected."""
        return any(card.bulk for card in self.cards)

    @property
    def sided(self) -> bool:
        """Whether something stands in the right column."""
        return any(card.side for card in self.cards)


#: ?tab=… of the tab that each page has whose changes are recorded.
ACTIVITY = "activity"


class ItemPage(Page):
    """GET: the detail page or one of its tabs; with ?menu the row's menu; with ?live the changing part.

    `tabs` are (name, label); the first is the overview, whose cards are `detail`'s, and has no name in the address. The list
    that it comes from is the panel's page.
    """

    kind: ClassVar[str] = ""
    template: ClassVar[str] = "ui/detail.html"
    tabs: ClassVar[Sequence[tuple[str, Text]]] = ()
    everywhere: ClassVar[str] = ""  # the panel that lists every project's, for operators
    #: Type of its audit records: with one it has a tab of what was done to it, and lines of activity lead here.
    recorded: ClassVar[str] = ""
    identity: ClassVar[str] = "pk"  # the field that its address has

    @classmethod
    def recorded_rows(cls, actor: RequestContext) -> "QuerySet[Model] | None":
        """Query the rows that have such a page; None where all do that are there."""
        return None

    def recorded_ids(self, row: Any) -> Sequence[str]:
        """List the ids whose records are told on its page: its own first, then those of what is a part of it."""
        return [str(row.pk)]

    def home(self, row: object) -> dict[str, object]:
        """Build the context of the panel that lists the row: of other projects' the operators' one."""
        is_foreign = self.actor.is_admin and getattr(row, "project_id", "") != self.actor.project_id
        name = self.everywhere if self.everywhere and is_foreign else self.panel
        found = panels.named(name)
        assert found is not None, f"no panel is called {name}"
        return {"home": found, "panel": found.name}

    #: The row whose id stands in the address; raises NotFound.
    find: Callable[[RequestContext, str], object]

    def actions(self, actor: RequestContext, row: Any) -> list[Action]:
        return []

    def detail(self, actor: RequestContext, row: Any) -> Detail:
        raise NotImplementedError

    def loads(self, row: Any) -> Sequence[object]:
        """List the sections of charts below the cards (portal.load.views.Section)."""
        return []

    def tabs_of(self, actor: RequestContext, row: Any) -> Sequence[tuple[str, Text]]:
        """List the tabs that this actor may open."""
        return self.tabs

    def tab(self, actor: RequestContext, row: Any, name: str) -> Sequence[Card]:
        """List the cards of a tab other than the first."""
        raise NotImplementedError

    def more(self, actor: RequestContext, row: Any, tab: str) -> dict[str, object]:
        """Add to what the template shows, outside of the part that is live."""
        return {}

    def get(self, request: HttpRequest, id: str, tab: str = "") -> HttpResponse:
        row = self.find(self.actor, id)
        actions = self.actions(self.actor, row)
        if "menu" in request.GET:
            return self.show_menu(actions, id)
        if request.GET.get("tab") == ACTIVITY and self.has_activity():
            tab = ACTIVITY
        context = {"actions": actions, "id": id, "kind": self.kind, **self.shown(row, tab)}
        if self.asks("live"):
            return self.fragment("ui/detail_live.html", **context)
        loads = self.loads(row) if tab != ACTIVITY else []
        return self.page(self.template, **context, loads=loads, **self.home(row), **self.more(self.actor, row, tab))

    def shown(self, row: Any, tab: str) -> dict[str, object]:
        """Build the context of what stands below the head: the tabs, and what the open one shows."""
        detail, tabs = self.detail(self.actor, row), self.named(self.tabs_of(self.actor, row), tab)
        if tab == ACTIVITY:
            detail.cards, before = [], self.request.GET.get("before", "")
            told = activity.of_object(self.actor, self.recorded, self.recorded_ids(row), before)
            return {"detail": detail, "tabs": tabs, "activity": told}
        if tab:
            detail.cards = self.tab(self.actor, row, tab)
        return {"detail": detail, "tabs": tabs}

    def has_activity(self) -> bool:
        """Whether there is a tab of what was done to it, for this actor."""
        return bool(self.recorded) and audits.sees_activity(self.actor)

    def named(self, tabs: Sequence[tuple[str, Text]], tab: str) -> list[tuple[str, Text, str, bool]]:
        """(name, label, address, whether it is open) of each tab. Raises: NotFound where `tab` is none of them."""
        has_activity = self.has_activity()
        known = [name for name, _label in tabs[1:]] + [ACTIVITY] * has_activity
        if tab and tab not in known:
            panel = panels.named(self.panel)
            raise NotFound(what=str(panel.label if panel else self.panel), id=f"{self.kwargs['id']}/{tab}")
        base = self.request.path.removesuffix(f"/{tab}") if "tab" in self.kwargs else self.request.path
        found = [
            (name, label, f"{base}/{name}" if at else base, name == tab if tab else not at)
            for at, (name, label) in enumerate(tabs or [("", _("Overview"))] * has_activity)
        ]
        return found + [(ACTIVITY, _("Activity"), f"{base}?tab={ACTIVITY}", tab == ACTIVITY)] * has_activity
