"""The overview, and the bell."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from authorization import policy
from authorization.context import RequestContext
from common.clock import now
from compute.servers.lifecycle import states
from compute.servers.models import Server
from identity import audits
from identity.groups.services import GROUPS
from identity.projects.services import PROJECTS
from identity.users.services import USERS
from operations.models import Operation, State
from portal.load import views as load
from portal.overview import firststeps
from portal.servers import failures
from portal.servers.listing import CHIPS, count, visible
from portal.ui import Text, activity, navigation, quotas, timelines
from portal.ui.pages import Page
from portal.ui.panels import Limit
from quota import services as quota

READ_AT = "notices_read_at"
RECENT = 8  # changes that the overview tells


def operations_of(actor: RequestContext) -> Any:
    """Query the operations of the actor's project, newest first."""
    return Operation.objects.filter(project_id=actor.project_id or "").order_by("-created_at", "-id")


def bars(actor: RequestContext) -> list[dict[str, Any]]:
    """List the limits that panels put on the overview, as groups of bars."""
    groups = []
    for about in quotas.known():
        known = {row.name for row in quota.registered(about.service)}
        shown = [limit for limit in about.limits if limit.on_overview and limit.name in known]
        use = quota.usage(actor.project_id or "", about.service) if shown else {}
        if shown:
            groups.append({"title": about.title, "lines": [_bar(limit, *use[limit.name]) for limit in shown]})
    return groups


def _bar(limit: Limit, used: int, most: int) -> dict[str, object]:
    """One limit with its use; `left` where it will soon be reached."""
    left = most - used if most >= 0 and used >= most * 0.8 and not limit.is_mib else None
    shown = [quotas.shown(limit, value) for value in (used, most)]
    return {"name": limit.name, "label": limit.label, "used": used, "limit": most, "shown": shown, "left": left}


def holdings(actor: RequestContext) -> list[tuple[str, Text, int]]:
    """(panel, label, number) of what is in the session's domain, as far as the actor may list it."""
    kinds = (("projects", _("Projects"), PROJECTS), ("users", _("Users"), USERS), ("groups", _("Groups"), GROUPS))
    found: list[tuple[str, Text, int]] = []
    for panel, label, kind in kinds:
        if policy.allows(actor, kind.rule("list"), kind.list_target(actor)):
            found.append((panel, label, kind.listing(actor, {}).count()))
    return found


#: Chip → how its bar looks.
LOOKS = {"active": "ok", "busy": "busy", "off": "off", "look": "warn"}


def of_project(actor: RequestContext) -> dict[str, object]:
    """Read the overview of the session's project: quotas, the newest changes, counts of servers, servers in error."""
    numbers = count(visible(actor))
    broken = Server.objects.living().filter(project_id=actor.project_id, vm_state=states.ERROR, task_state=None)
    shown = list(broken.order_by("-fault_at")[:2])
    ways = failures.ways(actor, shown)
    return {
        "quotas": bars(actor),
        "lines": activity.of_project(actor, RECENT) if audits.sees_activity(actor) else None,
        "numbers": [(name, chip.label, LOOKS[name], numbers[name]) for name, chip in CHIPS.items() if name],
        "shares": [(look, numbers[name]) for name, look in LOOKS.items()],
        "all": numbers[""],
        "broken": [(server, ways.get(server.pk, ())) for server in shown],
    }


class Overview(Page):
    panel = "overview"

    def get(self, request: HttpRequest) -> HttpResponse:
        context: dict[str, object] = {}
        if self.actor.project_id:
            context = of_project(self.actor)
            context["steps"] = firststeps.shown(self.actor, self.prefs)
        elif self.actor.domain_id:
            context = {"domain": holdings(self.actor)}
        if self.asks("live"):
            return self.fragment("overview/overview_live.html", **context)
        section = load.of_cloud(self.actor)
        return self.page("overview/overview.html", loads=[section] if section else [], **context)


class Keys(Page):
    """What each key does."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.fragment("overview/keys.html", title=_("Keys"), menu=navigation.menu(self.actor))


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
        return self.fragment("overview/notices.html", title=_("Notifications"), stories=stories)
