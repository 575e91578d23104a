"""The first steps in a project: five things until one is in a machine of one's own, ticked by facts, put away for good."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from authorization.context import RequestContext
from compute.keypairs.models import KeyPair
from compute.servers.models import Server
from networking.floatingips.models import FloatingIP
from networking.ports.models import Port
from networking.securitygroups.models import SecurityGroupRule
from portal import prefs
from portal.servers.reach import Reach, letting_ssh_in, reach
from portal.ui.menus import Action
from portal.ui.pages import Page

#: A project with more instances than this knows its way.
FEW = 1


@dataclass(frozen=True)
class Step:
    """One step: whether it is done, and the button that does it; None while an earlier step has to come first."""

    name: str
    words: str
    done: bool
    button: Action | None = None
    line: str = ""


def steps(actor: RequestContext) -> list[Step]:
    """List the first steps of the actor in their project; none where there are more than FEW instances, or all are done."""
    project = actor.project_id or ""
    servers = list(Server.objects.living().filter(project_id=project).order_by("created_at")[: FEW + 1])
    if len(servers) > FEW:
        return []
    server = servers[0] if servers else None
    way = reach(actor, server) if server is not None else Reach("instance")
    ready = way.answers or (server is not None and server.login_at is not None and not way.missing)
    found = [
        _key(actor),
        _instance(server),
        _port(project, server),
        _address(project, server),
        Step("ssh", _("Get in by ssh"), ready, line=way.line if not way.missing else ""),
    ]
    return [] if all(step.done for step in found) else found


def _key(actor: RequestContext) -> Step:
    has = KeyPair.objects.filter(user_id=actor.user_id).exists()
    button = Action("key-pair-create", _("Create key pair"), "key", reverse("key-pair-create"))
    return Step("key", _("A key pair, to get in without a password"), has, button)


def _instance(server: Server | None) -> Step:
    button = Action("launch", _("Launch instance"), "plus", reverse("launch"), "link")
    return Step("instance", _("An instance"), server is not None, button)


def _port(project: str, server: Server | None) -> Step:
    has = bool(letting_ssh_in(SecurityGroupRule.objects.filter(group__project_id=project)))
    button = None
    if server is not None and Port.objects.of_server(server).filter(groups__isnull=False).exists():
        url = reverse("instance-open-ssh", args=[server.pk, "anyone"])
        button = Action("open-ssh-anyone", _("Open port 22"), "lock-open", url, "post")
    return Step("port", _("Port 22 open, through which ssh comes in"), has, button)


def _address(project: str, server: Server | None) -> Step:
    has = FloatingIP.objects.filter(project_id=project, port__isnull=False).exists()
    button = None
    if server is not None:
        url = reverse("instance-floating-ip", args=[server.pk])
        button = Action("floating-ip", _("Add floating IP"), "world-pin", url)
    return Step("address", _("A floating IP, by which it is reached from outside"), has, button)


def shown(actor: RequestContext, own: prefs.Prefs) -> Sequence[Step]:
    """List the steps for a reader who has not put them away."""
    return steps(actor) if own.first_steps else ()


class PutAway(Page):
    """POST: the list of first steps is not shown again to this person."""

    panel = "overview"

    def post(self, request: HttpRequest) -> HttpResponse:
        response = self.go(reverse("overview"))
        prefs.remember(request, response, first_steps=False)
        return response
