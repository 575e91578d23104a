"""What became of one instance: its long verbs with their steps, and between them every other change of it and of its ports."""

from dataclasses import dataclass
from datetime import datetime

from authorization.context import RequestContext
from common.ids import time_of
from compute.servers import history
from compute.servers.models import Server
from identity import audits
from networking.ports.models import Port
from portal.ui import activity, timelines
from portal.ui.activity import Line, Told
from portal.ui.timelines import Story

TYPE = "service/compute/servers"
MOST = 30  # verbs of a page


@dataclass(frozen=True)
class Entry:
    """A verb with its steps, with what its record says beside it; or a record alone."""

    at: datetime
    story: Story | None = None
    line: Line | None = None


def told(actor: RequestContext, server: Server, before: str) -> Told:
    """Tell the changes of an instance and of its ports; nothing where a rule keeps them from the actor."""
    if not audits.sees_activity(actor):
        return Told([], "", "", "")
    ids = [server.pk, *Port.objects.of_server(server).values_list("pk", flat=True)]
    return activity.of_object(actor, TYPE, ids, before)


def entries(actor: RequestContext, server: Server, before: str = "") -> tuple[list[Entry], Told]:
    """List what became of an instance, the newest first, and the records that it is made of."""
    found = told(actor, server, before)
    rows = history.operations_of(server)
    if before and (high := time_of(before)):
        rows = rows.filter(created_at__lt=high)
    if found.older and (low := time_of(found.older)):
        rows = rows.filter(created_at__gte=low)
    stories = [timelines.story(row) for row in rows[:MOST]]
    lines = {line.row.operation_id or line.row.pk: line for line in found.lines}
    merged = [Entry(story.row.created_at, story, lines.pop(story.row.id, None)) for story in stories]
    merged += [Entry(line.row.event_time, line=line) for line in lines.values()]
    return sorted(merged, key=lambda entry: entry.at, reverse=True), found
