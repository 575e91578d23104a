"""One resource of a REST API as data: its fields, its rows, and what a list of them may be narrowed by.

A service's own `Resource` adds its dialect: how it names filters, which verbs it has, how a refusal reads.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, Self, TypeAlias, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

from authorization.context import RequestContext
from common import moments
from common.errors import Invalid, NotFound
from common.numbers import wholes
from common.truth import truth
from openstackapi.fields import Fields

Rows: TypeAlias = QuerySet[Any]
Filter = Callable[[Rows, list[str]], Rows]
#: Parameters of a list: name → the values given for it.
Params: TypeAlias = Mapping[str, Sequence[str]]
M = TypeVar("M", bound=Model)
M_co = TypeVar("M_co", covariant=True)


class RowsOf(Protocol[M_co]):
    """The part of a QuerySet that `find` needs."""

    def filter(self, *, pk: str) -> Self: ...

    def select_for_update(self, *, of: Sequence[str]) -> Self: ...

    def first(self) -> M_co | None: ...


def find(rows: RowsOf[M_co], id: str, missing: Callable[..., NotFound], *, lock: bool = False) -> M_co:
    """Find a row by its id among those an actor may see, locked until the transaction ends if `lock`.

    An object outside of `rows` counts as missing: nobody learns that it exists. Raises: `missing`, made of the id.
    """
    found = rows.filter(pk=id)
    row = (found.select_for_update(of=("self",)) if lock else found).first()
    if row is None:
        raise missing(id=id)
    return row


def commas(values: Iterable[str]) -> list[str]:
    """Split a parameter that may be repeated, or hold several values with commas between."""
    return [one for value in values for one in value.split(",") if one]


def filter_tags(rows: Rows, params: Params, having: Callable[[Sequence[str]], Q]) -> Rows:
    """Narrow rows by tags: all of them, `-any` one of them, `not-` not all of them, `not-…-any` none of them.

    `having` is the condition of a row that has at least one of some tags.
    """
    tags = {name: commas(params.get(name, ())) for name in ("tags", "tags-any", "not-tags", "not-tags-any")}
    for tag in tags["tags"]:
        rows = rows.filter(having([tag]))
    if tags["tags-any"]:
        rows = rows.filter(having(tags["tags-any"]))
    if tags["not-tags"]:
        rows = rows.exclude(Q(*(having([tag]) for tag in tags["not-tags"])))
    if tags["not-tags-any"]:
        rows = rows.exclude(having(tags["not-tags-any"]))
    return rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource(Generic[M]):
    """`name` and `plural` are those of its envelopes.

    `columns` maps wire names to columns: what one may filter and sort by. `filters` are those that no column is enough
    for. `spelled` maps wire names to what brings a text into the spelling that is kept, in bodies and filters.
    """

    bad_filter: ClassVar[type[Invalid]] = Invalid  # made of `name` and `value`

    name: str
    plural: str
    fields: Fields
    columns: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Filter] = field(default_factory=dict)
    spelled: Mapping[str, Callable[[str], str]] = field(default_factory=dict)

    def rendered(self, objects: Sequence[M], actor: RequestContext | None) -> list[dict[str, object]]:
        """Make the wire's dicts of model rows, as an actor may see them."""
        return self.fields.render_many(objects, actor=actor)

    def shown(self, objects: Sequence[M], actor: RequestContext, only: Sequence[str] = ()) -> list[dict[str, object]]:
        """Show model rows as an actor may see them; `only` these fields if any are named."""
        rendered = self.rendered(objects, actor)
        if not only:
            return rendered
        wanted = set(only)
        return [{name: value for name, value in row.items() if name in wanted} for row in rendered]

    def spell(self, name: str, value: object) -> object:
        """Bring a value into the spelling that is kept; what is no text stays."""
        return self.spelled[name](value) if name in self.spelled and isinstance(value, str) else value

    def filtered(self, rows: QuerySet[M], params: Params) -> QuerySet[M]:
        """Narrow rows to those that fit every parameter; the values of one are alternatives, unknown ones are left aside.

        Raises: `bad_filter`.
        """
        for name, given in params.items():
            values = [self.spelled[name](value) for value in given] if name in self.spelled else list(given)
            if name in self.filters:
                rows = self.filters[name](rows, values)
            else:
                condition = self.condition(rows.model, name, values)
                rows = rows if condition is None else rows.filter(condition)
        return rows

    def condition(self, model: type[Model], name: str, values: list[str]) -> Q | None:
        """Make the condition that a column has one of `values`, read as the column's type; None for a name of no column.

        Raises: `bad_filter`.
        """
        column = self.columns.get(name)
        if column is None:
            return None
        kind = column_type(model, column)
        if kind == "DateTimeField":
            return Q(*(moments.compared(column, "eq", self.moment(name, text)) for text in values), _connector=Q.OR)
        return Q(**{f"{column}__in": self._typed(kind, name, values)})

    def _typed(self, kind: str, name: str, values: list[str]) -> Sequence[object]:
        if kind == "BooleanField":
            return [bool(truth(value)) for value in values]
        if kind.endswith("IntegerField"):
            numbers = wholes(values)
            if numbers is None:
                raise self.bad_filter(name=name, value=values)
            return numbers
        return values

    def moment(self, name: str, text: str) -> datetime:
        """Read the time in a parameter, in UTC. Raises: `bad_filter`."""
        found = moments.parsed(text)
        if found is None:
            raise self.bad_filter(name=name, value=text)
        return found


def column_type(model: type[Model], column: str) -> str:
    """Name the kind of a column, which may lie behind relations (`group__project_id`)."""
    parts = column.split("__")
    found: Any = model._meta.get_field(parts[0])
    for part in parts[1:]:
        found = found.related_model._meta.get_field(part)
    return str(found.get_internal_type())


def fields_asked(query: QueryDict) -> list[str]:
    """Read which fields `fields=` names; none are all."""
    return commas(query.getlist("fields"))
