"""From the changes of one transaction to records: one a changed object, with what its parts were and are."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from django.db.models import Model

from audit import cadf, registry
from audit.context import Context
from audit.models import Event
from audit.registry import Plan
from audit.scrub import CHANGED, HIDDEN, plain

CREATE, UPDATE, DELETE = "create", "update", "delete"
LOT = 500  # rows of one look-up
Key = tuple[str, str]  # model's label, row's key


class Verb(Protocol):
    """An operation, as far as its record says it."""

    id: str
    subject_kind: str
    subject_id: str
    action: str


@dataclass(slots=True)
class Change:
    """One row's change; django.db.transaction.on_commit holds it, so it can be called, and does nothing then."""

    verb: str
    plan: Plan
    context: Context
    told: dict[str, object]
    before: dict[str, object] = field(default_factory=dict)
    after: dict[str, object] = field(default_factory=dict)
    row: Model | None = None  # of one that is new: its key may be known only once it is there
    operation: Verb | None = None

    def __call__(self) -> None: ...

    @property
    def running(self) -> Verb:
        """The operation of a change that is one."""
        assert self.operation is not None
        return self.operation

    @property
    def pk(self) -> str:
        return str(self.row.pk if self.row is not None else self.told[self.plan.pk])


def records(found: list[Change]) -> list[Event]:
    """Records, not written yet. What has to be looked up for them is looked up in lots."""
    whole: dict[Key, Change] = {}
    parts = [change for change in found if change.plan.spec.part_of]
    verbs = [(change, plan) for change in found if change.operation is not None and (plan := _subject(change))]
    for change in found:
        if change.operation is None and not change.plan.spec.part_of:
            _join(whole, change)
    _add_owners(whole, parts, verbs)
    for change in parts:
        _join_part(whole[_owner(change)], change)
    for change, plan in verbs:
        whole[plan.label, change.running.subject_id].operation = change.operation
    shown = [one for one in whole.values() if one.operation is not None or one.verb != UPDATE or _differs(one)]
    said = _Said()
    places = _places(shown)
    return [_event(change, place, said) for change, place in zip(shown, places, strict=True)]


def _subject(change: Change) -> Plan | None:
    return registry.subject(change.running.subject_kind)


def _owner(change: Change) -> Key:
    spec = change.plan.spec
    return registry.plan_of(spec.part_of).label, str(change.told[spec.by])


def _join(whole: dict[Key, Change], change: Change) -> None:
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


def _add_owners(whole: dict[Key, Change], parts: list[Change], verbs: list[tuple[Change, Plan]]) -> None:
    """What only parts or verbs were changed of: its name and whose it is come from the database."""
    missing: dict[str, dict[str, tuple[Plan, Context]]] = {}
    for change in parts:
        label, pk = _owner(change)
        if (label, pk) not in whole:
            missing.setdefault(label, {})[pk] = (registry.plan_of(change.plan.spec.part_of), change.context)
    for change, plan in verbs:
        if (plan.label, change.running.subject_id) not in whole:
            missing.setdefault(plan.label, {})[change.running.subject_id] = (plan, change.context)
    for label, wanted in missing.items():
        plan = next(iter(wanted.values()))[0]
        rows: dict[str, dict[str, object]] = {}
        keys = list(wanted)
        for start in range(0, len(keys), LOT):
            lot = plan.model._base_manager.filter(pk__in=keys[start : start + LOT]).values(*plan.told)
            rows |= {str(row[plan.pk]): row for row in lot}
        for pk, (_plan, about) in wanted.items():
            told = rows.get(pk) or {**dict.fromkeys(plan.told, ""), plan.pk: pk}
            whole[label, pk] = Change(UPDATE, plan, about, told)


def _join_part(owner: Change, change: Change) -> None:
    spec = change.plan.spec
    for side, values in ((owner.before, change.before), (owner.after, change.after)):
        if values:
            tells = values.get(spec.value) if spec.value else _Part(change.plan, values)
            others = side.get(spec.part)
            side[spec.part] = [*(others if isinstance(others, list) else ()), tells]


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns of a part, not told in words yet."""

    plan: Plan
    values: dict[str, object]


def _differs(change: Change) -> bool:
    return any(
        not _same(change.before.get(name), change.after.get(name))
        for name in change.before.keys() | change.after.keys()
    )


def _same(before: object, after: object) -> bool:
    return bool(before == after or plain(before) == plain(after))


class _Said:
    """Values as people read them; each is asked for once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, object], object] = {}

    def values(self, plan: Plan, values: dict[str, object]) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, value in values.items():
            if value not in (None, "") and name in plan.secret:
                found[name] = HIDDEN
            elif name in plan.spec.shown:
                found[plan.spec.called.get(name, name)] = self._word(plan, name, value)
            elif isinstance(value, list):
                found[name] = plain(
                    [self.values(one.plan, one.values) if isinstance(one, _Part) else one for one in value]
                )
            else:
                found[name] = plain(value)
        return found

    def _word(self, plan: Plan, name: str, value: object) -> object:
        key = (plan.label, name, value)
        if key not in self._known:
            self._known[key] = plain(plan.spec.shown[name](value))
        return self._known[key]


def _event(change: Change, place: tuple[str, str], said: _Said) -> Event:
    plan, before, after = change.plan, change.before, change.after
    if change.verb == UPDATE:
        names = [name for name in before.keys() | after.keys() if not _same(before.get(name), after.get(name))]
        before = {name: before[name] for name in sorted(names) if name in before}
        after = {name: after[name] for name in sorted(names) if name in after}
    before, after = said.values(plan, before), said.values(plan, after)
    for name in plan.secret & before.keys() & after.keys():
        after[name] = CHANGED
    project, domain = place
    return cadf.event(
        _verb(change),
        context=change.context,
        outcome=cadf.PENDING if change.operation is not None else cadf.SUCCESS,
        target=(plan.spec.type, change.pk, str((change.told.get(plan.name) if plan.name else "") or "")),
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


def _places(changes: Iterable[Change]) -> list[tuple[str, str]]:
    """(project, domain) of each: whose managers may see it."""
    found = [_place(change) for change in changes]
    unknown = sorted({project for project, domain in found if project and not domain})
    known: dict[str, str] = {}
    for start in range(0, len(unknown), LOT):
        known |= registry.domains_of(unknown[start : start + LOT])
    return [(project, domain or known.get(project, "")) for project, domain in found]


def _place(change: Change) -> tuple[str, str]:
    plan, actor = change.plan, change.context.actor
    project = str(change.told.get(plan.project) or "") if plan.project else ""
    domain = str(change.told.get(plan.domain) or "") if plan.domain else ""
    if plan.spec.own and actor is not None:
        project, domain = actor.project_id or "", domain or actor.domain_id or ""
    if project and not domain and actor is not None and actor.project_id == project:
        domain = actor.project_domain_id
    return project, domain
