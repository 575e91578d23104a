"""The list of audit records and one of them. Pages go by key: nothing counts the table."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import cadf
from audit.models import Event
from authorization.context import RequestContext
from common.ids import is_id
from identity import audits
from identity.assignments import granting
from identity.models import Project, User
from portal.ui import moments, tables
from portal.ui import recorded as words
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.lists import Empty, ListPanel
from portal.ui.tables import Cell, Column, Filter, Row, age


class ByUser(Filter):
    def narrow(self, rows: Any, value: str) -> Any:
        ids = list(User.objects.filter(name=value).values_list("pk", flat=True)[:100])
        return rows.filter(initiator_id__in=[value, *ids])


class ByProject(Filter):
    def narrow(self, rows: Any, value: str) -> Any:
        ids = list(Project.objects.filter(name=value).values_list("pk", flat=True)[:100])
        return rows.filter(project_id__in=[value, *ids])


class ByTarget(Filter):
    def narrow(self, rows: Any, value: str) -> Any:
        return _aimed(rows, value)


def _aimed(rows: Any, value: str) -> Any:
    return rows.filter(target_id=value) if is_id(value) else rows.filter(Q(target_id=value) | Q(target_name=value))


class ByAction(Filter):
    def narrow(self, rows: Any, value: str) -> Any:
        return rows.filter(Q(action=value) | Q(action__startswith=f"{value}/")) if value in dict(self.choices) else rows


@dataclass(frozen=True)
class ByTime(Filter):
    """A day, or a moment as `2026-11-30 14:05`, in the reader's zone. Ids are in the order of time."""

    until: bool = False

    def narrow(self, rows: Any, value: str) -> Any:
        edge = moments.edge(value, end=self.until)
        if not edge:
            return rows
        return rows.filter(pk__lt=edge) if self.until else rows.filter(pk__gte=edge)


class Events(ListPanel):
    panel, kind, in_palette = "audit", "audit", False
    search = ("request_id",)
    order = ("-pk",)
    columns = (
        Column(gettext_lazy("Action")),
        Column(gettext_lazy("Outcome")),
        Column(gettext_lazy("Object")),
        Column(gettext_lazy("User"), hide="m"),
        Column(gettext_lazy("Address"), hide="m"),
        Column(gettext_lazy("Project"), hide="l"),
        Column(gettext_lazy("When"), "n"),
    )
    filters = (
        ByAction("action", gettext_lazy("Action"), choices=words.CHOICES),
        Filter("outcome", gettext_lazy("Outcome"), choices=words.OUTCOMES),
        ByTime("from", gettext_lazy("From (2026-11-30 or 2026-11-30 14:05)")),
        ByTime("to", gettext_lazy("Until"), until=True),
        ByUser("user", gettext_lazy("User")),
        ByTarget("target", gettext_lazy("Object (name or ID)")),
        ByProject("project", gettext_lazy("Project")),
    )

    empty = Empty(
        gettext_lazy("Nothing is recorded yet"),
        gettext_lazy("Sign-ins, changes, refusals, consoles and shares are recorded here: who, when, from where, and what it was before."),
    )  # fmt: skip

    def query(self, actor: RequestContext) -> Any:
        return audits.visible(actor)

    def narrow(self, query: Any, request: HttpRequest) -> Any:
        """`q` is a whole name or id here: a part of a text would make the database read the whole table."""
        text = request.GET.get("q", "").strip()
        if text.startswith("req-"):
            query = query.filter(request_id=text)
        elif text:
            query = _aimed(query, text)
        for one in self.filters:
            value = one.read(request.GET)
            query = one.narrow(query, value) if value else query
        return query

    def get(self, request: HttpRequest, **keys: object) -> HttpResponse:
        actor, size = self.actor, self.prefs.page_size
        query = self.narrow(self.query(actor), request)
        if request.GET.get("format") == "csv":
            return self.as_file(query.page(tables.MOST + 1))
        found = query.page(size + 1, before=request.GET.get("before", ""))
        edges = {
            "older": _with(request, found[size - 1].pk) if len(found) > size else "",
            "newest": _with(request, "") if "before" in request.GET else "",
        }
        context = {**self.describe(actor), **self.narrowed(request), **edges, "total": len(found)}
        return self.page("audit/list.html", rows=self.seen(actor, found[:size]), **context)

    def narrowed(self, request: HttpRequest) -> dict[str, object]:
        found = super().narrowed(request)
        return {**found, "is_narrowed": found["is_narrowed"] or "before" in request.GET}

    def rows(self, actor: RequestContext, found: Sequence[Event]) -> list[Row]:
        names = granting.named_for(actor, {row.project_id for row in found})
        return [self._row(row, names) for row in found]

    def _row(self, row: Event, names: dict[str, str]) -> Row:
        what = Cell("text", row.target_name or row.target_id[:36], note=words.kind(row))
        who = row.initiator_name or row.initiator_id or (_("unknown") if row.outcome == "failure" else "")
        times = f"× {row.count}" if row.count > 1 else ""
        cells = (
            Cell("status", words.outcome(row), note=times), what, Cell("muted", who), Cell("mono", row.address),
            Cell("muted", names.get(row.project_id, "")), age(row.event_time),
        )  # fmt: skip
        return Row(row.pk, words.action(row), reverse("audit-event", args=[row.pk]), words.outcome(row), cells)


