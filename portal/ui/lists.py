"""Lists of ordinary resources, declared: a panel says its columns, rows and verbs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from common.actor import Actor
from portal.ui import Text, tables
from portal.ui.menus import Action
from portal.ui.pages import Page
from portal.ui.tables import Bulk, Column, Filter, Row


@dataclass
class Empty:
    """What the thing is in one sentence, and the same as a command."""

    title: Text
    text: Text
    command: str = ""


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
        if "rows" in request.GET:
            return self.some(request.GET.getlist("rows")[:200])
        order, sort = self.sorting(request)
        query = self.narrow(self.query(self.actor), request).order_by(*order)
        if request.GET.get("format") == "csv":
            return self.as_file(query[: tables.MOST])
        pager = tables.Pager.read(request.GET, self.prefs.page_size)
        context = {**self.describe(self.actor), **self.narrowed(request), **pager.context(query.count()), "sort": sort}
        return self.page("ui/list.html", rows=self.seen(self.actor, list(pager.cut(query))), **context)

    def some(self, ids: list[str]) -> HttpResponse:
        """The rows of these ids alone, as they are now."""
        found = list(self.query(self.actor).filter(**{f"{self.identity}__in": ids}))
        return self.fragment("ui/rows.html", rows=self.seen(self.actor, found), **self.describe(self.actor))

    def as_file(self, found: Iterable[object]) -> HttpResponse:
        """All columns as CSV, those too that the reader put away."""
        return tables.as_csv(self.panel, self.columns, self.rows(self.actor, list(found)))

    def narrowed(self, request: HttpRequest) -> dict[str, object]:
        """What filters.html shows of the search and of each filter."""
        found = tables.chosen(self.filters, request.GET)
        is_narrowed = any(one["value"] for one in found)
        return {"narrowed": found, "is_narrowed": is_narrowed, "q": request.GET.get("q", "")}

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
