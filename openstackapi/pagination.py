"""limit, marker, sort_key, sort_dir as OpenStack's lists take them.

The marker is the id of the last row of the page before. Rows are ordered by the sort keys and then by id, so that a page
neither repeats nor loses a row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotFound
from common.numbers import is_whole
from common.truth import truth
from openstackapi import links
from openstackapi.fields import ANY, Version

T = TypeVar("T")
M = TypeVar("M", bound=Model)
DEFAULT_LIMIT = 1000
#: Rows of one answer where OpenStack has no largest page by default (Neutron, Keystone). More follow behind a link, which
#: clients follow by themselves; what asks for everything in one answer sees that it is not all.
LARGEST = 10_000


class BadMarker(Invalid):
    template = _("Marker %(marker)s could not be found.")


class MarkerNotFound(BadMarker):
    """The sentence of Nova's servers, flavors, hypervisors and usages; its other lists have the one above."""

    template = _("marker [%(marker)s] not found")


class NoMarker(NotFound):
    """Keystone's answer, a 404."""

    template = _("Marker %(id)s could not be found.")


class BadLimit(Invalid):
    template = _("Invalid input for field/attribute limit. Value: %(limit)s. It must be a whole number, zero or more.")


class BadSortKey(Invalid):
    template = _("Sort key %(key)s is not one of: %(known)s.")


@dataclass(frozen=True)
class Paging:
    """Paging of one list.

    `largest` bounds what a client may ask for, in rows; `usual` is the size of a page without `limit`, `largest` by default.
    `zero_is_all`: a limit of 0 asks for a page of usual size; elsewhere it is an empty page.
    `both_ways`: `page_reverse` is read, which asks for the rows before the marker. `since`: the microversion that brought
    pages; before it a list is whole.
    """

    largest: int = DEFAULT_LIMIT
    usual: int | None = None
    zero_is_all: bool = False
    both_ways: bool = False
    no_marker: Callable[[str], Exception] = lambda marker: BadMarker(marker=marker)
    since: Version = ANY

    def size(self, asked: int | None) -> int:
        """Rows of a page for which `asked` were asked."""
        if asked is None or (asked == 0 and self.zero_is_all):
            return self.largest if self.usual is None else self.usual
        return min(asked, self.largest)


PLAIN = Paging()
#: Nova's servers, flavors, hypervisors and usages.
NOVA = Paging(no_marker=lambda marker: MarkerNotFound(marker=marker))
NOVA_ZERO_IS_ALL = Paging(zero_is_all=True, no_marker=NOVA.no_marker)
NEUTRON = Paging(largest=LARGEST, zero_is_all=True, both_ways=True)
KEYSTONE = Paging(largest=LARGEST, zero_is_all=True, no_marker=lambda marker: NoMarker(id=marker))


