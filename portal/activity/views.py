"""The page of everything that was changed in a project; for operators, in all of them. Pages go by key: nothing counts the table."""

import json
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import reading
from audit.models import Event
from authorization.context import RequestContext
from common.ids import time_of
from identity import audits
from portal.activity.asked import Asked
from portal.ui import Text, activity, recorded, tables
from portal.ui.activity import Line
from portal.ui.pages import Page
from portal.ui.tables import Cell, Column, Row, age

COLUMNS = (
    Column(gettext_lazy("What")), Column(gettext_lazy("When")), Column(gettext_lazy("User")), Column(gettext_lazy("User ID")),
    Column(gettext_lazy("Address")), Column(gettext_lazy("Type")), Column(gettext_lazy("Object")), Column(gettext_lazy("Object ID")),
    Column(gettext_lazy("Project")), Column(gettext_lazy("Outcome")), Column(gettext_lazy("Reason")), Column(gettext_lazy("Request")),
    Column(gettext_lazy("Before")), Column(gettext_lazy("After")),
)  # fmt: skip
#: What else than verbs changes while the page is open: kinds of the outbox.
LIVE = "operation network subnet port router floatingip security_group image"


class Activity(Page):
    """GET: the page; ?live=1: its lines; ?format=csv: all that the filter leaves, as a file."""

    panel = "activity"

    def get(self, request: HttpRequest) -> HttpResponse:
        asked, before = Asked.read(request.GET), request.GET.get("before", "")
        led, wanted = asked.records(self.actor)
        if request.GET.get("format") == "csv":
            return as_file(self.actor, reading.every(led, wanted, tables.MOST + 1))
        found = reading.page(led, wanted, self.prefs.page_size, before=before)
        context = {"title": _("Activity"), "asked": asked, "before": before, **told(self.actor, found)}
        if self.asks("live"):
            return self.fragment("activity/lines.html", **context)
        context |= {"kinds": activity.kinds(), "chips": chips(request, asked), "live_kinds": LIVE}
        return self.page("activity/page.html", **context)


def told(actor: RequestContext, found: reading.Found) -> dict[str, object]:
    """Build the context of the lines."""
    return {
        "lines": activity.lines(actor, found.rows),
        "older": found.older,
        "looked": time_of(found.older) if found.is_cut else None,
        "sees_all": audits.sees_all(actor),
    }


#: Field of the filter → what its chip says.
LABELS: dict[str, Text] = {
    "person": gettext_lazy("User"),
    "object": gettext_lazy("Object"),
    "type": gettext_lazy("Type"),
    "project": gettext_lazy("Project"),
    "since": gettext_lazy("From"),
    "until": gettext_lazy("Until"),
    "request": gettext_lazy("Request"),
}


def chips(request: HttpRequest, asked: Asked) -> list[dict[str, object]]:
    """List the fields that narrow the page: name, label, value, and the address's query without it."""
    found = []
    for name, label in LABELS.items():
        value = getattr(asked, name)
        if value:
            rest = request.GET.copy()
            for gone in (name, "before"):
                rest.pop(gone, None)
            word = recorded.types().get(value, value) if name == "type" else value
            found.append({"name": name, "label": label, "word": word, "without": rest.urlencode()})
    return found


def as_file(actor: RequestContext, found: Iterable[Event]) -> HttpResponse:
    """Answer with records as a file of one line each."""
    return tables.as_csv("activity", COLUMNS, [_row(line) for line in activity.lines(actor, list(found))])


def _row(line: Line) -> Row:
    row = line.row
    texts = (
        line.who, row.initiator_id, line.place, str(recorded.kind(row)), row.target_name, row.target_id, line.project or row.project_id,
        str(line.status.word), line.why, row.request_id, _json(line.before), _json(line.after),
    )  # fmt: skip
    return Row(row.pk, line.sentence, "", line.status, (age(row.event_time), *(Cell("text", text) for text in texts)))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""
