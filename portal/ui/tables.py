"""Tables: columns, rows and cells, and what every list does with them: narrow, act on several, leave as CSV, put columns away."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.utils import timezone, translation
from django.utils.text import slugify
from django.utils.translation import gettext as _

from common.numbers import is_whole
from portal import prefs
from portal.ui import Text
from portal.ui.status import Status

#: Rows of one CSV file.
MOST = 10_000
#: The beginning of a formula to a spreadsheet, of which some take the full-width signs of Chinese and Japanese for it too: of the text, or after
#: what some of them take for the end of a cell whatever the file says.
_BEGINS = re.compile(r"(^|[;\t\r\n])(\s*)(?=[=+\-@＝＋－＠])")


@dataclass(frozen=True)
class Column:
    """`hide`: "m" below 760 px, "l" below 1100 px. `sort`: the field that ?sort= may name. `cell`: what a row shows there."""

    label: Text
    css: str = ""
    hide: str = ""
    sort: str = ""
    cell: "Callable[[Any], Cell] | None" = None


@dataclass(frozen=True)
class Cell:
    """`kind`: text | mono | copy | muted | num | age | link | tags | status | meter | yes | fold. `value` as that kind wants it."""

    kind: str
    value: Any = ""
    url: str = ""
    note: Text = ""
    name: str = ""  # what scripts call it: data-field


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


def age(at: datetime | None) -> Cell:
    return Cell("age", at)


def attr(kind: str, name: str) -> Callable[[object], Cell]:
    """Build a column's cell that shows a field of the row; `a__b` is the field b of what a is, "" where it is nothing."""
    first, _of, second = name.partition("__")
    if not second:
        return lambda row: Cell(kind, getattr(row, first))
    return lambda row: Cell(kind, getattr(getattr(row, first), second, ""))


def joined(texts: Iterable[str], limit: int = 3) -> str:
    """Return the first few of many, and how many more."""
    found = list(texts)
    more = len(found) - limit
    return ", ".join(found[:limit]) + (_(" and %(count)s more") % {"count": more} if more > 0 else "")


@dataclass(frozen=True)
class Pager:
    """One page of a list: `number` from 1 on, of `size` rows each."""

    number: int
    size: int

    @classmethod
    def read(cls, query: QueryDict, size: int) -> "Pager":
        """Read the page that ?page= asks for; the first for what is no number. `size` unless ?size= asks for another one."""
        text, asked = query.get("page", ""), query.get("size", "")
        size = int(asked) if asked in map(str, prefs.PAGE_SIZES) else size
        return cls(min(max(1, int(text)), 1_000_000) if is_whole(text) else 1, size)

    def cut(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Query the rows of this page."""
        return rows[(self.number - 1) * self.size : self.number * self.size]

    def context(self, total: int) -> dict[str, int]:
        """Return the context of pager.html for `total` rows, and of past_end.html where this page is beyond them: `past` is its number."""
        pages = max(1, -(-total // self.size))
        return {
            "total": total,
            "number": self.number,
            "pages": pages,
            "past": self.number if self.number > pages else 0,
            "size": self.size,
        }


@dataclass(frozen=True)
class Filter:
    """A field by which ?<name>= narrows a list on the server: a part of `lookup`, or one of `choices` exactly.

    `many`: the choices are too many to stand side by side and are a select among the filters that are typed.
    """

    name: str
    label: Text
    lookup: str = ""
    choices: Sequence[tuple[str, Text]] = ()
    many: bool = False

    def read(self, query: QueryDict) -> str:
        """Return what an address asks for; "" where that is none of the choices. Capital letters do not matter to those."""
        asked = query.get(self.name, "").strip()
        if not self.choices:
            return asked
        return next((value for value, _label in self.choices if value.casefold() == asked.casefold()), "")

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        column = self.lookup or self.name
        if not self.choices:
            return rows.filter(**{f"{column}__icontains": value})
        try:
            return rows.filter(**{column: value})
        except ValidationError:
            return rows


@dataclass(frozen=True)
class Bound(Filter):
    """A filter of rows that have so much or more (`how` "gte") or at most so much ("lte"); what is typed counts `unit` each."""

    how: str = "gte"
    unit: int = 1

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        fits = is_whole(value) and len(value) < 10
        return rows.filter(**{f"{self.lookup}__{self.how}": int(value) * self.unit}) if fits else rows


@dataclass(frozen=True)
class Bulk:
    """A verb for the selected rows: a dialog at `url` + ids, or with `statuses` a POST for those of these statuses."""

    name: str
    label: Text
    icon: str
    url: str
    statuses: Sequence[str] = ()
    none: Text = ""  # why it is greyed when no selected row fits
    risk: bool = False


def chosen(filters: Sequence[Filter], query: QueryDict) -> list[dict[str, object]]:
    """List every filter with its value, what the chip says, and the address without it."""
    found = []
    for one in filters:
        value = one.read(query)
        rest = query.copy()
        for name in (one.name, "page"):
            rest.pop(name, None)
        word = dict(one.choices).get(value, "") if one.choices else value
        found.append({"filter": one, "value": value, "word": word, "without": rest.urlencode()})
    return found


def column_key(label: Text) -> str:
    """Return a column's name in settings: its English label, whatever the reader's language."""
    with translation.override(None):
        return slugify(str(label))


def put_away(panel: str, columns: Sequence[Any], chosen: prefs.Prefs) -> frozenset[int]:
    """Find the indexes of columns that the reader hid; the first, the name, always stays."""
    hidden = set(chosen.hidden.get(panel, ()))
    return frozenset(at for at, column in enumerate(columns) if at and column_key(column.label) in hidden)


def plain(cell: Any) -> str:
    """Return a cell as text for a file: whole ids, exact times in the reader's zone."""
    value = cell.value
    if value is None or value == "" or cell.kind == "secret":
        return ""
    if cell.kind in ("age", "when"):
        return timezone.localtime(value).isoformat(timespec="seconds")
    if cell.kind == "tags":
        return ", ".join(str(one) for one in value)
    if cell.kind == "links":
        return ", ".join(str(text) for text, _url in value)
    if cell.kind == "status":
        return str(value.word)
    if cell.kind == "yes":
        return _("yes") if value else _("no")
    if cell.kind == "use":
        return f"{value[2]} {value[3]}"
    return str(value)


def _harmless(text: str) -> str:
    """A spreadsheet runs what begins like a formula; a quote in front makes it text."""
    text = f"'{text}" if text[:1] in ("\t", "\r", "\n") else text
    return text if text.lstrip("+-").isdigit() else _BEGINS.sub(r"\1\2'", text)


def as_csv(name: str, columns: Sequence[Any], rows: Sequence[Any]) -> HttpResponse:
    """Answer with a list as a file, its first MOST rows: what was cut says so in its name and its last line.

    A byte order mark has spreadsheets read Chinese.
    """
    out = io.StringIO()
    is_cut = len(rows) > MOST
    name += f"-first-{MOST}" if is_cut else ""
    writer = csv.writer(out)
    writer.writerow([str(column.label) for column in columns])
    for row in rows[:MOST]:
        cells = [plain(cell) for cell in row.cells]
        writer.writerow([_harmless(text) for text in (str(row.name), *cells[: len(columns) - 1])])
    if is_cut:
        writer.writerow(
            [_("The list goes on: only its first %(count)s lines are here. Narrow it for others.") % {"count": MOST}]
        )
    response = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