def _with(request: HttpRequest, before: str) -> str:
    query = request.GET.copy()
    query.pop("before", None)
    if before:
        query["before"] = before
    return f"?{query.urlencode()}"


class EventItem(ItemPage):
    panel, kind = "audit", "audit"
    find = staticmethod(audits.find)

    def detail(self, actor: RequestContext, row: Event) -> Detail:
        cards = [Card(_("What"), pairs=self._what(actor, row)), Card(_("Who"), pairs=_who(actor, row), side=True)]
        changes = _changes(row)
        if changes:
            columns = (Column(_("Field")), Column(_("Before")), Column(_("After")))
            cards.append(Card(_("Changes"), columns=columns, rows=changes, name="changes"))
        if audits.sees_all(actor):
            whole = json.dumps(cadf.as_dict(row), indent=1, ensure_ascii=False)
            cards.append(Card(_("The record (CADF)"), pairs=[("JSON", Cell("pre", whole))], name="cadf"))
        title = f"{words.action(row)} {row.target_name or words.kind(row)}"
        return Detail(title, words.outcome(row), facts=[Cell("when", row.event_time)], cards=cards)

    def _what(self, actor: RequestContext, row: Event) -> list[tuple[Any, Cell]]:
        reason = row.body.get("reason") or {}
        names = granting.named_for(actor, [row.project_id])
        pairs = [
            (_("Action"), Cell("text", words.action(row), note=row.action)),
            (_("Object"), Cell("text", row.target_name or "–", note=words.kind(row))),
            ("ID", Cell("copy", row.target_id)),
            (_("Type"), Cell("mono", row.target_type)),
            (_("Project"), Cell("text", names.get(row.project_id, ""))),
            (_("Policy rule"), Cell("mono", reason.get("policyId", ""))),
            (_("Reason"), Cell("mono", str(reason.get("reasonCode", "")))),
            (_("Times"), Cell("num", row.count if row.count > 1 else "")),
            (_("Request"), Cell("link", row.request_id, reverse("request", args=[row.request_id]) if row.request_id else "")),
        ]  # fmt: skip
        return [pair for pair in pairs if pair[1].value]


def _who(actor: RequestContext, row: Event) -> list[tuple[Any, Cell]]:
    """A manager is not told in which other project somebody works who changed a thing of this one."""
    body = row.body
    credential, scope = body.get("credential") or {}, body.get("scope") or {}
    if scope.get("project_id") != row.project_id and not audits.sees_all(actor):
        scope = {}
    pairs = [
        (_("User"), Cell("text", row.initiator_name or _("unknown"))),
        (_("User ID"), Cell("copy", row.initiator_id)),
        (_("In project"), Cell("text", scope.get("project_name", ""))),
        (_("Address"), Cell("mono", row.address)),
        (_("Program"), Cell("text", body.get("agent", ""))),
        (_("Proved by"), Cell("tags", credential.get("methods", ()))),
        (_("Audit ID of the token"), Cell("mono", credential.get("token", ""))),
        (_("Application credential"), Cell("mono", credential.get("application_credential_id", ""))),
        (_("Trust"), Cell("mono", credential.get("trust_id", ""))),
        (_("On behalf, by"), Cell("mono", credential.get("trustee_user_id", ""))),
        (_("Identity provider"), Cell("mono", credential.get("idp_id", ""))),
    ]
    return [pair for pair in pairs if pair[1].value]


def _changes(row: Event) -> list[Row]:
    before, after = row.body.get("before") or {}, row.body.get("after") or {}
    names = sorted(before.keys() | after.keys())
    return [Row(name, name, "", None, (_value(before.get(name)), _value(after.get(name)))) for name in names]


def _value(value: object) -> Cell:
    if isinstance(value, dict | list):
        return Cell("pre", json.dumps(value, indent=1, ensure_ascii=False))
    return Cell("mono", "" if value is None else str(value))
