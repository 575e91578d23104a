"""Lists, details and menus of ordinary resources, declared: a panel says its columns, rows, verbs and cards."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from common.actor import Actor
from common.errors import NotFound
from identity import policy
from portal import tables
from portal.pages import Page
from portal.status import Status
from portal.tables import Bulk, Filter

Text = str | Promise


@dataclass(frozen=True)
class Column:
    """`hide`: "m" below 760 px, "l" below 1100 px. `sort`: the field that ?sort= may name."""

    label: Text
    css: str = ""
    hide: str = ""
    sort: str = ""


@dataclass(frozen=True)
class Cell:
    """`kind`: text | mono | copy | muted | num | age | link | tags | status | meter | yes. `value` as that kind wants it."""

    kind: str
    value: Any = ""
    url: str = ""
    note: Text = ""
    name: str = ""  # what scripts call it: data-field


@dataclass(frozen=True)
class Action:
    """A verb in a menu or header. `how`: dialog (GET shows it) | wide (a wide one) | post | link. A `why` greys it."""

    name: str
    label: Text
    icon: str
    url: str
    how: str = "dialog"
    why: Text = ""
    risk: bool = False
    count: int = 0


@dataclass
class Row:
    id: str
    name: Text
    url: str
    status: Status | None
    cells: Sequence[Cell]
    sub: Text = ""  # under the name on narrow screens
    why: Text = ""
    why_url: str = ""
    menu: str = ""
    icon: str = ""


@dataclass
class Card:
    """`pairs`: label → Cell; or a table of `columns` and `rows`. `side` puts it into the right column."""

    title: Text
    pairs: Sequence[tuple[Text, Cell]] = ()
    columns: Sequence[Column] = ()
    rows: Sequence[Row] = ()
    action: Action | None = None
    empty: Text = ""
    side: bool = False
    name: str = ""


@dataclass
class Empty:
    """What the thing is in one sentence, and the same as a command."""

    title: Text
    text: Text
    command: str = ""


@dataclass
class Detail:
    title: str
    status: Status | None = None
    facts: Sequence[Cell] = ()
    cards: Sequence[Card] = field(default_factory=list)

    @property
    def sided(self) -> bool:
        """Whether something stands in the right column."""
        return any(card.side for card in self.cards)


def gate(actor: Actor, rule: str, target: Any, why: Text = "") -> Text:
    """Why a verb is greyed: the state's reason first, else policy's; "" when it may run."""
    if why:
        return why
    return "" if policy.allows(actor, rule, target) else policy.explain(actor, rule, target).sentence


class ListPanel(Page):
    """GET: the page; with ?rows=<id>&rows=<id>… the rows only, for the socket's changes."""

    title: ClassVar[Text] = ""
    kind: ClassVar[str] = ""  # what the socket calls it
    icon: ClassVar[str] = "box"
    columns: ClassVar[Sequence[Column]] = ()
    search: ClassVar[Sequence[str]] = ("name", "id")
    order: ClassVar[Sequence[str]] = ("name", "id")
    filters: ClassVar[Sequence[Filter]] = ()
    identity: ClassVar[str] = "pk"  # the field that a row's `data-id` and the socket's ids are of

    def bulk(self, actor: Actor) -> Sequence[Bulk]:
        """Verbs for selected rows; without any there are no boxes to tick."""
        return ()

    def extra(self, actor: Actor) -> Sequence[Action]:
        """More verbs of the whole list, beside `create`."""
        return ()

    def query(self, actor: Actor) -> QuerySet[Any]:
        raise NotImplementedError

    def rows(self, actor: Actor, found: Sequence[Any]) -> list[Row]:
        raise NotImplementedError

    def empty(self) -> Empty:
        return Empty(_("Nothing here yet"), "")

    def create(self, actor: Actor) -> Action | None:
        return None

    def narrow(self, query: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        text = request.GET.get("q", "").strip()
        if text:
            wanted = Q()
            for name in self.search:
                wanted |= Q(**{f"{name}__icontains": text})
            query = query.filter(wanted)
        for one in self.filters:
            value = request.GET.get(one.name, "").strip()
            query = one.narrow(query, value) if value else query
        return query

    def sorting(self, request: HttpRequest) -> tuple[Sequence[str], str]:
        asked = request.GET.get("sort", "")
        if asked.removeprefix("-") in {column.sort for column in self.columns if column.sort}:
            return (asked, "pk"), asked
        return self.order, ""

    def get(self, request: HttpRequest, **keys: Any) -> HttpResponse:
        actor = self.actor
        if "rows" in request.GET:
            ids = request.GET.getlist("rows")[:200]
            found = list(self.query(actor).filter(**{f"{self.identity}__in": ids}))
            return self.fragment("portal/rows.html", rows=self.seen(actor, found), **self.describe(actor))
        order, sort = self.sorting(request)
        size = self.prefs.page_size
        number = tables.page_number(request.GET)
        query = self.narrow(self.query(actor), request).order_by(*order)
        if request.GET.get("format") == "csv":
            return tables.as_csv(self.panel, self.columns, self.rows(actor, list(query[: tables.MOST])))
        total = query.count()
        found = list(query[(number - 1) * size : number * size])
        narrowed = tables.chosen(self.filters, request.GET)
        return self.page(
            "portal/list.html",
            **self.describe(actor),
            rows=self.seen(actor, found),
            narrowed=narrowed,
            is_narrowed=any(one["value"] for one in narrowed),
            total=total,
            number=number,
            pages=max(1, -(-total // size)),
            sort=sort,
            q=request.GET.get("q", ""),
        )

    def seen(self, actor: Actor, found: Sequence[Any]) -> list[Row]:
        """Rows without the cells of columns that the reader put away."""
        rows, away = self.rows(actor, found), tables.put_away(self.panel, self.columns, self.prefs)
        for row in rows if away else ():
            row.cells = [cell for at, cell in enumerate(row.cells, 1) if at not in away]
        return rows

    def describe(self, actor: Actor) -> dict[str, Any]:
        away = tables.put_away(self.panel, self.columns, self.prefs)
        return {
            "title": self.title,
            "kind": self.kind,
            "icon": self.icon,
            "columns": [column for at, column in enumerate(self.columns) if at not in away],
            "choosable": [
                (tables.column_key(column.label), column.label, at not in away)
                for at, column in enumerate(self.columns)
                if at
            ],
            "create": self.create(actor),
            "extra": self.extra(actor),
            "bulk": self.bulk(actor),
            "empty": self.empty(),
        }


class ItemPage(Page):
    """GET: the detail page or one of its tabs; with ?menu the row's menu; with ?live the changing part.

    `tabs` are (name, label); the first is the overview, whose cards are `detail`'s, and has no name in the address.
    """

    kind: ClassVar[str] = ""
    template: ClassVar[str] = "portal/detail.html"
    tabs: ClassVar[Sequence[tuple[str, Text]]] = ()
    list_title: ClassVar[Text] = ""
    list_route: ClassVar[str] = ""

    def find(self, actor: Actor, id: str) -> Any:
        """Raises: NotFound."""
        raise NotFound(what=str(self.list_title), id=id)

    def actions(self, actor: Actor, row: Any) -> list[Action]:
        return []

    def detail(self, actor: Actor, row: Any) -> Detail:
        raise NotImplementedError

    def tabs_of(self, actor: Actor, row: Any) -> Sequence[tuple[str, Text]]:
        """The tabs that this actor may open."""
        return self.tabs

    def tab(self, actor: Actor, row: Any, name: str) -> Sequence[Card]:
        """The cards of a tab other than the first."""
        raise NotImplementedError

    def get(self, request: HttpRequest, id: str, tab: str = "") -> HttpResponse:
        row = self.find(self.actor, id)
        actions = self.actions(self.actor, row)
        if "menu" in request.GET:
            return self.fragment("portal/menu.html", actions=actions, id=id)
        context = {"actions": actions, "detail": self.detail(self.actor, row), "id": id, "kind": self.kind}
        tabs = self.tabs_of(self.actor, row)
        if tab and tab not in [name for name, _label in tabs[1:]]:
            raise NotFound(what=str(self.list_title), id=f"{id}/{tab}")
        if tab:
            context["detail"].cards = self.tab(self.actor, row, tab)
        base = request.path.removesuffix(f"/{tab}") if tab else request.path
        context["tabs"] = [
            (name, label, f"{base}/{name}" if at else base, name == tab if tab else not at)
            for at, (name, label) in enumerate(tabs)
        ]
        if "live" in request.GET:
            return self.fragment("portal/detail_live.html", **context)
        return self.page(self.template, list_title=self.list_title, list_route=self.list_route, **context)


def age(at: datetime | None) -> Cell:
    return Cell("age", at)


def joined(texts: Iterable[str], limit: int = 3) -> str:
    """The first few of many, and how many more."""
    found = list(texts)
    more = len(found) - limit
    return ", ".join(found[:limit]) + (_(" and %(count)s more") % {"count": more} if more > 0 else "")


Make = Callable[..., Any]
