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
from networking.floatingips.models import FloatingIP
from networking.ports.models import Port
from operations import starting
from operations.subject import Why
from portal.servers import status
from portal.servers.dialogs import no_way_out
from portal.sharing.parts import share_action
from portal.ui import Text
from portal.ui.calls import Call, carry_out
from portal.ui.menus import Action, Verb, gate, grouped, in_words
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
    lock = button("unlock" if server.locked else "lock")
    return [
        *found,
        *grouped(_("Power"), [button(verb) for verb in ("reboot", "reboot_hard", "pause", "suspend", "shelve")]),
        *grouped(_("Change"), [*attributes(actor, server), button("resize"), button("rebuild"), lock]),
        *grouped(_("Network"), [floating, *wires(actor, server)]),
        *grouped(_("Log in"), entries(actor, server)),
        *grouped(_("Share and delete"), [share_action(actor, "server", server), button("delete")]),
    ]


def asking(
    actor: RequestContext,
    server: Server,
    name: str,
    label: str,
    icon: str,
    rule: str,
    why: Text = "",
    how: str = "dialog",
) -> Action:
    """Make the button of a dialog that is no verb of the lifecycle, or of a page."""
    return Action(name, label, icon, reverse(f"instance-{name}", args=[server.id]), how, gate(actor, rule, server, why))


def wires(actor: RequestContext, server: Server) -> list[Action]:
    """List the buttons of an instance's interfaces, addresses and groups."""
    state = status.server(server.status, None)
    attach, detach, group = (
        in_words(services.why_not(actor, server, verb), state)
        for verb in ("attach_interface", "detach_interface", "add_group")
    )
    plugged = Port.objects.of_server(server)
    has_any, leads = plugged.exists(), FloatingIP.objects.filter(port__in=plugged).exists()
    none = "" if has_any else _("It is on no network")
    ask = partial(asking, actor, server)
    return [
        ask("disassociate", _("Disassociate floating IP"), "unlink", "update_floatingip", "" if leads else _("No floating IP leads to it")),
        ask("attach", _("Attach interface"), "plug-connected", RULES["attach_interface"], attach),
        ask("detach-one", _("Detach interface"), "plug-connected-x", RULES["detach_interface"], detach or none),
        ask("groups", _("Edit security groups"), "shield-lock", RULES["add_group"], group or none),
    ]  # fmt: skip


def attributes(actor: RequestContext, server: Server) -> list[Action]:
    """List the buttons of what is written to an instance."""
    ask = partial(asking, actor, server)
    return [
        ask("edit", _("Edit"), "pencil", "os_compute_api:servers:update"),
        ask("metadata", _("Update metadata"), "adjustments", "os_compute_api:server-metadata:update_all"),
        ask("tags", _("Edit tags"), "tag", "os_compute_api:os-server-tags:update_all"),
    ]


def entries(actor: RequestContext, server: Server) -> list[Action]:
    """List the buttons of what an instance says, and of its passwords."""
    ask = partial(asking, actor, server)
    log = reverse("instance-tab", args=[server.id, "log"])
    agentless = _(
        "It runs no guest agent that could set one. Log in with the key pair, or rebuild it with user data that sets one."
    )
    posted = "" if server.guest_password else _("The guest has posted none")
    return [
        Action("log", _("View log"), "file-text", log, "link", gate(actor, "os_compute_api:os-console-output", server)),
        Action("change-password", _("Change password"), "lock", "", why=gate(actor, "os_compute_api:os-admin-password", server, agentless)),
        ask("password", _("Retrieve password"), "key", "os_compute_api:os-server-password:show", posted, "link"),
    ]  # fmt: skip


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
