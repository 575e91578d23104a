"""Operations as people read them: who, when, which steps on which host, why it failed, which host lacked what."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.clock import now
from common.errors import sentence
from operations import flows, states
from operations.models import Operation, OperationStep, Phase, State
from portal.ui import Text, panels
from portal.ui.status import Status

MARKS = {
    states.DONE: "circle-check",
    states.FAILED: "circle-x",
    states.RUNNING: "loader-2",
    states.WAITING: "circle-dashed",
}
CLASSES = {states.DONE: "", states.FAILED: "fail", states.RUNNING: "now", states.WAITING: "wait"}
BARS = {states.DONE: "ok", states.FAILED: "bad", states.RUNNING: "now", states.WAITING: ""}


@dataclass
class Line:
    """One step as a bar: `start` and `width` in percent of the whole."""

    label: str
    state: str  # of operations.states
    host: str = ""
    seconds: float | None = None
    at: datetime | None = None
    start: float = 0.0
    width: float = 0.0
    why: str = ""
    note: str = ""

    @property
    def icon(self) -> str:
        return MARKS[self.state]

    @property
    def css(self) -> str:
        return CLASSES[self.state] + (" has-why" if self.why else "")

    @property
    def bar(self) -> str:
        return BARS[self.state]


@dataclass
class Refused:
    """A host that was not chosen: which filter said no and why, after how many had passed it."""

    host: str
    filter: Text
    why: str
    passed: list[Text]


@dataclass
class Story:
    """One operation."""

    row: Operation
    status: Status
    by: str
    seconds: float
    lines: list[Line] = field(default_factory=list)
    why: str = ""
    refused: list[Refused] = field(default_factory=list)
    subject: str = ""
    url: str = ""


def stretch(lines: list[Line], begin: datetime, end: datetime) -> list[Line]:
    """Give the lines their place between begin and end."""
    whole = max(0.001, (end - begin).total_seconds())
    for line in lines:
        if line.at is None or line.seconds is None:
            continue
        line.start = max(0.0, min(100.0, 100.0 * (line.at - begin).total_seconds() / whole))
        line.width = max(0.0, min(100.0 - line.start, 100.0 * line.seconds / whole))
    return lines


def _line(step: OperationStep, label: str, at: datetime) -> Line:
    ended = step.finished_at
    state = states.of_step(has_ended=ended is not None, result=step.result)
    host = step.host or _("control")
    line = Line(label, state, host, ((ended or at) - step.started_at).total_seconds(), step.started_at)
    if step.progress is not None and ended is None:
        line.note = f"{step.progress * 100 if step.progress <= 1 else step.progress:.0f} %"
    if step.error_code:
        line.why = sentence(step.error_code, {"host": step.host, **step.error_data})
    return line


#: What each filter of the schedulers asks for, of servers and of volumes.
FILTERS: dict[str, Text] = {
    "ForcedHostFilter": gettext_lazy("The host asked for"),
    "AvailabilityZoneFilter": gettext_lazy("Availability zone"),
    "ComputeFilter": gettext_lazy("Up and in use"),
    "SameHostFilter": gettext_lazy("Same host as others"),
    "DifferentHostFilter": gettext_lazy("Other host than others"),
    "ImagePropertiesFilter": gettext_lazy("What the image needs"),
    "ComputeCapabilitiesFilter": gettext_lazy("Capabilities"),
    "DriverCapabilitiesFilter": gettext_lazy("Drivers"),
    "AggregateInstanceExtraSpecsFilter": gettext_lazy("Aggregate"),
    "ResourcesFilter": gettext_lazy("Free room"),
    "ServiceFilter": gettext_lazy("Up and in use"),
    "SourceFilter": gettext_lazy("Where its source lies"),
    "SameBackendFilter": gettext_lazy("Same backend as others"),
    "DifferentBackendFilter": gettext_lazy("Other backend than others"),
    "CapabilitiesFilter": gettext_lazy("Capabilities"),
    "CapacityFilter": gettext_lazy("Free room"),
}


def refused(detail: dict[str, Any]) -> list[Refused]:
    """List the hosts that the scheduler refused in a step, if it left them."""
    found = []
    for row in detail.get("scheduling") or []:
        words = [(check, FILTERS.get(check["filter"], check["filter"])) for check in row["checks"]]
        no = next(((check, word) for check, word in words if not check["ok"]), None)
        if no is not None:
            why = _("needs %(need)s, has %(have)s") % {"need": no[0].get("need"), "have": no[0].get("have")}
            found.append(Refused(row["host"], no[1], why, [word for check, word in words if check["ok"]]))
    return found


def story(row: Operation, *, deep: bool = True) -> Story:
    """Return one operation; `deep` reads its steps too."""
    at = now()
    ended = row.finished_at or at
    live = row.state in (State.RUNNING, State.UNDOING)
    found = Story(
        row=row,
        status=word(row, since=row.created_at if live else None),
        by=row.user_name or row.user_id or _("the cloud"),
        seconds=(ended - row.created_at).total_seconds(),
        why=sentence(row.error_code, row.error_data) if row.error_code else "",
    )
    if not deep:
        return found
    labels = flows.labels(row.flow, row.version)
    steps = list(row.steps.order_by("id"))
    for step in steps:
        label = labels.get(step.name, step.name)
        found.lines.append(_line(step, label if step.phase == Phase.DO else _("Undo: %(step)s") % {"step": label}, at))
        found.refused = (refused(step.detail) if states.has_failed(step.result) else []) or found.refused
    if row.state == State.RUNNING:
        begun = {step.name for step in steps}
        found.lines += [Line(label, states.WAITING) for name, label in labels.items() if name not in begun]
    stretch(found.lines, row.created_at, ended)
    return found


def word(row: Operation, *, since: datetime | None = None) -> Status:
    """Return the word of one run of a verb: in progress, done, or failed; the verb itself where its panel has no word for it."""
    subject = panels.subject(row.subject_kind)
    words = subject.verbs.get(row.action) if subject else None
    doing, done, failed = words or (row.action, row.action, row.action)
    if row.state == State.DONE:
        return Status("ok", done, row.state)
    if row.state in (State.FAILED, State.BROKEN):
        return Status("bad", failed, row.state)
    return Status("busy", doing, row.state, since=since)


def named(stories: list[Story]) -> list[Story]:
    """Fill in the subjects' names and pages: one query a kind."""
    by_kind: dict[str, list[Story]] = {}
    for one in stories:
        by_kind.setdefault(one.row.subject_kind, []).append(one)
    for kind, some in by_kind.items():
        subject = panels.subject(kind)
        names = subject.names({one.row.subject_id for one in some}) if subject else {}
        for one in some:
            one.subject, gone = names.get(one.row.subject_id, (one.row.subject_id[:13], False))
            if subject and not gone:
                one.url = reverse(subject.route, args=[one.row.subject_id])
    return stories
