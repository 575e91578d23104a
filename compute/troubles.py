"""Troubles of compute that no host reports: claims that nobody holds, servers without one, servers that wait for nothing."""

from functools import partial

from django.utils.translation import gettext as _

from common import troubles
from common.troubles import Trouble
from compute.servers.lifecycle import reconcile, steps
from compute.servers.models import Server
from operations.models import LIVE, Operation
from placement import services as placement


def register() -> None:
    troubles.register(_claims)
    troubles.register(_stuck)


def _claims() -> list[Trouble]:
    """Claims of servers that are gone, and servers on a host without one."""
    held = placement.consumers()
    living = dict(Server.objects.living().exclude(host="").values_list("id", "host"))
    resized = Server.objects.living().filter(before_resize__isnull=False).values_list("id", flat=True)
    busy = set(Operation.objects.filter(subject_kind="server", state__in=LIVE).values_list("subject_id", flat=True))
    fine = {*living, *busy, *(steps.old_claim(id) for id in {*resized, *busy})}
    gone, without = _("Nobody holds this claim any more."), _("This instance is on a host without a claim.")
    return [
        Trouble("claim", consumer, gone, ", ".join(sorted(hosts)), partial(placement.release, consumer))
        for consumer, hosts in held.items()
        if consumer not in fine
    ] + [Trouble("claim", id, without, host) for id, host in living.items() if id not in held and id not in busy]


def _stuck() -> list[Trouble]:
    text = _("It waits for %s, which nothing does.")
    return [
        Trouble("server", server.id, text % server.task_state, server.host, reconcile.recover_stuck)
        for server in reconcile.stuck()
    ]
