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
from portal.pages import Page
from portal.status import Status

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


@dataclass(frozen=True)
class Action:
    """A verb in a menu or header. `how`: dialog (GET shows it) | post | link. A `why` greys it and says why."""

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


def gate(actor: Actor, rule: str, target: Any, why: Text = "") -> Text:
    """Why a verb is greyed: the state's reason first, else policy's; "" when it may run."""
    if why:
        return why
    return "" if policy.allows(actor, rule, target) else policy.explain(actor, rule, target).sentence


class ListPanel(Page):
    """GET: the page; with ?rows=<ids> the rows only, for the socket's changes."""

    title: ClassVar[Text] = ""
    kind: ClassVar[str] = ""  # what the socket calls it
    icon: ClassVar[str] = "box"
    columns: ClassVar[Sequence[Column]] = ()
    search: ClassVar[Sequence[str]] = ("name", "id")
    order: ClassVar[Sequence[str]] = ("name", "id")

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
        return query

    def sorting(self, request: HttpRequest) -> tuple[Sequence[str], str]:
        asked = request.GET.get("sort", "")
        if asked.removeprefix("-") in {column.sort for column in self.columns if column.sort}:
            return (asked, "pk"), asked
        return self.order, ""

    def get(self, request: HttpRequest, **keys: Any) -> HttpResponse:
        actor = self.actor
        if "rows" in request.GET:
            ids = request.GET["rows"].split(",")[:200]
            found = list(self.query(actor).filter(pk__in=ids))
            return self.fragment("portal/rows.html", rows=self.rows(actor, found), columns=self.columns)
        order, sort = self.sorting(request)
        size = self.prefs.page_size
        number = max(1, int(request.GET["page"])) if request.GET.get("page", "").isdigit() else 1
        query = self.narrow(self.query(actor), request).order_by(*order)
        total = query.count()
        found = list(query[(number - 1) * size : number * size])
        return self.page(
            "portal/list.html",
            **self.describe(actor),
            rows=self.rows(actor, found),
            total=total,
            number=number,
            pages=max(1, -(-total // size)),
            sort=sort,
            q=request.GET.get("q", ""),
        )

    def describe(self, actor: Actor) -> dict[str, Any]:
        return {
            "title": self.title,
            "kind": self.kind,
            "icon": self.icon,
            "columns": self.columns,
            "create": self.create(actor),
            "empty": self.empty(),
        }


class ItemPage(Page):
    """GET: the detail page; with ?menu the row's menu; with ?live the changing part."""

    kind: ClassVar[str] = ""
    list_title: ClassVar[Text] = ""
    list_route: ClassVar[str] = ""

    def find(self, actor: Actor, id: str) -> Any:
        """Raises: NotFound."""
        raise NotFound(what=str(self.list_title), id=id)

    def actions(self, actor: Actor, row: Any) -> list[Action]:
        return []

    def detail(self, actor: Actor, row: Any) -> Detail:
        raise NotImplementedError

    def get(self, request: HttpRequest, id: str) -> HttpResponse:
        row = self.find(self.actor, id)
        actions = self.actions(self.actor, row)
        if "menu" in request.GET:
            return self.fragment("portal/menu.html", actions=actions, id=id)
        context = {"actions": actions, "detail": self.detail(self.actor, row), "id": id, "kind": self.kind}
        if "live" in request.GET:
            return self.fragment("portal/detail_live.html", **context)
        return self.page("portal/detail.html", list_title=self.list_title, list_route=self.list_route, **context)


def age(at: datetime | None) -> Cell:
    return Cell("age", at)


def joined(texts: Iterable[str], limit: int = 3) -> str:
    """The first few of many, and how many more."""
    found = list(texts)
    more = len(found) - limit
    return ", ".join(found[:limit]) + (_(" and %(count)s more") % {"count": more} if more > 0 else "")


Make = Callable[..., Any]
