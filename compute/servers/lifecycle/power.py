"""Verbs of power: stop, start, reboot, pause, suspend, each with its flow."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from authorization.context import RequestContext
from compute.servers.lifecycle import boot, interfaces, states
from compute.servers.lifecycle.services import for_verb
from compute.servers.models import Server
from hostagent.contract import Verb
from hostagent.contract.server import (
    SERVER_PAUSE,
    SERVER_REBOOT,
    SERVER_RESUME,
    SERVER_STOP,
    SERVER_SUSPEND,
    SERVER_UNPAUSE,
)
from operations import Flow, Step
from operations.starting import begin
from operations.steps import casting, finalizing, to_error, to_stable

STOP = Flow(
    "server.stop",
    version=1,
    steps=(
        Step(
            "power_off",
            do=casting(SERVER_STOP, timeout=60),  # of the cast's body: seconds that the guest has
            deadline=150,
            label=_("Ask the guest to power off, then force it"),
        ),
        Step("mark_stopped", do=finalizing(), label=_("Mark stopped")),
    ),
    on_failed=to_stable,
    label=_("Stop"),
)


def stop(actor: RequestContext, *, server_id: str) -> Server:
    """Power a server off by asking its guest, by force after 60 s. Returns at once, busy."""
    return begin(actor, for_verb, server_id, "stop", STOP)


START = Flow(
    "server.start",
    version=1,
    steps=(
        Step("bind_ports", do=interfaces.bind_ports, label=_("Bind the ports to the host")),
        Step("wire_network", do=interfaces.plug_vifs, label=_("Plug the interfaces")),
        Step("start_domain", do=boot.start_domain, deadline=180, label=_("Start the machine")),
        Step("mark_active", do=finalizing(), label=_("Mark active")),
    ),
    on_failed=to_error,
    label=_("Start"),
)


def start(actor: RequestContext, *, server_id: str) -> Server:
    """Power a server on, on its host. Returns at once, busy."""
    return begin(actor, for_verb, server_id, "start", START)


#: For each server that should run on a host that came back; nothing changes for one that does run. The name is that of older versions.
ENSURE_RUNNING = Flow(
    "server.keep",
    version=1,
    steps=(
        Step("wire_network", do=interfaces.plug_vifs, label=_("Plug the interfaces")),
        Step("start_domain", do=boot.start_domain, deadline=180, label=_("Start the machine")),
        Step("mark_active", do=finalizing(states.ACTIVE), label=_("Mark active")),
    ),
    on_failed=to_error,
    label=_("Ensure that it runs"),
)


REBOOT_SOFT = Flow(
    "server.reboot_soft",
    version=1,
    steps=(
        Step(
            "reboot",
            do=casting(SERVER_REBOOT, hard=False),
            deadline=200,
            label=_("Ask the guest to reboot"),
        ),
        Step("mark_active", do=finalizing(), label=_("Mark active")),
    ),
    on_failed=to_stable,
    label=_("Reboot"),
)


REBOOT_HARD = Flow(
    "server.reboot_hard",
    version=1,
    steps=(
        Step("remove_domain", do=boot.remove_domain, label=_("Power the machine off")),
        Step("bind_ports", do=interfaces.bind_ports, label=_("Bind the ports to the host")),
        Step("wire_network", do=interfaces.plug_vifs, label=_("Plug the interfaces")),
        Step("start_domain", do=boot.start_domain, deadline=180, label=_("Start the machine")),
        Step("mark_active", do=finalizing(), label=_("Mark active")),
    ),
    on_failed=to_error,
    label=_("Hard reboot"),
)


def reboot(actor: RequestContext, *, server_id: str, hard: bool) -> Server:
    """Reboot a server: soft through its guest; `hard` by defining its machine anew, which also repairs one in ERROR."""
    if hard:
        return begin(actor, for_verb, server_id, "reboot_hard", REBOOT_HARD)
    return begin(actor, for_verb, server_id, "reboot", REBOOT_SOFT)


def _one_cast(name: str, verb: Verb[Any, Any], label: Promise) -> Flow:
    """Make a flow of one cast that changes the power state and nothing else."""
    return Flow(
        f"server.{name}",
        version=1,
        steps=(
            Step(
                name,
                do=casting(verb),
                deadline=320 if verb.is_bulk else 80,
                label=label,
            ),
            Step("mark", do=finalizing(), label=_("Mark the new state")),
        ),
        on_failed=to_stable,
        label=label,
    )


PAUSE = _one_cast("pause", SERVER_PAUSE, _("Pause the machine"))
UNPAUSE = _one_cast("unpause", SERVER_UNPAUSE, _("Let the machine go on"))
SUSPEND = _one_cast("suspend", SERVER_SUSPEND, _("Save the memory to disk"))
RESUME = _one_cast("resume", SERVER_RESUME, _("Load the memory from disk"))


def pause(actor: RequestContext, *, server_id: str) -> Server:
    """Freeze a server's machine; its memory stays on the host."""
    return begin(actor, for_verb, server_id, "pause", PAUSE)


def unpause(actor: RequestContext, *, server_id: str) -> Server:
    """Let a paused machine go on."""
    return begin(actor, for_verb, server_id, "unpause", UNPAUSE)


def suspend(actor: RequestContext, *, server_id: str) -> Server:
    """Save a server's memory to the host's disk and power it off."""
    return begin(actor, for_verb, server_id, "suspend", SUSPEND)


def resume(actor: RequestContext, *, server_id: str) -> Server:
    """Load the memory of a suspended server and let it go on."""
    return begin(actor, for_verb, server_id, "resume", RESUME)
