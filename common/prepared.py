"""Reads that Django compiles once. Building the SQL of a small query takes several times as long as running it.

find = Prepared(lambda id: Server.objects.filter(id=id).values("id", "name"))
find(server_id)  →  [{"id": …, "name": …}]
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar, cast

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import ValuesListIterable

Row = TypeVar("Row")


class Prepared(Generic[Row]):
    """A query set as a function of texts. It is of whole instances, of ``.values()`` or of ``.values_list()``.

    The arguments are texts that reach the database as they are (ids, names): each stands once for a distinct parameter.
    """

    def __init__(self, make: Callable[..., QuerySet[Model, Row]]) -> None:
        self._make = make
        self._arity = make.__code__.co_argcount
        self._plans: dict[tuple[str, bool], _Plan[Row]] = {}

    def __call__(self, *texts: str) -> list[Row]:
        """The rows: instances, dicts or tuples."""
        key = (connection.vendor, connection.in_atomic_block)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = _Plan(self._make, self._arity)
        return plan.run(texts)

    def first(self, *texts: str) -> Row | None:
        rows = self(*texts)
        return rows[0] if rows else None


class PreparedCount:
    """How many rows a query set has, as a function of texts."""

    def __init__(self, make: Callable[..., QuerySet[Model, Model]]) -> None:
        self._make = lambda *texts: make(*texts).order_by().values_list("pk")
        self._arity = make.__code__.co_argcount
        self._plans: dict[str, _Plan[tuple[object, ...]]] = {}

    def __call__(self, *texts: str) -> int:
        plan = self._plans.get(connection.vendor)
        if plan is None:
            plan = self._plans[connection.vendor] = _Plan(self._make, self._arity)
        return plan.count(texts)


class PreparedMany(Generic[Row]):
    """The same as a function of a list of texts, which the query set uses once, as ``…__in=texts``, and of single ones.

    Lists are filled up to one of SIZES by repeating their last text; longer ones are ordinary queries.
    """

    SIZES = (1, 8, 64, 1001)  # the last: a whole page, and the row that tells of another

    def __init__(self, make: Callable[..., QuerySet[Model, Row]]) -> None:
        self._make = make
        self._plans: dict[tuple[str, bool, int], _Plan[Row]] = {}

    def __call__(self, texts: Iterable[str], *single: str) -> list[Row]:
        wanted = list(texts)
        if not wanted:
            return []
        size = next((size for size in self.SIZES if len(wanted) <= size), 0)
        if not size:
            return list(self._make(wanted, *single))
        key = (connection.vendor, connection.in_atomic_block, size)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = _Plan(
                lambda *marks: self._make(list(marks[:size]), *marks[size:]), size + len(single)
            )
        return plan.run([*wanted, *wanted[-1:] * (size - len(wanted)), *single])


class _Plan(Generic[Row]):
    """SQL, where the arguments go, and how a row of the cursor becomes what the query set would give."""

    def __init__(self, make: Callable[..., QuerySet[Model, Row]], arity: int) -> None:
        marks = [f"\u2039argument {number}\u203a" for number in range(arity)]
        found = make(*marks)
        compiler = found.query.get_compiler(connection=connection)
        self.sql, parameters = compiler.as_sql()
        self.parameters = list(parameters)
        self.places = [
            (place, marks.index(value))
            for place, value in enumerate(self.parameters)
            if isinstance(value, str) and value in marks
        ]
        if {number for _, number in self.places} != set(range(arity)):
            raise ValueError(f"an argument does not reach the database as it is: {self.sql}")
        self.compiler = compiler
        self.converters = compiler.get_converters([entry[0] for entry in compiler.select[: compiler.col_count]])
        self.model = found.model if getattr(found, "_fields", None) is None else None
        self.is_tuple = found._iterable_class is ValuesListIterable
        self.names = self._names(found)

    def _names(self, found: QuerySet[Model, Row]) -> Sequence[str]:
        if self.model is not None:
            return [entry[0].target.attname for entry in self.compiler.select]
        query = found.query
        if query.selected:
            return list(query.selected)
        return [*query.extra_select, *query.values_select, *query.annotation_select]

    def _executed(self, sql: str, texts: Sequence[str]) -> list[tuple[Any, ...]]:
        parameters = self.parameters.copy()
        for place, number in self.places:
            parameters[place] = texts[number]
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def count(self, texts: Sequence[str]) -> int:
        return int(self._executed(f"SELECT COUNT(*) FROM ({self.sql}) AS found", texts)[0][0])

    def run(self, texts: Sequence[str]) -> list[Row]:
        rows = self._executed(self.sql, texts)
        if self.converters:
            rows = [tuple(row) for row in self.compiler.apply_converters(rows, self.converters)]
        if self.model is not None:
            return cast(list[Row], [self.model.from_db(connection.alias, self.names, row) for row in rows])
        # The database may be asked for more columns than are shown, to sort by them.
        width = len(self.names)
        if self.is_tuple:
            return cast(list[Row], [row[:width] for row in rows])
        return cast(list[Row], [dict(zip(self.names, row[:width], strict=True)) for row in rows])
