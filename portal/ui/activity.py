"""Audit records as lines that people read: what was done to which thing, by whom, from where, how it went, and what is other now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol, cast
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from audit import cadf, reading, registry
from audit.models import Event
from authorization.context import RequestContext
from common.errors import sentence
from common.ids import is_id
from identity import audits
from identity.assignments import granting
from identity.models import Group, User
from operations import states
from operations.models import LIVE, Operation, State
from portal.ui import Text, deeds, panels, recorded
from portal.ui.panels import Panel
from portal.ui.status import Status

#: Lines of the tab of one thing.
OF_ONE = 50
#: Columns that the APIs show to operators alone: which wire, zone or host something has.
OPERATORS = frozenset(
    {"binding_profile", "conntrack_zone", "dhcp_placed", "forced_host", "host", "kind", "physical", "placed", "segment"}
)
#: Stands for the object's name within a sentence, which the page makes a link.
_HERE = "\0"


class Recorded(Protocol):
    """A page of one thing, as far as lines lead to it (details.ItemPage)."""

    recorded: str
    identity: str

    @classmethod
    def recorded_rows(cls, actor: RequestContext) -> "QuerySet[Model] | None": ...


@dataclass(frozen=True)
class Change:
    """One field, before and after, as text."""

    name: str
    before: str
    after: str


@dataclass
class Line:
    """One record. `said` are the words before and after the object's name; `place` is the address that it came from."""

    row: Event
    status: Status
    said: tuple[str, str]
    name: str
    url: str = ""
    place: str = ""
    project: str = ""
    why: str = ""
    seconds: float | None = None
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    @property
    def who(self) -> str:
        return self.row.initiator_name or self.row.initiator_id or _("unknown")

    @property
    def sentence(self) -> str:
        """The whole sentence as text."""
        return self.name.join(self.said)


def lines(actor: RequestContext, rows: Sequence[Event]) -> list[Line]:
    """Tell records; what has to be looked up for them is looked up in a query a kind, whatever their number."""
    begun = {row.operation_id for row in rows if row.operation_id and row.outcome != cadf.SUCCESS}
    running = Operation.objects.in_bulk(begun) if begun else {}
    over = reading.ends([id for id in begun if id not in running])
    links, sees_all, names = _links(actor, rows), audits.sees_all(actor), _people(rows)
    manages = audits.manages(actor)
    projects = granting.named_for(actor, [row.project_id for row in rows]) if sees_all else {}
    found = []
    for row in rows:
        operation = running.get(row.operation_id)
        status, why, seconds = _went(row, operation, over.get(row.operation_id))
        before, _name, after = deeds.sentence(row, _HERE, done=status == recorded.status(cadf.SUCCESS)).partition(_HERE)
        line = Line(row, status, (before, after), row.target_name or _short(row.target_id), why=why, seconds=seconds)
        line.url = links.get((row.target_type, row.target_id), "")
        line.place = _place(row, actor, manages=manages)
        line.project = projects.get(row.project_id, "")
        line.before, line.after = (_shown(row.body.get(side) or {}, sees_all=sees_all) for side in ("before", "after"))
        line.changes = _changes(line, names)
        found.append(line)
    return found


@dataclass(frozen=True)
class Told:
    """A part of what is recorded of one thing. `query` narrows the page of all activity to it; `before` and `older` are ids of records."""

    lines: list[Line]
    query: str
    before: str
    older: str


def of_object(actor: RequestContext, kind: str, ids: Sequence[str], before: str = "") -> Told:
    """Tell the newest changes of one thing and of its parts, whose ids follow its own. Raises: Forbidden."""
    reach, mine = audits.activity(actor)
    led = Event.objects.filter(target_id=ids[0]) if len(ids) == 1 else Event.objects.filter(target_id__in=ids)
    about = Q() if is_id(ids[0]) else Q(target_type=kind)
    found = reading.page(reach.of(led), reading.ONCE & mine & about, OF_ONE, before=before)
    query = urlencode({"object": ids[0]} if is_id(ids[0]) else {"type": kind, "object": ids[0]})
    return Told(lines(actor, found.rows), query, before, found.older)


def of_project(actor: RequestContext, size: int) -> list[Line]:
    """Tell the newest changes of the session's project. Raises: Forbidden."""
    _reach, mine = audits.activity(actor)
    led = Event.objects.filter(project_id=actor.project_id or "")
    return lines(actor, reading.page(led, reading.ONCE & mine, size).rows)


# ── How it went ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _went(row: Event, operation: Operation | None, end: Event | None) -> tuple[Status, str, float | None]:
    """(status, why not, seconds): of a verb that takes time as its operation stands, or as the record of its end says."""
    if operation is not None:
        seconds = (operation.finished_at - operation.created_at).total_seconds() if operation.finished_at else None
        why = sentence(operation.error_code, operation.error_data) if operation.error_code else ""
        if operation.state in LIVE:
            return Status("busy", _("In progress"), row.outcome, since=operation.created_at), "", None
        if states.has_failed(operation.state) or operation.state == State.BROKEN:
            return recorded.status(cadf.FAILURE), why, seconds
        return recorded.status(cadf.SUCCESS), "", seconds
    if end is not None and row.outcome == cadf.PENDING:
        return recorded.outcome(end), recorded.code(end), (end.event_time - row.event_time).total_seconds()
    return recorded.outcome(row), _why(row), None


