"""Changes that people ask for, as the database writes them: before and after, one record a changed object.

A change is kept beside what runs after the commit, so a savepoint that is taken back takes its changes along; what is left is
written in the last moment of the same transaction. Reads, and what the cloud does by itself, cost a look at a variable.
"""

from collections.abc import Iterable
from typing import Protocol, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler, SQLDeleteCompiler, SQLInsertCompiler, SQLUpdateCompiler

from audit import context, merging, registry
from audit.merging import CREATE, DELETE, UPDATE, Change, Verb
from audit.models import Event
from audit.registry import Plan

#: Columns that a statement writes, and the rows that it is about, as they were.
Before = tuple[dict[str, object], list[dict[str, object]]]


class Written(Protocol):
    """An UpdateQuery: (field, its model, value) of each column that it writes."""

    values: "list[tuple[Field[object, object], type[Model], object]]"


class Watcher:
    """common.watched.Watcher: what of the writes is somebody's change."""

    def wants(self, model: type[Model]) -> bool:
        return context.current() is not None and registry.plan(model) is not None

    def inserted(self, compiler: object) -> None:
        assert isinstance(compiler, SQLInsertCompiler)
        plan, now = _plan(compiler), context.current()
        assert now is not None
        for row in compiler.query.objs:
            if plan.spec.is_operation:
                _keep(compiler, Change(CREATE, plan, now, {}, row=row, operation=cast(Verb, row)))
                continue
            told = {name: getattr(row, name) for name in plan.told}
            _keep(compiler, Change(CREATE, plan, now, told, after=_values(plan, row), row=row))

    def updating(self, compiler: object) -> Before | None:
        """(columns, those whose new value only the database knows, [row before])."""
        assert isinstance(compiler, SQLUpdateCompiler)
        plan = _plan(compiler)
        wanted = {
            one.attname: value
            for one, _model, value in cast(Written, compiler.query).values
            if one.attname in plan.columns
        }
        if not wanted or plan.spec.is_operation:
            return None
        return wanted, list(_rows(compiler, plan, wanted))

    def updated(self, compiler: object, before: object) -> None:
        assert isinstance(compiler, SQLUpdateCompiler)
        plan, now = _plan(compiler), context.current()
        assert now is not None
        wanted, rows = cast(Before, before)
        after = {name: _given(value) for name, value in wanted.items()}
        counted = [name for name, value in wanted.items() if hasattr(value, "resolve_expression")]
        found = _again(compiler, plan, [row[plan.pk] for row in rows], counted) if counted else {}
        for row in rows:
            new = {**after, **found.get(row[plan.pk], {})}
            old = {name: row[name] for name in wanted}
            _keep(compiler, Change(UPDATE, plan, now, {name: row[name] for name in plan.told}, old, new))

    def deleting(self, compiler: object) -> None:
        assert isinstance(compiler, SQLDeleteCompiler)
        plan, now = _plan(compiler), context.current()
        assert now is not None
        if plan.spec.is_operation:
            return
        for row in list(_rows(compiler, plan, plan.columns)):
            told = {name: row.pop(name) if name not in plan.columns else row[name] for name in plan.told}
            old = {name: value for name, value in row.items() if value not in (None, "", [], {})}
            _keep(compiler, Change(DELETE, plan, now, told, old))

    def committing(self, connection: BaseDatabaseWrapper) -> None:
        found = [entry[1] for entry in connection.run_on_commit if type(entry[1]) is Change]
        if found:
            Event.objects.write(merging.records(found))


def _plan(compiler: SQLCompiler) -> Plan:
    model = compiler.query.model
    found = registry.plan(model) if model is not None else None
    assert found is not None
    return found


def _keep(compiler: SQLCompiler, change: Change) -> None:
    compiler.connection.on_commit(change)


def _values(plan: Plan, row: Model) -> dict[str, object]:
    """What a new row says beyond what every new row says."""
    found = {}
    for name, default in plan.defaults.items():
        value = row.__dict__.get(name)
        if value is not None and value != default and value not in ("", [], {}):
            found[name] = value
    for name in plan.columns.keys() - plan.defaults.keys():
        value = row.__dict__.get(name)
        if value is not None:
            found[name] = value
    return found


def _given(value: object) -> object:
    return value.pk if isinstance(value, Model) else value


def _rows(compiler: SQLCompiler, plan: Plan, columns: Iterable[str]) -> Iterable[dict[str, object]]:
    """The rows that a statement is about, as they are now."""
    query = compiler.query.chain(klass=Query)
    query.clear_ordering(force=True)
    query.clear_select_clause()
    query.select_related = query.select_for_update = False
    names = list(dict.fromkeys((*plan.told, *columns)))
    query.add_fields(names)
    for row in query.get_compiler(compiler.using).results_iter(chunked_fetch=False):
        yield dict(zip(names, row, strict=False))


def _again(compiler: SQLCompiler, plan: Plan, keys: list[object], names: list[str]) -> dict[object, dict[str, object]]:
    """What the database made of expressions."""
    found: dict[object, dict[str, object]] = {}
    for start in range(0, len(keys), 500):
        rows = plan.model._base_manager.using(compiler.using).filter(pk__in=keys[start : start + 500])
        found |= {row[plan.pk]: row for row in rows.values(plan.pk, *names)}
    return {key: {name: row[name] for name in names} for key, row in found.items()}
