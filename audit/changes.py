"""Changes that people ask for, as the database writes them: before and after, one record a changed object.

A change is kept beside what runs after the commit, so a savepoint that is taken back takes its changes along; what is left is
written in the last moment of the same transaction. Reads, and what the cloud does by itself, cost a look at a variable.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from django.db.models.sql import Query

from audit import cadf, context, registry
from audit.context import Context
from audit.models import Event
from audit.registry import Plan
from audit.scrub import CHANGED, HIDDEN, plain

CREATE, UPDATE, DELETE = "create", "update", "delete"


@dataclass(slots=True)
class Change:
    """One row's change; django.db.transaction.on_commit holds it, so it can be called, and does nothing then."""

    verb: str
    plan: Plan
    context: Context
    told: dict[str, Any]
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    row: Any = None  # of one that is new: its key may be known only once it is there
    operation: Any = None

    def __call__(self) -> None: ...

    @property
    def pk(self) -> str:
        return str(self.row.pk if self.row is not None else self.told[self.plan.pk])


class Watcher:
    """common.watched.Watcher: what of the writes is somebody's change."""

    def wants(self, model: type[Model]) -> bool:
        return context.current() is not None and registry.plan(model) is not None

    def inserted(self, compiler: Any) -> None:
        plan, now = _plan(compiler), context.current()
        assert now is not None
        for row in compiler.query.objs:
            if plan.spec.is_operation:
                _keep(compiler, Change(CREATE, plan, now, {}, row=row, operation=row))
                continue
            told = {name: getattr(row, name) for name in plan.told}
            _keep(compiler, Change(CREATE, plan, now, told, after=_values(plan, row), row=row))

    def updating(self, compiler: Any) -> Any:
        """(columns, those whose new value only the database knows, [row before])."""
        plan = _plan(compiler)
        wanted = {
            one.attname: value for one, _model, value in compiler.query.values if one.attname in plan.columns
        }
        if not wanted or plan.spec.is_operation:
            return None
        return wanted, list(_rows(compiler, plan, wanted))

    def updated(self, compiler: Any, before: Any) -> None:
        plan, now = _plan(compiler), context.current()
        assert now is not None
        wanted, rows = before
        after = {name: _given(value) for name, value in wanted.items()}
        counted = [name for name, value in wanted.items() if hasattr(value, "resolve_expression")]
        found = _again(compiler, plan, [row[plan.pk] for row in rows], counted) if counted else {}
        for row in rows:
            new = {**after, **found.get(row[plan.pk], {})}
            old = {name: row[name] for name in wanted}
            _keep(compiler, Change(UPDATE, plan, now, {name: row[name] for name in plan.told}, old, new))

    def deleting(self, compiler: Any) -> None:
        plan, now = _plan(compiler), context.current()
        assert now is not None
        if plan.spec.is_operation:
            return
        for row in list(_rows(compiler, plan, plan.columns)):
            told = {name: row.pop(name) if name not in plan.columns else row[name] for name in plan.told}
            old = {name: value for name, value in row.items() if value not in (None, "", [], {})}
            _keep(compiler, Change(DELETE, plan, now, told, old))

    def committing(self, connection: Any) -> None:
        found = [entry[1] for entry in connection.run_on_commit if type(entry[1]) is Change]
        if found:
            Event.objects.write(list(_records(found)))


def _plan(compiler: Any) -> Plan:
    found = registry.plan(compiler.query.model)
    assert found is not None
    return found


def _keep(compiler: Any, change: Change) -> None:
    compiler.connection.on_commit(change)


def _values(plan: Plan, row: Any) -> dict[str, Any]:
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


