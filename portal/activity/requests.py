"""One request: what it changed, what it began, and what it was refused."""

from django.http import HttpRequest, HttpResponse

from audit import reading
from audit.models import Event
from authorization import denials
from authorization.context import RequestContext
from identity import audits
from operations.models import LIVE, Operation
from portal.ui import activity, timelines
from portal.ui.activity import Line
from portal.ui.pages import Page

MOST = 100  # lines of one request


class Request(Page):
    """GET /requests/<request id>."""

    panel = "activity"

    def get(self, request: HttpRequest, request_id: str) -> HttpResponse:
        stories, denied = started(self.actor, request_id), refused(self.actor, request_id)
        context: dict[str, object] = {"denied": denied, "title": request_id, "wanted": request_id, "stories": stories}
        context["lines"] = changed(self.actor, request_id)
        context["live"] = any(story.row.state in LIVE for story in stories)
        if self.asks("live"):
            return self.fragment("activity/request_live.html", **context)
        return self.page("activity/request.html", **context)


def started(actor: RequestContext, request_id: str) -> list[timelines.Story]:
    """List the operations of a request; of the actor's project, unless they administer the cloud."""
    query = Operation.objects.filter(request_id=request_id)
    if not actor.is_admin:
        query = query.filter(project_id=actor.project_id or "")
    return timelines.named([timelines.story(row) for row in query.order_by("created_at")[:MOST]])


def changed(actor: RequestContext, request_id: str) -> list[Line]:
    """List the changes of a request that the actor may see, as they were made."""
    if not audits.sees_activity(actor):
        return []
    reach, mine = audits.activity(actor)
    led = reach.of(Event.objects.filter(request_id=request_id))
    return activity.lines(actor, list(led.filter(reading.ONCE & mine).order_by("pk")[:MOST]))


def refused(actor: RequestContext, request_id: str) -> list[dict[str, object]]:
    """List the denials of a request; only the actor's own, unless they administer the cloud."""
    found = denials.of_request(request_id)
    return found if actor.is_admin else [one for one in found if one["user_id"] == actor.user_id]