@dataclass
class Page:
    """The part of a list that a request asks for."""

    limit: int | None  # rows in a page; None is all of them
    marker: str | None
    sort: list[tuple[str, str]]  # (column, "asc" | "desc")
    asked_limit: bool = False
    reverse: bool = False
    params: list[tuple[str, str]] = field(default_factory=list)
    more: bool = False
    paging: Paging = PLAIN

    @classmethod
    def from_request(
        cls,
        request: HttpRequest,
        *,
        sort_keys: Mapping[str, str] | None = None,
        default_sort: Sequence[tuple[str, str]] = (("created_at", "desc"),),
        paging: Paging = PLAIN,
        strict_sort: bool = True,
        version: Version = ANY,
    ) -> "Page":
        """Read the query. `sort_keys` maps wire names to columns; None leaves what the client says of sorting aside.

        Raises: BadLimit, BadSortKey.
        """
        if version < paging.since:
            return cls(limit=None, marker=None, sort=list(default_sort), paging=paging)
        query = request.GET
        text = query.get("limit")
        if text is not None and not is_whole(text):
            raise BadLimit(limit=text)
        return cls(
            limit=paging.size(None if text is None else int(text)),
            marker=query.get("marker") or None,
            sort=list(default_sort) if sort_keys is None else cls._sort(request, sort_keys, default_sort, strict_sort),
            asked_limit=text is not None,
            reverse=paging.both_ways and bool(truth(query.get("page_reverse", ""))),
            params=[(k, v) for k, values in query.lists() for v in values if k not in ("marker", "page_reverse")],
            paging=paging,
        )

    @staticmethod
    def _sort(
        request: HttpRequest, known: Mapping[str, str], default: Sequence[tuple[str, str]], strict: bool
    ) -> list[tuple[str, str]]:
        keys, dirs = request.GET.getlist("sort_key"), request.GET.getlist("sort_dir")
        for pair in ",".join(request.GET.getlist("sort")).split(","):
            if pair:
                key, _sep, way = pair.partition(":")
                keys, dirs = [*keys, key], [*dirs, way or "asc"]
        out = []
        for number, key in enumerate(keys):
            way = dirs[number] if number < len(dirs) else (dirs[-1] if dirs else "desc")
            if way not in ("asc", "desc"):
                raise Invalid(reason=_("Unknown sort direction %(way)s, must be one of: asc, desc."), way=way)
            if key in known:
                out.append((known[key], way))
            elif strict:
                raise BadSortKey(key=key, known=", ".join(sorted(known)))
        return out or list(default)

    def apply(self, rows: QuerySet[M], *, id_column: str = "id", markers: QuerySet[M] | None = None) -> QuerySet[M]:
        """Query the rows of this page and one more (see `cut`), in order. The marker is one of `markers`, of `rows` by default.

        Raises: the paging's `no_marker`.
        """
        order = [*self.sort]
        if id_column not in (column for column, _ in order):
            order.append((id_column, "asc"))
        if self.reverse:
            order = [(column, "desc" if way == "asc" else "asc") for column, way in order]
        if self.marker is not None:
            columns = [column for column, _ in order]
            known = rows if markers is None else markers
            at = known.order_by().filter(**{id_column: self.marker}).values(*columns).first()
            if at is None:
                raise self.paging.no_marker(self.marker)
            rows = rows.filter(self._after(order, at))
        rows = rows.order_by(*[F(column).desc() if way == "desc" else F(column).asc() for column, way in order])
        return rows if self.limit is None else rows[: self.limit + 1]

    @staticmethod
    def _after(order: list[tuple[str, str]], at: Mapping[str, object]) -> Q:
        """Rows strictly after `at`. NULL sorts first ascending, as SQLite and MySQL have it."""
        clause = Q(pk__in=[])
        same = Q()
        for column, way in order:
            value = at[column]
            if value is None:
                if way == "asc":
                    clause |= same & Q(**{f"{column}__isnull": False})
                same &= Q(**{f"{column}__isnull": True})
                continue
            beyond = Q(**{f"{column}__{'gt' if way == 'asc' else 'lt'}": value})
            if way == "desc":
                beyond |= Q(**{f"{column}__isnull": True})
            clause |= same & beyond
            same &= Q(**{column: value})
        return clause

    def read(self, rows: QuerySet[M], *, id_column: str = "id", markers: QuerySet[M] | None = None) -> list[M]:
        """Read the rows of this page: `apply`, then `cut`. Raises: the paging's `no_marker`."""
        return self.cut(list(self.apply(rows, id_column=id_column, markers=markers)))

    def part(self, rows: Sequence[T], id_of: Callable[[T], str]) -> list[T]:
        """Return the page of rows that are in memory, in their own order. Raises: the paging's `no_marker`."""
        if self.marker is not None:
            ids = [id_of(row) for row in rows]
            if self.marker not in ids:
                raise self.paging.no_marker(self.marker)
            rows = rows[ids.index(self.marker) + 1 :]
        return self.cut(list(rows))

    def cut(self, rows: list[T]) -> list[T]:
        """Return the page itself out of `apply`'s rows; notes whether more follow."""
        self.more = self.limit is not None and len(rows) > self.limit
        rows = rows[: self.limit]
        return rows[::-1] if self.reverse else rows

    def next_href(self, request: HttpRequest, last_id: str) -> str:
        return links.with_query(links.root(request) + request.path, [*self.params, ("marker", last_id)])

    def nova_links(
        self, request: HttpRequest, rows: Sequence[Mapping[str, Any]], id_key: str = "id"
    ) -> list[dict[str, str]]:
        """`[{rel: next}]` when the page is full and more may follow, else []."""
        if not rows or not (self.more or (self.asked_limit and len(rows) == self.limit)):
            return []
        return [links.link("next", self.next_href(request, rows[-1][id_key]))]

    def both_links(self, request: HttpRequest, ids: Sequence[str]) -> list[dict[str, str]]:
        """Links to the pages around this one, of whose rows `ids` are.

        `next` while more may follow, `previous` when a marker was given; each with the id of the row at that end.
        """
        if not ids:
            return []
        out = []
        has_next = self.more if not self.reverse else self.marker is not None
        has_previous = self.more if self.reverse else self.marker is not None
        if has_next:
            out.append(links.link("next", self.next_href(request, ids[-1])))
        if has_previous:
            here = links.root(request) + request.path
            query = [*self.params, ("marker", ids[0]), ("page_reverse", "True")]
            out.append(links.link("previous", links.with_query(here, query)))
        return out