def _given(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value


def _rows(compiler: Any, plan: Plan, columns: Iterable[str]) -> Iterable[dict[str, Any]]:
    """The rows that a statement is about, as they are now."""
    query = compiler.query.chain(klass=Query)
    query.clear_ordering(force=True)
    query.clear_select_clause()
    query.select_related = query.select_for_update = False
    names = list(dict.fromkeys((*plan.told, *columns)))
    query.add_fields(names)
    for row in query.get_compiler(compiler.using).results_iter(chunked_fetch=False):
        yield dict(zip(names, row, strict=False))


def _again(compiler: Any, plan: Plan, keys: list[Any], names: list[str]) -> dict[Any, dict[str, Any]]:
    """What the database made of expressions."""
    found: dict[Any, dict[str, Any]] = {}
    for start in range(0, len(keys), 500):
        rows = plan.model._base_manager.using(compiler.using).filter(pk__in=keys[start : start + 500])
        found |= {row[plan.pk]: row for row in rows.values(plan.pk, *names)}
    return {key: {name: row[name] for name in names} for key, row in found.items()}


# ── From changes to records ─────────────────────────────────────────────────────────────────────────────────────────


def _records(found: list[Change]) -> Iterable[Event]:
    whole: dict[tuple[str, str], Change] = {}
    for change in found:
        if change.operation is None and not change.plan.spec.part_of:
            _join(whole, change)
    for change in found:
        if change.plan.spec.part_of:
            _join_part(whole, change)
    for change in found:
        if change.operation is not None:
            _join_operation(whole, change)
    for change in whole.values():
        if change.operation is not None or change.verb != UPDATE or _differs(change):
            yield _event(change)


def _join(whole: dict[tuple[str, str], Change], change: Change) -> None:
    """Several changes of one object in a transaction are one."""
    key = (change.plan.label, change.pk)
    first = whole.get(key)
    if first is None:
        whole[key] = change
    elif change.verb == DELETE and first.verb == CREATE:
        del whole[key]
    elif change.verb == DELETE:
        first.verb, first.before, first.after = DELETE, {**change.before, **first.before}, {}
    elif change.verb == CREATE:  # it went and came again
        first.verb, first.after = UPDATE, change.after
    else:
        first.before = {**change.before, **first.before} if first.verb == UPDATE else first.before
        first.after.update(change.after)


def _join_part(whole: dict[tuple[str, str], Change], change: Change) -> None:
    spec = change.plan.spec
    plan, pk = registry.plan_of(spec.part_of), str(change.told[spec.by])
    owner = whole.get((plan.label, pk))
    if owner is None:
        told = _told(plan, pk)
        owner = whole[plan.label, pk] = Change(UPDATE, plan, change.context, told)
    for side, values in ((owner.before, change.before), (owner.after, change.after)):
        if values:
            tells = values.get(spec.value) if spec.value else _shown(change.plan, values)
            side.setdefault(spec.part, [])
            side[spec.part] = [*side[spec.part], tells]


def _told(plan: Plan, pk: str) -> dict[str, Any]:
    found: dict[str, Any] | None = plan.model._base_manager.filter(pk=pk).values(*plan.told).first()
    return found or {**dict.fromkeys(plan.told, ""), plan.pk: pk}


def _join_operation(whole: dict[tuple[str, str], Change], change: Change) -> None:
    """A verb that takes time: what it is of is changed by it, and how it ends is not known yet."""
    row = change.operation
    plan = registry.subject(row.subject_kind)
    if plan is None:
        return
    known = whole.get((plan.label, row.subject_id))
    if known is None:
        known = Change(UPDATE, plan, change.context, _told(plan, row.subject_id))
        whole[plan.label, row.subject_id] = known
    known.operation = row


def _differs(change: Change) -> bool:
    names = change.before.keys() | change.after.keys()
    return any(_same(change.before.get(name), change.after.get(name)) is False for name in names)


def _same(before: Any, after: Any) -> bool:
    return bool(before == after or plain(before) == plain(after))


def _shown(plan: Plan, values: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in values.items():
        if value not in (None, "") and name in plan.secret:
            found[name] = HIDDEN
        elif name in plan.spec.shown:
            found[plan.spec.called.get(name, name)] = plain(plan.spec.shown[name](value))
        else:
            found[name] = plain(value)
    return found


def _event(change: Change) -> Event:
    plan, spec, actor = change.plan, change.plan.spec, change.context.actor
    before, after = change.before, change.after
    if change.verb == UPDATE:
        names = [name for name in before.keys() | after.keys() if not _same(before.get(name), after.get(name))]
        before = {name: before[name] for name in sorted(names) if name in before}
        after = {name: after[name] for name in sorted(names) if name in after}
    before, after = _shown(plan, before), _shown(plan, after)
    for name in plan.secret & before.keys() & after.keys():
        after[name] = CHANGED
    verb = _verb(change)
    project, domain = _whose(change)
    return cadf.event(
        verb,
        context=change.context,
        actor=actor,
        outcome="pending" if change.operation is not None else "success",
        target=(spec.type, change.pk, str((change.told.get(plan.name) if plan.name else "") or "")),
        project_id=project,
        domain_id=domain,
        operation_id=change.operation.id if change.operation is not None else "",
        before=before,
        after=after,
    )


def _verb(change: Change) -> str:
    """CADF's action; of a verb of a server with its name behind it, as keystonemiddleware says it (``update/reboot``)."""
    if change.operation is None or change.verb == CREATE:
        return change.verb
    action = str(change.operation.action)
    return DELETE if action == "delete" else f"{UPDATE}/{action}"


def _whose(change: Change) -> tuple[str, str]:
    """(project, domain) whose managers may see it."""
    plan, actor = change.plan, change.context.actor
    project = str(change.told.get(plan.project) or "") if plan.project else ""
    domain = str(change.told.get(plan.domain) or "") if plan.domain else ""
    if plan.spec.own and actor is not None:
        project, domain = actor.project_id or "", domain or actor.domain_id or ""
    if project and not domain:
        known = actor is not None and actor.project_id == project
        domain = actor.project_domain_id if known and actor is not None else registry.domain_of(project)
    return project, domain
