"""The overview, everything that happened, the bell, and one request's timeline."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.actor import Actor
from common.clock import now
from common.units import human_mib
from compute.servers import states
from compute.servers.models import Server
from identity import denials, policy
from identity.groups.services import GROUPS
from identity.limits import services as quota
from identity.projects.services import PROJECTS
from identity.users.services import USERS
from operations.models import LIVE, Operation, State
from portal.servers.listing import CHIPS, count, visible
from portal.ui import Text, tables, timelines
from portal.ui.pages import Page

#: What the overview shows of quotas: (service, title, [(name, label, as MiB)]).
QUOTAS: tuple[tuple[str, Text, tuple[tuple[str, Text, bool], ...]], ...] = (
    (
        "compute",
        gettext_lazy("Compute"),
        (
            ("instances", gettext_lazy("Instances"), False),
            ("cores", "vCPUs", False),
            ("ram", gettext_lazy("Memory"), True),
        ),
    ),
    (
        "network",
        gettext_lazy("Network"),
        (
            ("floatingip", gettext_lazy("Floating IPs"), False),
            ("network", gettext_lazy("Networks"), False),
            ("security_group", gettext_lazy("Security groups"), False),
        ),
    ),
    (
        "image",
        gettext_lazy("Images"),
        (
            ("image_count_total", gettext_lazy("Images"), False),
            ("image_size_total", gettext_lazy("Image space"), True),
        ),
    ),
)
READ_AT = "notices_read_at"


def operations_of(actor: Actor) -> Any:
    """Those of the actor's project, newest first."""
    return Operation.objects.filter(project_id=actor.project_id or "").order_by("-created_at", "-id")


def bars(actor: Actor) -> list[dict[str, Any]]:
    """Quotas as groups of bars."""
    groups = []
    for service, title, wanted in QUOTAS:
        known = {row.name for row in quota.registered(service)}
        use = quota.usage(actor.project_id or "", service)
        lines = []
        for name, label, is_mib in wanted:
            if name not in known:
                continue
            used, limit = use[name]
            shown = [human_mib(value) if is_mib else str(value) for value in (used, limit)]
            left = limit - used if limit >= 0 and used >= limit * 0.8 and not is_mib else None
            lines.append({"name": name, "label": label, "used": used, "limit": limit, "shown": shown, "left": left})
        if lines:
            groups.append({"title": title, "lines": lines})
    return groups


def holdings(actor: Actor) -> list[tuple[str, Text, int]]:
    """(panel, label, number) of what is in the session's domain, as far as the actor may list it."""
    kinds = (("projects", _("Projects"), PROJECTS), ("users", _("Users"), USERS), ("groups", _("Groups"), GROUPS))
    found = []
    for panel, label, kind in kinds:
        if policy.allows(actor, kind.rule("list"), kind.list_target(actor)):
            found.append((panel, label, kind.listing(actor, {}).count()))
    return found


class Overview(Page):
    panel = "overview"

    def get(self, request: HttpRequest) -> HttpResponse:
        actor = self.actor
        context: dict[str, Any] = {}
        if actor.project_id:
            numbers = count(visible(actor))
            kinds = {"active": "ok", "busy": "busy", "off": "off", "look": "warn"}
            recent = [timelines.story(row, deep=False) for row in operations_of(actor)[:8]]
            broken = Server.objects.living().filter(project_id=actor.project_id, vm_state=states.ERROR, task_state=None)
            context = {
                "quotas": bars(actor),
                "stories": timelines.named(recent),
                "numbers": [(name, label, kinds[name], numbers[name]) for name, (label, _w) in CHIPS.items() if name],
                "shares": [(kinds[name], numbers[name]) for name in kinds],
                "all": numbers[""],
                "broken": list(broken.order_by("-fault_at")[:2]),
            }
        elif actor.domain_id:
            context = {"domain": holdings(actor)}
        template = "overview/overview_live.html" if "live" in request.GET else "overview/overview.html"
        return self.fragment(template, **context) if "live" in request.GET else self.page(template, **context)


class Activity(Page):
    panel = "activity"

    def get(self, request: HttpRequest) -> HttpResponse:
        pager = tables.Pager.read(request.GET, self.prefs.page_size)
        query = operations_of(self.actor)
        failed = request.GET.get("state") == "failed"
        query = query.filter(state__in=(State.FAILED, State.BROKEN)) if failed else query
        stories = timelines.named([timelines.story(row, deep=False) for row in pager.cut(query)])
        context = {"stories": stories, "failed": failed, "title": _("Activity"), **pager.context(query.count())}
        if "live" in request.GET:
            return self.fragment("overview/activity_live.html", **context)
        return self.page("overview/activity.html", **context)


class Notices(Page):
    """The bell: what ended lately, what goes on; ?count: how many failed since it was last opened; ?read: it is open."""

    def get(self, request: HttpRequest) -> HttpResponse:
        since = request.session.get(READ_AT)
        query = operations_of(self.actor)
        if "count" in request.GET:
            failed = query.filter(state__in=(State.FAILED, State.BROKEN))
            if since:
                failed = failed.filter(updated_at__gt=datetime.fromisoformat(since))
            return HttpResponse(str(failed[:10].count()), content_type="text/plain")
        if "read" in request.GET:
            request.session[READ_AT] = now().isoformat()
        stories = timelines.named([timelines.story(row, deep=False) for row in query[:12]])
        return self.fragment("overview/notices.html", stories=stories)


class Request(Page):
    """Everything that one request started: GET /requests/<request id>."""

    panel = "activity"

    def get(self, request: HttpRequest, request_id: str) -> HttpResponse:
        query = Operation.objects.filter(request_id=request_id)
        if not self.actor.is_admin:
            query = query.filter(project_id=self.actor.project_id or "")
        stories = timelines.named([timelines.story(row) for row in query.order_by("created_at")[:100]])
        denied = denials.of_request(request_id)
        if not self.actor.is_admin:
            denied = [one for one in denied if one["user_id"] == self.actor.user_id]
        context = {
            "denied": denied,
            "title": request_id,
            "wanted": request_id,
            "stories": stories,
            "live": any(story.row.state in LIVE for story in stories),
        }
        if "live" in request.GET:
            return self.fragment("overview/request_live.html", **context)
        return self.page("overview/request.html", **context)