def _why(row: Event) -> str:
    reason = row.body.get("reason") or {}
    code, rule = recorded.code(row), reason.get("policyId", "")
    if row.outcome != cadf.FAILURE:
        return ""
    if reason.get("reasonType") == "error":
        return sentence(code, reason.get("data") or {})
    if code == "404":
        return _("There is no such thing in this project.")
    if rule:
        return _(
            "The rule %(rule)s does not allow it. The project's manager, or an operator, can give a role that does."
        ) % {"rule": rule}
    return _("It is not allowed.") if code == "403" else code  # fmt: skip


def _place(row: Event, actor: RequestContext, *, manages: bool) -> str:
    """Where it was asked from. Of somebody who works in another project only managers are told the address."""
    scope = row.body.get("scope") or {}
    if manages or row.initiator_id == actor.user_id or scope.get("project_id") == row.project_id:
        agent = str(row.body.get("agent") or "")
        return row.address or (agent if agent.startswith("manage.py ") else "")
    return ""


# ── What it is about ────────────────────────────────────────────────────────────────────────────────────────────────


def _short(id: str) -> str:
    return f"{id[:8]}…{id[-4:]}" if len(id) > 16 else id


@cache
def _pages() -> dict[str, list[tuple[Panel, str, type[Recorded]]]]:
    """Type of a thing → (panel, name of the address, view) of the pages that show such things."""
    found: dict[str, list[tuple[Panel, str, type[Recorded]]]] = {}
    for panel in panels.panels():
        for url in panel.urls:
            view = getattr(url.callback, "view_class", None)
            kind = getattr(view, "recorded", "")
            if view is not None and kind and url.name and str(url.pattern).endswith(":id>"):
                found.setdefault(kind, []).append((panel, url.name, cast("type[Recorded]", view)))
    return found


@cache
def _models() -> dict[str, type[Model]]:
    """Type of a thing → the model whose rows are such things."""
    specs, _silent = registry.declared()
    return {spec.type: registry.plan_of(label).model for label, spec in reversed(specs.items()) if spec.type}


def _links(actor: RequestContext, rows: Iterable[Event]) -> dict[tuple[str, str], str]:
    """(type, id) → the address of its page, of those that are there and that the actor has a page of: a query a type."""
    wanted: dict[str, set[str]] = {}
    for row in rows:
        if row.target_id and row.action != "delete":
            wanted.setdefault(row.target_type, set()).add(row.target_id)
    found: dict[tuple[str, str], str] = {}
    for kind, ids in wanted.items():
        for panel, route, view in _pages().get(kind, ()):
            if not panel.visible_to(actor):
                continue
            there = view.recorded_rows(actor)
            there = _models()[kind]._base_manager.all() if there is None else there
            keys = there.filter(pk__in=ids).values_list("pk", view.identity)
            found |= {(kind, str(pk)): reverse(route, args=[key]) for pk, key in keys}
    return found


# ── What is other ───────────────────────────────────────────────────────────────────────────────────────────────────


def _people(rows: Iterable[Event]) -> dict[str, str]:
    """Id → name of the people and groups that roles and memberships are about."""
    ids: set[str] = set()
    for row in rows:
        for side in ("before", "after"):
            values = row.body.get(side) or {}
            for one in [*(values.get("role_assignments") or ()), *(values.get("members") or ())]:
                ids |= (
                    {str(id) for id in (one.get("user_id"), one.get("group_id"))}
                    if isinstance(one, dict)
                    else {str(one)}
                )
    if not ids:
        return {}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "name")) | dict(
        Group.objects.filter(pk__in=ids).values_list("pk", "name")
    )


def _shown(values: Mapping[str, object], *, sees_all: bool) -> dict[str, object]:
    return {name: value for name, value in values.items() if sees_all or name not in OPERATORS}


def _changes(line: Line, names: Mapping[str, str]) -> list[Change]:
    before, after = line.before, line.after
    return [
        Change(name, _text(before.get(name), names), _text(after.get(name), names))
        for name in sorted(before.keys() | after.keys())
    ]


def _text(value: object, names: Mapping[str, str]) -> str:
    """Tell a value of a field in one line, or one a part."""
    match value:
        case None:
            return ""
        case bool():
            return _("yes") if value else _("no")
        case dict():
            told = ((name, _text(inner, names)) for name, inner in value.items())
            return ", ".join(f"{name}: {text}" for name, text in told if text)
        case list() | tuple():
            return "\n".join(_text(one, names) for one in value)
    return names.get(str(value), str(value))


def kinds() -> list[tuple[str, Text]]:
    """List the types of things that changes are recorded of, with their words, by word."""
    specs, _silent = registry.declared()
    types: Collection[str] = {spec.type for spec in specs.values() if spec.type} | {recorded.CONSOLE}
    words = {kind: recorded.types()[kind] for kind in types if kind in recorded.types()}
    return sorted(words.items(), key=lambda pair: str(pair[1]))
