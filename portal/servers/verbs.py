"""The verbs of an instance: the buttons of all, and the endpoints of those that ask nothing (others: dialogs.py)."""

from collections.abc import Callable
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from authorization.context import RequestContext
from common.errors import CloudError
from compute.servers.lifecycle import power, resize, services, snapshots
from compute.servers.models import Server
from compute.servers.rules import RULES
from operations import starting
from operations.subject import Why
from portal.servers import status
from portal.servers.dialogs import no_way_out
from portal.sharing.parts import share_action
from portal.ui import Text
from portal.ui.calls import Call, carry_out
from portal.ui.menus import Action, Verb, gate, in_words
from portal.ui.pages import Page

POST: dict[str, Callable[..., object]] = {
    "start": power.start,
    "stop": power.stop,
    "reboot": lambda actor, server_id: power.reboot(actor, server_id=server_id, hard=False),
    "reboot_hard": lambda actor, server_id: power.reboot(actor, server_id=server_id, hard=True),
    "pause": power.pause,
    "unpause": power.unpause,
    "suspend": power.suspend,
    "resume": power.resume,
    "shelve": snapshots.shelve,
    "unshelve": snapshots.unshelve,
    "confirm_resize": resize.confirm_resize,
    "revert_resize": resize.revert_resize,
    "lock": services.lock,
    "unlock": services.unlock,
}

#: verb → (label, icon).
FACES: dict[str, tuple[Text, str]] = {
    "start": (gettext_lazy("Start"), "player-play"),
    "stop": (gettext_lazy("Stop"), "player-stop"),
    "reboot": (gettext_lazy("Reboot"), "refresh"),
    "reboot_hard": (gettext_lazy("Hard reboot"), "power"),
    "pause": (gettext_lazy("Pause"), "player-pause"),
    "unpause": (gettext_lazy("Resume"), "player-play"),
    "suspend": (gettext_lazy("Suspend"), "archive"),
    "resume": (gettext_lazy("Resume"), "player-play"),
    "shelve": (gettext_lazy("Shelve"), "archive"),
    "unshelve": (gettext_lazy("Unshelve"), "archive-off"),
    "confirm_resize": (gettext_lazy("Confirm resize"), "check"),
    "revert_resize": (gettext_lazy("Revert resize"), "rotate-clockwise"),
    "lock": (gettext_lazy("Lock"), "lock"),
    "unlock": (gettext_lazy("Unlock"), "lock-open"),
    "snapshot": (gettext_lazy("Snapshot"), "camera"),
    "resize": (gettext_lazy("Resize"), "arrows-maximize"),
    "rebuild": (gettext_lazy("Rebuild"), "rotate-clockwise"),
    "delete": (gettext_lazy("Delete"), "trash"),
}
DIALOGS = ("snapshot", "resize", "rebuild", "delete")
#: Verbs shown only where they can run, because they undo a state: first of all. The state waits for those of LEADING.
ONLY_THEN = ("unpause", "resume", "unshelve", "confirm_resize", "revert_resize")
LEADING = ("unpause", "resume", "unshelve", "confirm_resize")


def action(actor: RequestContext, server: Server, verb: str, *, is_held: bool) -> Action:
    """Make the button of a verb. `is_held`: an operation holds the server (operations.starting)."""
    label, icon = FACES[verb]
    refusal = in_words(services.why_not(actor, server, verb), status.server(server.status, None))
    row = server.lifecycle.verbs.get(verb)
    is_kept_off = is_held and row is not None and not row.preempts
    why = gate(actor, RULES[verb], server, refusal or (str(Why.BUSY.value) if is_kept_off else ""))
    route = f"instance-{verb}" if verb in DIALOGS else "instance-do"
    url = reverse(route, args=[server.id] if verb in DIALOGS else [server.id, verb])
    how = "dialog" if verb in DIALOGS else "post"
    return Action(verb, label, icon, url, how, why, risk=verb == "delete", leads=verb in LEADING)


def actions(actor: RequestContext, server: Server) -> list[Action]:
    """Header and menu of an instance; the first three are the header's, those by which its state is left before all."""
    console = Action(
        "console", _("Console"), "device-desktop", reverse("instance-tab", args=[server.id, "console"]), "link",
        gate(actor, "os_compute_api:os-remote-consoles", server, "" if server.runs else _("Waits until the instance is up")),
    )  # fmt: skip
    button = partial(action, actor, server, is_held=starting.is_held(server))
    power = "start" if can_follow(server, "start") else "stop"
    found = [button(verb) for verb in ONLY_THEN if can_follow(server, verb)]
    found += [console, button("snapshot"), button(power)]
    floating = Action(
        "floating-ip", _("Add floating IP"), "world-pin", reverse("instance-floating-ip", args=[server.id]),
        why=gate(actor, "create_floatingip", server.project_id) or no_way_out(server),
    )  # fmt: skip
    edit = Action(
        "edit", _("Edit name"), "pencil", reverse("instance-edit", args=[server.id]),
        why=gate(actor, "os_compute_api:servers:update", server),
    )  # fmt: skip
    found += [button(verb) for verb in ("reboot", "reboot_hard")] + [floating, edit]
    found += [button(verb) for verb in ("pause", "suspend", "shelve", "resize", "rebuild")]
    found.append(button("unlock" if server.locked else "lock"))
    return [*found, share_action(actor, "server", server), button("delete")]


def can_follow(server: Server, verb: str) -> bool:
    """Whether a verb leads on from the state in which the server rests, or rested last."""
    return server.lifecycle.why_not(verb, state=server.vm_state) is None


def run(call: Call) -> None:
    """Call the service of the verb in the address; the socket brings what changes. Raises: Http404, and what the service raises."""
    if call.keys["verb"] not in POST:
        raise Http404(call.keys["verb"])
    POST[call.keys["verb"]](call.actor, server_id=call.id)


DO = Verb(panel="instances", do=run)


class Bulk(Page):
    """POST /instances/bulk/<verb> with ids: each is tried; what could not is said in one sentence."""

    panel = "instances"

    def post(self, request: HttpRequest, verb: str) -> HttpResponse:
        if verb not in POST:
            raise Http404(verb)
        ids = request.POST.getlist("ids")[:200]
        refused: list[CloudError] = []
        for id in ids:
            call = Call(request, self.actor, DO, {"id": id, "verb": verb})
            try:
                carry_out(call, partial(run, call))
            except CloudError as error:
                refused.append(error)
        if refused:
            raise refused[0]
        done = ngettext("%(count)s instance: asked", "%(count)s instances: asked", len(ids)) % {"count": len(ids)}
        return self.done(done)


URLS = [
    path("instances/bulk/<str:verb>", Bulk.as_view(), name="instances-bulk"),
    path("instances/<str:id>/do/<str:verb>", DO.as_view(), name="instance-do"),
]
