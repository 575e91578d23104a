"""Lists of ordinary resources, declared: a panel says its columns, rows and verbs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from portal.ui import Text, hits, panels, tables
from portal.ui.calls import name_of
from portal.ui.hits import Found, Hit
from portal.ui.menus import Action, gate
from portal.ui.pages import Page, tabs_of
from portal.ui.status import Status
from portal.ui.tables import Bulk, Column, Filter, Row
from portal.ui.tiles import Tile


@dataclass(frozen=True)
class Empty:
    """The text of an empty list: what the thing is in one sentence, and the command that makes one."""

    title: Text
    text: Text
    command: str = ""


@dataclass(frozen=True)
class New:
    """The button that makes one more. It is greyed where policy denies `rule` on `target`; without a rule everyone may."""

    label: Text
    route: str
    rule: str = ""
    how: str = "dialog"
    target: Callable[[RequestContext], Any] = lambda actor: actor.project_id

    def action(self, actor: RequestContext) -> Action:
        why = gate(actor, self.rule, self.target(actor)) if self.rule else ""
        return Action("create", self.label, "plus", reverse(self.route), self.how, why)


class ListPanel(Page):
    """GET: the page; with ?rows=<id>&rows=<id>… the rows only, for the socket's changes.

    Most lists say `query`, `columns` with their cells, `new` and `empty`; one whose rows take more reading writes `rows` itself.
    """

    title: ClassVar[Text] = ""  # as the panel is called, unless it says
    kind: ClassVar[str] = ""  # what the socket calls it; "" where no event tells of its rows
    columns: ClassVar[Sequence[Column]] = ()
    search: ClassVar[Sequence[str]] = ("name", "id")
    order: ClassVar[Sequence[str]] = ("name", "id")
    filters: ClassVar[Sequence[Filter]] = ()
    identity: ClassVar[str] = "pk"  # the field that a row's `data-id` and the socket's ids are of
    route: ClassVar[str] = ""  # of a row's page; without one its name leads nowhere
    menu: ClassVar[str] = ""  # of a row's menu, if that is not its page's
    new: ClassVar[New | None] = None
    in_palette: ClassVar[bool] = True  # whether the palette finds its rows
    empty: ClassVar[Empty] = Empty(gettext_lazy("Nothing here yet"), "")
    tabs: ClassVar[Sequence[tuple[str, Text]]] = ()  # (route, label) of the lists beside this one, itself among them

    def bulk(self, actor: RequestContext) -> Sequence[Bulk]:
        """Verbs for selected rows; without any there are no boxes to tick."""
        return ()

    def extra(self, actor: RequestContext) -> Sequence[Action]:
        """More verbs of the whole list, beside `create`."""
        return ()

    def tiles(self, actor: RequestContext) -> Sequence[Tile]:
        """List the numbers above the list."""
        return ()

    def query(self, actor: RequestContext) -> QuerySet[Any]:
        raise NotImplementedError

    def rows(self, actor: RequestContext, found: Sequence[Any]) -> list[Row]:
        return [self.row(one) for one in found]

    def row(self, one: object) -> Row:
        """Build a row whose cells the columns say."""
        id = getattr(one, self.identity)
        url = reverse(self.route, args=[id]) if self.route else ""
        menu = reverse(self.menu, args=[id]) if self.menu else url and f"{url}?menu=1"
        cells = [column.cell(one) for column in self.columns if column.cell]
        return Row(id, name_of(one), url, self.status(one), cells, menu=menu)

    def status(self, one: Any) -> Status | None:
        """Return the row's status, if it has one: `data-status`."""
        return None

    def create(self, actor: RequestContext) -> Action | None:
        return self.new.action(actor) if self.new else None

    def narrow(self, query: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        text = request.GET.get("q", "").strip()
        if text:
            query = query.filter(self.having(text))
        for one in self.filters:
            value = one.read(request.GET)
            query = one.narrow(query, value) if value else query
        return query

    def having(self, text: str) -> Q:
        """Build the condition that a row has the text in one of the fields that are searched."""
        wanted = Q()
        for name in self.search:
            wanted |= Q(**{f"{name}__icontains": text})
        return wanted

    def found(self, text: str) -> Found:
        """Find what the palette shows of this list: rows that have the text, and the verb that makes one."""
        panel, create = panels.named(self.panel), self.create(self.actor)
        assert panel is not None, f"no panel is called {self.panel}"
        rows = (
            self.rows(self.actor, list(self.query(self.actor).filter(self.having(text))[: hits.MOST])) if text else []
        )
        also = [
            Hit(
                row.name,
                row.url or f"{panel.url}?{urlencode({'q': row.name})}",
                panel.icon,
                panel.label,
                row.status,
                id=row.id,
            )
            for row in rows
        ]
        deeds = []
        if create and not create.why and hits.says(create.label, text):
            deeds = [Hit(create.label, create.url, "plus", dialog=create.how != "link", action="create")]
        return Found(also=also, deeds=deeds)

    def sorting(self, request: HttpRequest) -> tuple[Sequence[str], str]:
        """Return the order of the rows, and the column by which that is, with "-" where it descends; "" where no head says it."""
        asked, known = request.GET.get("sort", ""), {column.sort for column in self.columns if column.sort}
        if asked.removeprefix("-") in known:
            return (asked, "pk"), asked
        return self.order, self.order[0] if self.order[0].removeprefix("-") in known else ""

    def get(self, request: HttpRequest, **keys: object) -> HttpResponse:
        if self.asks("rows"):
            return self.some(request.GET.getlist("rows")[:200])
        order, sort = self.sorting(request)
        query = self.narrow(self.query(self.actor), request).order_by(*order)
        if self.asks("tiles"):  # only now: `query` refuses whom the list is not for
            return self.fragment("ui/tiles.html", tiles=self.tiles(self.actor))
        if request.GET.get("format") == "csv":
            return self.as_file(query[: tables.MOST + 1])
        pager = tables.Pager.read(request.GET, self.prefs.page_size)
        context = {**self.describe(self.actor), **self.narrowed(request), **pager.context(query.count()), "sort": sort}
        context |= {"tabs": tabs_of(self.tabs, request), "tiles": self.tiles(self.actor)}
        return self.page("ui/list.html", rows=self.seen(self.actor, list(pager.cut(query))), **context)

    def some(self, ids: list[str]) -> HttpResponse:
        """Answer with the rows of these ids alone, as they are now."""
        found = list(self.query(self.actor).filter(**{f"{self.identity}__in": ids}))
        return self.fragment("ui/rows.html", rows=self.seen(self.actor, found), **self.describe(self.actor))

    def as_file(self, found: Iterable[object]) -> HttpResponse:
        """Answer with all columns as CSV, those too that the reader put away."""
        return tables.as_csv(self.panel, self.columns, self.rows(self.actor, list(found)))

    def narrowed(self, request: HttpRequest) -> dict[str, object]:
        """Build the context of filters.html: the search, and each filter."""
        found = tables.chosen(self.filters, request.GET)
        is_narrowed = any(one["value"] for one in found)
        return {"narrowed": found, "is_narrowed": is_narrowed, "q": request.GET.get("q", "")}

    def seen(self, actor: RequestContext, found: Sequence[object]) -> list[Row]:
        """Rows without the cells of columns that the reader put away."""
        rows, away = self.rows(actor, found), tables.put_away(self.panel, self.columns, self.prefs)
        for row in rows if away else ():
            row.cells = [cell for at, cell in enumerate(row.cells, 1) if at not in away]
        return rows

    def describe(self, actor: RequestContext) -> dict[str, object]:
        away, entry = tables.put_away(self.panel, self.columns, self.prefs), panels.named(self.panel)
        return {
            "title": self.title or (entry.label if entry else ""),
            "kind": self.kind,
            "still": not self.kind,
            "icon": entry.icon if entry else "box",
            "columns": [column for at, column in enumerate(self.columns) if at not in away],
            "choosable": [
                (tables.column_key(column.label), column.label, at not in away)
                for at, column in enumerate(self.columns)
                if at
            ],
            "create": self.create(actor),
            "extra": self.extra(actor),
            "bulk": self.bulk(actor),
            "empty": self.empty,
        }
