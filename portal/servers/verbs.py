"""What can be done with an instance: the buttons, and the endpoints behind those that ask nothing."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.actor import Actor
from common.errors import CloudError
from compute.servers import changing, services, states
from compute.servers.models import Server
from portal.sharing.parts import share_action
from portal.ui import Text
from portal.ui.menus import Action, gate
from portal.ui.pages import Page

POST: dict[str, Callable[..., Any]] = {
    "start": services.start,
    "stop": services.stop,
    "reboot": lambda actor, server_id: services.reboot(actor, server_id=server_id, hard=False),
    "reboot_hard": lambda actor, server_id: services.reboot(actor, server_id=server_id, hard=True),
    "pause": services.pause,
    "unpause": services.unpause,
    "suspend": services.suspend,
    "resume": services.resume,
    "shelve": changing.shelve,
    "unshelve": changing.unshelve,
    "confirm_resize": changing.confirm_resize,
    "revert_resize": changing.revert_resize,
    "lock": services.lock,
    "unlock": services.unlock,
}

#: verb → (label, icon, policy rule).
FACES: dict[str, tuple[Text, str, str]] = {
    "start": (gettext_lazy("Start"), "player-play", "start"),
    "stop": (gettext_lazy("Stop"), "player-stop", "stop"),
    "reboot": (gettext_lazy("Reboot"), "refresh", "reboot"),
    "reboot_hard": (gettext_lazy("Hard reboot"), "power", "reboot"),
    "pause": (gettext_lazy("Pause"), "player-pause", "pause"),
    "unpause": (gettext_lazy("Resume"), "player-play", "unpause"),
    "suspend": (gettext_lazy("Suspend"), "archive", "suspend"),
    "resume": (gettext_lazy("Resume"), "player-play", "resume"),
    "shelve": (gettext_lazy("Shelve"), "archive", "shelve"),
    "unshelve": (gettext_lazy("Unshelve"), "archive-off", "unshelve"),
    "confirm_resize": (gettext_lazy("Confirm resize"), "check", "confirm_resize"),
    "revert_resize": (gettext_lazy("Revert resize"), "rotate-clockwise", "revert_resize"),
    "snapshot": (gettext_lazy("Snapshot"), "camera", "snapshot"),
    "resize": (gettext_lazy("Resize"), "arrows-maximize", "resize"),
    "rebuild": (gettext_lazy("Rebuild"), "rotate-clockwise", "rebuild"),
    "delete": (gettext_lazy("Delete"), "trash", "delete"),
}
DIALOGS = ("snapshot", "resize", "rebuild", "delete")
#: Verbs shown only where they can run, because they undo a state.
ONLY_THEN = ("start", "unpause", "resume", "unshelve", "confirm_resize", "revert_resize")


def why_not(server: Server, verb: str, *, admin: bool) -> Text:
    """The state's reason against a verb, "" when it may run."""
    known = states.VERBS[verb]
    if server.locked and not admin and not known.locked:
        return _("It is locked")
    if server.task_state and verb != "delete":
        return _("Wait until it is at rest")
    if server.task_state == states.VERBS["delete"].task:
        return _("It is being deleted")
    if server.vm_state not in known.start:
        return _("Not while it is in the state %(state)s") % {"state": server.status}
    return ""


def action(actor: Actor, server: Server, verb: str) -> Action:
    label, icon, rule = FACES[verb]
    why = gate(actor, f"compute:server:{rule}", server, why_not(server, verb, admin=actor.is_admin))
    route = f"instance-{verb}" if verb in DIALOGS else "instance-do"
    url = reverse(route, args=[server.id] if verb in DIALOGS else [server.id, verb])
    return Action(verb, label, icon, url, "dialog" if verb in DIALOGS else "post", why, risk=verb == "delete")


def actions(actor: Actor, server: Server) -> list[Action]:
    """Header and menu of an instance; the first three are the header's."""
    console = Action(
        "console", _("Console"), "device-desktop", reverse("instance-tab", args=[server.id, "console"]), "link",
        gate(actor, "compute:server:console", server, "" if runs(server) else _("Waits until the instance is up")),
    )  # fmt: skip
    power = "start" if server.vm_state == states.STOPPED else "stop"
    found = [console, action(actor, server, "snapshot"), action(actor, server, power)]
    for verb in ("unpause", "resume", "unshelve", "confirm_resize", "revert_resize"):
        if server.vm_state in states.VERBS[verb].start:
            found.append(action(actor, server, verb))
    floating = Action(
        "floating-ip", _("Add floating IP"), "world-pin", reverse("instance-floating-ip", args=[server.id]),
        why=gate(actor, "network:floatingip:create", server.project_id),
    )  # fmt: skip
    edit = Action(
        "edit", _("Edit name"), "pencil", reverse("instance-edit", args=[server.id]),
        why=gate(actor, "compute:server:update", server),
    )  # fmt: skip
    found += [action(actor, server, verb) for verb in ("reboot", "reboot_hard")] + [floating, edit]
    found += [action(actor, server, verb) for verb in ("pause", "suspend", "shelve", "resize", "rebuild")]
    lock = "unlock" if server.locked else "lock"
    label, icon = (_("Unlock"), "lock-open") if server.locked else (_("Lock"), "lock")
    why = gate(actor, f"compute:server:{lock}", server)
    found.append(Action(lock, label, icon, reverse("instance-do", args=[server.id, lock]), "post", why))
    return [*found, share_action(actor, "server", server), action(actor, server, "delete")]


def runs(server: Server) -> bool:
    return server.power_state in (states.RUNNING, states.POWER_PAUSED) and bool(server.host)


class Do(Page):
    """POST /instances/<id>/<verb>: one service call; the socket brings the rest."""

    panel = "instances"

    def post(self, request: HttpRequest, id: str, verb: str) -> HttpResponse:
        if verb not in POST:
            raise Http404(verb)
        POST[verb](self.actor, server_id=id)
        return self.done()


class Bulk(Page):
    """POST /instances/bulk/<verb> with ids: each is tried; what could not is said in one sentence."""

    panel = "instances"

    def post(self, request: HttpRequest, verb: str) -> HttpResponse:
        if verb not in POST:
            raise Http404(verb)
        ids = request.POST.getlist("ids")[:200]
        refused: list[CloudError] = []
        for id in ids:
            try:
                POST[verb](self.actor, server_id=id)
            except CloudError as error:
                refused.append(error)
        if refused:
            raise refused[0]
        done = ngettext("%(count)s instance: asked", "%(count)s instances: asked", len(ids)) % {"count": len(ids)}
        return self.done(done)
